"""The simulator's vocabulary: which incident it makes where, why, with whom and with what outcome."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from its_core.taxonomy import (
    Aftermath,
    Cause,
    CollisionType,
    IncidentType,
    ParticipantType,
    RoadLayout,
)

CARS = (
    ParticipantType.SEDAN,
    ParticipantType.HATCHBACK,
    ParticipantType.SUV,
    ParticipantType.PICKUP,
    ParticipantType.VAN,
)
HEAVY = (ParticipantType.TRUCK, ParticipantType.ARTICULATED_TRUCK, ParticipantType.BUS)
FOUR_WHEELS = (*CARS, *HEAVY)
RIDERS = (ParticipantType.MOTORCYCLE, ParticipantType.BICYCLE)
VEHICLES = (*FOUR_WHEELS, *RIDERS)
PEDESTRIAN = (ParticipantType.PEDESTRIAN,)

_R = RoadLayout
_C = Cause
_A = Aftermath
STREETS = (_R.URBAN_STREET, _R.FOUR_WAY_INTERSECTION, _R.T_INTERSECTION, _R.ROUNDABOUT)  # with pavements
JUNCTIONS = (_R.FOUR_WAY_INTERSECTION, _R.T_INTERSECTION, _R.URBAN_STREET, _R.ROUNDABOUT)
TWO_WAY = (*STREETS, _R.RURAL_ROAD, _R.BRIDGE, _R.TUNNEL)  # nothing stands between the directions
_ALL = (_R.HIGHWAY, *STREETS, _R.RURAL_ROAD, _R.WORK_ZONE, _R.BRIDGE, _R.TUNNEL, _R.HIGHWAY_RAMP)


def _natural(layout: RoadLayout, others: tuple[RoadLayout, ...]) -> tuple[RoadLayout, ...]:
    """``layout`` first, then the others in their order."""
    return (layout, *(other for other in others if other is not layout))


EVERYWHERE = _natural(_R.FOUR_WAY_INTERSECTION, _ALL)
WALKED = frozenset(STREETS)
_ON_ROADS = _natural(_R.HIGHWAY, EVERYWHERE)
_ALONG_STREETS = _natural(_R.URBAN_STREET, _ON_ROADS)
CYCLED = frozenset((*STREETS, _R.RURAL_ROAD))

_WRECKS = (_A.VEHICLES_BLOCK_TRAFFIC, _A.VEHICLES_STOP, _A.SPINS_OUT, _A.ROLLS_OVER, _A.SECONDARY_COLLISION)
_CRASH = (*_WRECKS, _A.DRIVES_ON, _A.TRAFFIC_FLOWS)
# Of a cause: the places where it can be; None where it can be wherever the incident can.
Causes = Mapping[Cause, tuple[RoadLayout, ...] | None]
# Of a kind of collision: likewise.
Collisions = Mapping[CollisionType, tuple[RoadLayout, ...] | None]
_AT_CROSSINGS: Causes = {
    _C.RED_LIGHT_RUNNING: (_R.FOUR_WAY_INTERSECTION,),
    _C.LEFT_TURN_ACROSS_PATH: (_R.FOUR_WAY_INTERSECTION, _R.T_INTERSECTION),
    _C.FAILURE_TO_YIELD: (_R.URBAN_STREET, _R.ROUNDABOUT),
}
_BEHIND: Causes = {_C.INATTENTION: None, _C.FOLLOWING_TOO_CLOSELY: None}
_ON_FOOT: Causes = {_C.FAILURE_TO_YIELD: None, _C.STEPPED_OUT: None}
_ASIDE: Causes = {
    _C.UNSAFE_LANE_CHANGE: (_R.HIGHWAY, _R.FOUR_WAY_INTERSECTION, _R.WORK_ZONE, _R.BRIDGE, _R.HIGHWAY_RAMP),
    _C.INATTENTION: (_R.RURAL_ROAD, _R.ROUNDABOUT, _R.TUNNEL),
}


@dataclass(frozen=True, slots=True)
class Ability:
    """What a row may ask of an incident; everything else is refused with the words that work.

    Attributes:
        layouts: where it can happen; the first is the natural one, taken where the row names none. Example:
            ``(HIGHWAY, URBAN_STREET)`` of a rear-end collision.
        collisions: how the first two may meet, each with the layouts that it needs, or None where it can be in all of
            ``layouts``. Example: ``{T_BONE: JUNCTIONS, REAR_END: None}``; empty where nothing touches.
        causes: why it may happen, each with the layouts that it needs, or None where it can be in all of ``layouts``.
            Example: ``{RED_LIGHT_RUNNING: (FOUR_WAY_INTERSECTION,), INATTENTION: None}``.
        aftermaths: what may be seen afterwards. Example: ``(VEHICLES_STOP, DRIVES_ON)``.
        at_fault: types that the one at fault can be. Example: ``CARS``; ``()`` where nobody is at fault.
        others: types of those who suffer it (role not_at_fault). Example: ``(PEDESTRIAN,)``.
        most_others: how many of them a row may name. Example: 1 of a rear-end collision, 4 of people in a near miss.
    """

    layouts: tuple[RoadLayout, ...]
    collisions: Collisions = field(default_factory=dict)
    causes: Causes = field(default_factory=dict)
    aftermaths: tuple[Aftermath, ...] = (Aftermath.TRAFFIC_FLOWS,)
    at_fault: tuple[ParticipantType, ...] = ()
    others: tuple[ParticipantType, ...] = ()
    most_others: int = 0


def _crash(
    layouts: tuple[RoadLayout, ...],
    collisions: tuple[CollisionType, ...],
    causes: Causes,
    *,
    only_at: Collisions | None = None,
    **others: object,
) -> Ability:
    words: dict[str, object] = {"aftermaths": _CRASH, "at_fault": FOUR_WHEELS, "others": FOUR_WHEELS, "most_others": 1}
    places: Collisions = dict.fromkeys(collisions) | dict(only_at or {})
    return Ability(layouts, places, causes, **(words | others))  # type: ignore[arg-type]


ABILITIES: dict[IncidentType, Ability] = {
    IncidentType.INTERSECTION_COLLISION: _crash(JUNCTIONS, (CollisionType.T_BONE,), _AT_CROSSINGS),
    IncidentType.REAR_END_COLLISION: _crash(
        _ALL,
        (CollisionType.REAR_END,),
        _BEHIND,
        aftermaths=(_A.PUSHED_FORWARD, *_CRASH),
    ),
    IncidentType.HEAD_ON_COLLISION: _crash(
        TWO_WAY, (CollisionType.HEAD_ON,), {_C.FELL_ASLEEP: None, _C.INATTENTION: None}
    ),
    IncidentType.SIDESWIPE_COLLISION: _crash(_ON_ROADS, (CollisionType.SIDESWIPE,), _ASIDE),
    IncidentType.SINGLE_VEHICLE_CRASH: _crash(
        _ALONG_STREETS,
        (CollisionType.SINGLE,),
        {_C.FELL_ASLEEP: None, _C.INATTENTION: None, _C.LOSS_OF_CONTROL: None},
        others=(),
        most_others=0,
    ),
    IncidentType.MULTI_VEHICLE_PILEUP: _crash(
        _ON_ROADS,
        (CollisionType.REAR_END,),
        _BEHIND,
        aftermaths=(*_WRECKS, _A.TRAFFIC_FLOWS),
        most_others=2,
    ),
    IncidentType.PEDESTRIAN_COLLISION: _crash(
        STREETS,
        (),
        _ON_FOOT,
        aftermaths=(_A.VEHICLES_STOP, _A.VEHICLES_BLOCK_TRAFFIC, _A.DRIVES_ON, _A.TRAFFIC_FLOWS),
        at_fault=(*FOUR_WHEELS, *PEDESTRIAN),
        others=(*FOUR_WHEELS, *PEDESTRIAN),
    ),
    IncidentType.CYCLIST_COLLISION: _crash(
        (*JUNCTIONS, _R.RURAL_ROAD),
        (CollisionType.T_BONE, CollisionType.REAR_END, CollisionType.SIDESWIPE),
        {_C.INATTENTION: None, _C.UNSAFE_LANE_CHANGE: JUNCTIONS},
        only_at={CollisionType.T_BONE: JUNCTIONS, CollisionType.SIDESWIPE: JUNCTIONS},
        aftermaths=(_A.VEHICLES_STOP, _A.VEHICLES_BLOCK_TRAFFIC, _A.DRIVES_ON, _A.TRAFFIC_FLOWS),
        at_fault=(*FOUR_WHEELS, ParticipantType.BICYCLE),
        others=(*FOUR_WHEELS, ParticipantType.BICYCLE),
    ),
    IncidentType.MOTORCYCLIST_COLLISION: _crash(
        EVERYWHERE,
        (CollisionType.T_BONE, CollisionType.REAR_END, CollisionType.SIDESWIPE),
        {**_BEHIND, **_AT_CROSSINGS},
        only_at={CollisionType.T_BONE: JUNCTIONS},
        aftermaths=(_A.VEHICLES_STOP, _A.VEHICLES_BLOCK_TRAFFIC, _A.DRIVES_ON, _A.TRAFFIC_FLOWS),
        at_fault=(*FOUR_WHEELS, ParticipantType.MOTORCYCLE),
        others=(*FOUR_WHEELS, ParticipantType.MOTORCYCLE),
    ),
    IncidentType.PEDESTRIAN_NEAR_MISS: _crash(
        STREETS,
        (),
        _ON_FOOT,
        aftermaths=(_A.PEDESTRIANS_RETREAT, _A.DRIVES_ON, _A.TRAFFIC_FLOWS),
        at_fault=(*FOUR_WHEELS, *PEDESTRIAN),
        others=(*FOUR_WHEELS, *PEDESTRIAN),
        most_others=4,
    ),
    IncidentType.VEHICLE_NEAR_MISS: _crash(
        EVERYWHERE,
        (),
        {**_BEHIND, **_AT_CROSSINGS},
        aftermaths=(_A.DRIVES_ON, _A.TRAFFIC_FLOWS),
        at_fault=VEHICLES,
        others=VEHICLES,
    ),
    IncidentType.NORMAL_TRAFFIC: Ability(EVERYWHERE),
    IncidentType.CONGESTED_TRAFFIC: Ability(_ON_ROADS, aftermaths=()),
    IncidentType.HARD_BRAKING: Ability(_ON_ROADS),
    IncidentType.CLOSE_PASS: Ability(_ALONG_STREETS),
    IncidentType.ILLEGAL_TURN: Ability((_R.FOUR_WAY_INTERSECTION, _R.T_INTERSECTION, _R.URBAN_STREET)),
    IncidentType.STOPPED_VEHICLE: Ability(_ALL),
    IncidentType.JAYWALKING: Ability(STREETS),
    IncidentType.EMERGENCY_VEHICLE: Ability(
        (*STREETS, _R.HIGHWAY, _R.RURAL_ROAD, _R.WORK_ZONE, _R.BRIDGE, _R.TUNNEL, _R.HIGHWAY_RAMP)
    ),
    IncidentType.ROAD_WORKS: Ability((_R.WORK_ZONE,)),
}
