"""Who is on the road: how many, of which types, colours and habits, drawn alike for every clip."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from its_core.engines.simulator.dimensions import HEAVY, TRAILER, VEHICLES
from its_core.engines.simulator.portable_math import exp
from its_core.engines.simulator.randomness import normal
from its_core.engines.simulator.roads.layouts import Lane, Layout
from its_core.engines.simulator.traffic.drivers import careful
from its_core.engines.simulator.traffic.habits import CrashManner, Manner, Person
from its_core.taxonomy import Colour, ParticipantType, RoadLayout, TrafficDensity

T = ParticipantType
# Shares of what drives in a European or American town today, and on a highway there, roughly.
_TOWN = {
    T.SEDAN: 0.29, T.HATCHBACK: 0.17, T.SUV: 0.25, T.PICKUP: 0.08, T.VAN: 0.09, T.TRUCK: 0.03, T.ARTICULATED_TRUCK:
    0.01, T.BUS: 0.02, T.MOTORCYCLE: 0.025, T.BICYCLE: 0.035,
}  # fmt: skip
_OPEN_ROAD = {
    T.SEDAN: 0.30, T.HATCHBACK: 0.13, T.SUV: 0.25, T.PICKUP: 0.09, T.VAN: 0.08, T.TRUCK: 0.05, T.ARTICULATED_TRUCK:
    0.07, T.BUS: 0.01, T.MOTORCYCLE: 0.02,
}  # fmt: skip
del T
_PAINTS = {
    Colour.WHITE: 0.24, Colour.BLACK: 0.19, Colour.GREY: 0.18, Colour.SILVER: 0.15, Colour.BLUE: 0.09, Colour.RED: 0.08,
    Colour.GREEN: 0.02, Colour.BROWN: 0.02, Colour.BEIGE: 0.02, Colour.ORANGE: 0.01,
}  # fmt: skip
_TRUCK_PAINTS = {
    Colour.WHITE: 0.5,
    Colour.BLUE: 0.14,
    Colour.RED: 0.12,
    Colour.GREY: 0.1,
    Colour.GREEN: 0.08,
    Colour.YELLOW: 0.06,
}
_BUS_PAINTS = {Colour.WHITE: 0.25, Colour.RED: 0.25, Colour.BLUE: 0.2, Colour.YELLOW: 0.15, Colour.GREEN: 0.15}
# Vehicles an hour and lane: where nothing interrupts them, and where signals or crosswalks do.
_OPEN_FLOW = {TrafficDensity.LOW: 450.0, TrafficDensity.MEDIUM: 950.0, TrafficDensity.HIGH: 1500.0}
_TOWN_FLOW = {TrafficDensity.LOW: 230.0, TrafficDensity.MEDIUM: 430.0, TrafficDensity.HIGH: 600.0}
_RAMP_SHARE, _BESIDE_RAMP_SHARE = 0.35, 0.8  # of a lane's flow: on a ramp, and in the lane that it joins
_PEOPLE = {TrafficDensity.LOW: (3, 6), TrafficDensity.MEDIUM: (6, 11), TrafficDensity.HIGH: (11, 18)}
_WORKERS = (2, 4)
OPEN_ROADS = frozenset(
    {RoadLayout.HIGHWAY, RoadLayout.HIGHWAY_RAMP, RoadLayout.WORK_ZONE, RoadLayout.TUNNEL, RoadLayout.BRIDGE}
)
_SPEED_SHARE = {
    ParticipantType.TRUCK: 0.86, ParticipantType.ARTICULATED_TRUCK: 0.82, ParticipantType.BUS: 0.84,
    ParticipantType.MOTORCYCLE: 1.05,
}  # fmt: skip
TRUCK_LIMIT_MPS = 24.0
# What drivers leave before them where they stand: 9 feet on average behind a car, 12 where trucks are concerned, widely
# spread (Houchin, Dong, Hawkins and Knickerbocker, "Measurement and analysis of heterogenous vehicle following behavior
# on urban freeways", IEEE ITSC 2015). Lognormal: medians, and the deviation of the logarithm.
_GAP_M, _HEAVY_GAP_M, _GAP_SPREAD, _GAPS_M = 2.5, 3.3, 0.38, (1.3, 5.5)
_ASIDE_M, _MOST_ASIDE_M, _HEAVY_ASIDE = 0.2, 0.42, 0.5  # of the lane's middle; the share of heavy vehicles
BICYCLE_ASIDE_M = -1.15  # from the lane's middle


@dataclass(frozen=True, slots=True)
class Vehicle:
    """One vehicle and its driver."""

    type: ParticipantType
    colour: Colour
    manner: Manner
    crash: CrashManner


def mass_kg(type_: ParticipantType) -> float:
    """Of a vehicle with all that it pulls."""
    trailer = TRAILER.mass_kg if type_ is ParticipantType.ARTICULATED_TRUCK else 0.0
    return VEHICLES[type_].mass_kg + trailer


def flow_per_s(layout: Layout, lane: Lane, density: TrafficDensity) -> float:
    """Vehicles a second that come along an approach."""
    table = _OPEN_FLOW if layout.name in OPEN_ROADS or layout.name is RoadLayout.RURAL_ROAD else _TOWN_FLOW
    scale = 0.75 if layout.name is RoadLayout.RURAL_ROAD else 1.0
    if lane.conflicts and lane.signal is None and layout.name is not RoadLayout.ROUNDABOUT:
        scale *= 0.8  # a minor road
    if lane.merge is not None:
        scale *= _RAMP_SHARE if lane.merge.joins else _BESIDE_RAMP_SHARE
    return table[density] * scale / 3600.0


def people_count(rng: np.random.Generator, layout: RoadLayout, density: TrafficDensity) -> int:
    low, high = _WORKERS if layout is RoadLayout.WORK_ZONE else _PEOPLE[density]
    return int(rng.integers(low, high + 1))


def drawn_vehicle(
    rng: np.random.Generator,
    layout: RoadLayout,
    lane: Lane,
    grip: float,
    boosts: Mapping[ParticipantType, float] | None = None,
) -> Vehicle:
    """``boosts`` multiplies the shares of types."""
    shares = _OPEN_ROAD if layout in OPEN_ROADS else _TOWN
    weights = [share * (boosts or {}).get(type_, 1.0) for type_, share in shares.items()]
    type_ = list(shares)[_choice(rng, weights)]
    return vehicle_of(rng, type_, drawn_colour(rng, type_), lane, grip)


def vehicle_of(rng: np.random.Generator, type_: ParticipantType, colour: Colour, lane: Lane, grip: float) -> Vehicle:
    """A vehicle of a type, with a driver of its own."""
    if type_ is ParticipantType.BICYCLE:
        manner = Manner(
            desired_mps=float(rng.uniform(4.2, 6.8)), headway_s=1.0, gap_m=1.2, pulls_mps2=1.0, brakes_mps2=2.2,
            reaction_s=float(rng.uniform(0.4, 0.9)), aside_m=BICYCLE_ASIDE_M + float(rng.uniform(-0.15, 0.2)),
        )  # fmt: skip
        return Vehicle(type_, colour, careful(manner, max(grip, 0.6)), CrashManner())
    share = _SPEED_SHARE.get(type_, 1.0) * min(max(normal(rng, 1.0, 0.085), 0.78), 1.28)
    desired = lane.speed_limit_mps * share
    if type_ in HEAVY:
        desired = min(desired, TRUCK_LIMIT_MPS)
    late = rng.random() < 0.14  # brakes late and hard
    manner = Manner(
        desired_mps=desired,
        headway_s=float(rng.uniform(0.8, 1.7)),
        gap_m=_standing_gap_m(rng, type_),
        pulls_mps2=float(rng.uniform(1.3, 2.4)) * (0.55 if type_ in HEAVY else 1.0),
        brakes_mps2=float(rng.uniform(4.2, 6.2)) if late else float(rng.uniform(1.9, 3.2)),
        bend_mps2=float(rng.uniform(1.9, 3.2)) * (0.7 if type_ in HEAVY else 1.0),
        amber_mps2=float(rng.choice([1.6, 2.6, 3.2, 3.6])),
        reaction_s=float(rng.uniform(0.35, 1.1)),
        aside_m=_aside_m(rng, type_),
    )
    return Vehicle(type_, colour, careful(manner, grip), drawn_crash_manner(rng))


def _standing_gap_m(rng: np.random.Generator, type_: ParticipantType) -> float:
    median = _HEAVY_GAP_M if type_ in HEAVY else _GAP_M
    return min(max(median * float(exp(normal(rng, 0.0, _GAP_SPREAD))), _GAPS_M[0]), _GAPS_M[1])


def _aside_m(rng: np.random.Generator, type_: ParticipantType) -> float:
    aside_m = min(max(normal(rng, 0.0, _ASIDE_M), -_MOST_ASIDE_M), _MOST_ASIDE_M)
    return aside_m * (_HEAVY_ASIDE if type_ in HEAVY else 1.0)


def drawn_crash_manner(rng: np.random.Generator) -> CrashManner:
    """Half of struck drivers lock the wheels, some brake in part, some reach the pedal late."""
    share = float(rng.choice([0.0, rng.uniform(0.35, 0.8), 1.0], p=[0.14, 0.36, 0.5]))
    return CrashManner(float(rng.uniform(0.2, 1.5)), share)


def drawn_person(rng: np.random.Generator) -> Person:
    reaction = str(rng.choice(["curious", "helpful", "afraid", "go_on"], p=[0.40, 0.30, 0.10, 0.20]))
    return Person(float(rng.uniform(1.05, 1.65)), reaction, bool(rng.random() < 0.7))


def drawn_colour(rng: np.random.Generator, type_: ParticipantType) -> Colour:
    if type_ in (ParticipantType.PEDESTRIAN, ParticipantType.BICYCLE):
        return list(Colour)[int(rng.integers(len(Colour)))]
    paints = _PAINTS
    if type_ in (ParticipantType.TRUCK, ParticipantType.ARTICULATED_TRUCK):
        paints = _TRUCK_PAINTS
    elif type_ is ParticipantType.BUS:
        paints = _BUS_PAINTS
    return list(paints)[_choice(rng, list(paints.values()))]


def recast(vehicle: Vehicle, rng: np.random.Generator, type_: ParticipantType, lane: Lane, grip: float) -> Vehicle:
    """Another type with the same driver, as far as the type lets them."""
    fresh = vehicle_of(rng, type_, drawn_colour(rng, type_), lane, grip)
    if type_ is ParticipantType.BICYCLE or vehicle.type is ParticipantType.BICYCLE:
        return fresh
    manner = replace(vehicle.manner, pulls_mps2=fresh.manner.pulls_mps2)
    if type_ in HEAVY:
        manner = replace(manner, desired_mps=min(manner.desired_mps, fresh.manner.desired_mps))
    return Vehicle(type_, fresh.colour, manner, vehicle.crash)


def _choice(rng: np.random.Generator, shares: list[float]) -> int:
    at = float(rng.random()) * sum(shares)
    for number, share in enumerate(shares):
        at -= share
        if at < 0.0:
            return number
    return len(shares) - 1
