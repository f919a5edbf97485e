"""Sizes of everything that moves: read by physics, drivers and meshes alike."""

from __future__ import annotations

from dataclasses import dataclass

from its_core.taxonomy import ParticipantType


@dataclass(frozen=True, slots=True)
class VehicleBody:
    """Metres and kilograms of a typical car of its class."""

    length_m: float
    width_m: float
    height_m: float
    wheelbase_m: float
    track_m: float
    wheel_radius_m: float
    clearance_m: float
    belt_m: float  # height of the window sills
    mass_kg: float


VEHICLES: dict[ParticipantType, VehicleBody] = {
    ParticipantType.SEDAN: VehicleBody(4.70, 1.83, 1.45, 2.75, 1.57, 0.33, 0.17, 0.94, 1450.0),
    ParticipantType.SUV: VehicleBody(4.75, 1.90, 1.72, 2.75, 1.62, 0.37, 0.22, 1.08, 1900.0),
    ParticipantType.PICKUP: VehicleBody(5.70, 2.00, 1.88, 3.60, 1.70, 0.40, 0.25, 1.14, 2150.0),
    ParticipantType.VAN: VehicleBody(5.40, 2.00, 2.30, 3.30, 1.70, 0.36, 0.20, 1.20, 2150.0),
}
PEDESTRIAN_HEIGHT_M = 1.74
PEDESTRIAN_RADIUS_M = 0.27
PEDESTRIAN_MASS_KG = 75.0
