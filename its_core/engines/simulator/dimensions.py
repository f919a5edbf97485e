"""Sizes of everything that moves: read by physics, drivers and meshes alike."""

from __future__ import annotations

from dataclasses import dataclass

from its_core.taxonomy import ParticipantType


@dataclass(frozen=True, slots=True)
class VehicleBody:
    """Metres and kilograms of a typical vehicle of its class, driver and usual load included. The body's origin lies
    on the ground under its middle."""

    length_m: float
    width_m: float
    height_m: float
    wheelbase_m: float
    track_m: float
    wheel_radius_m: float
    clearance_m: float
    belt_m: float  # height of the window sills
    mass_kg: float


@dataclass(frozen=True, slots=True)
class TrailerBody:
    """A semi-trailer. ``kingpin_m``: where it turns, ahead of its own middle; ``coupling_m``: where that point lies
    ahead of the tractor's middle (negative: behind)."""

    length_m: float
    width_m: float
    height_m: float
    clearance_m: float
    kingpin_m: float
    coupling_m: float
    wheel_radius_m: float
    mass_kg: float


P = ParticipantType
VEHICLES: dict[ParticipantType, VehicleBody] = {
    P.SEDAN: VehicleBody(4.70, 1.83, 1.45, 2.75, 1.57, 0.33, 0.17, 0.94, 1450.0),
    P.HATCHBACK: VehicleBody(4.05, 1.75, 1.48, 2.55, 1.50, 0.31, 0.16, 0.93, 1200.0),
    P.SUV: VehicleBody(4.75, 1.90, 1.72, 2.75, 1.62, 0.37, 0.22, 1.08, 1900.0),
    P.PICKUP: VehicleBody(5.70, 2.00, 1.88, 3.60, 1.70, 0.40, 0.25, 1.14, 2150.0),
    P.VAN: VehicleBody(5.40, 2.00, 2.30, 3.30, 1.70, 0.36, 0.20, 1.20, 2150.0),
    P.TRUCK: VehicleBody(8.20, 2.45, 3.40, 4.70, 2.00, 0.48, 0.36, 1.60, 8500.0),
    P.ARTICULATED_TRUCK: VehicleBody(6.00, 2.50, 3.70, 3.70, 2.05, 0.50, 0.36, 1.75, 8200.0),  # the tractor
    P.BUS: VehicleBody(12.00, 2.55, 3.10, 5.90, 2.10, 0.48, 0.32, 1.10, 12500.0),
    P.MOTORCYCLE: VehicleBody(2.15, 0.75, 1.30, 1.42, 0.0, 0.31, 0.16, 0.80, 280.0),
    P.BICYCLE: VehicleBody(1.75, 0.60, 1.70, 1.02, 0.0, 0.34, 0.20, 0.95, 92.0),
}
del P
TRAILER = TrailerBody(13.60, 2.50, 3.95, 1.05, 5.20, -0.70, 0.50, 15000.0)
TWO_WHEELERS = frozenset({ParticipantType.MOTORCYCLE, ParticipantType.BICYCLE})
HEAVY = frozenset({ParticipantType.TRUCK, ParticipantType.ARTICULATED_TRUCK, ParticipantType.BUS})
BIKE_MASS_KG = {ParticipantType.MOTORCYCLE: 205.0, ParticipantType.BICYCLE: 15.0}  # without the rider

PEDESTRIAN_HEIGHT_M = 1.74
PEDESTRIAN_RADIUS_M = 0.27
PEDESTRIAN_MASS_KG = 75.0


def reach_m(type_: ParticipantType) -> tuple[float, float]:
    """How far a vehicle reaches ahead of its origin and behind it, trailer included."""
    half = VEHICLES[type_].length_m / 2
    if type_ is ParticipantType.ARTICULATED_TRUCK:
        return half, -TRAILER.coupling_m + TRAILER.kingpin_m + TRAILER.length_m / 2
    return half, half
