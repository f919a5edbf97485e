"""Which file makes which incident."""

from __future__ import annotations

from its_core.engines.simulator.incidents.kind import Kind
from its_core.engines.simulator.incidents.kinds import (
    close_pass,
    congested_traffic,
    cyclist_collision,
    emergency_vehicle,
    hard_braking,
    head_on_collision,
    illegal_turn,
    intersection_collision,
    jaywalking,
    motorcyclist_collision,
    multi_vehicle_pileup,
    pedestrian_collision,
    pedestrian_near_miss,
    rear_end_collision,
    road_works,
    sideswipe_collision,
    single_vehicle_crash,
    stopped_vehicle,
    vehicle_near_miss,
)
from its_core.taxonomy import IncidentType

# Normal traffic is that of any of the incidents in which somebody errs, with nobody erring: see ``attempts``.
KINDS: dict[IncidentType, Kind] = {
    IncidentType.INTERSECTION_COLLISION: intersection_collision.KIND,
    IncidentType.REAR_END_COLLISION: rear_end_collision.KIND,
    IncidentType.HEAD_ON_COLLISION: head_on_collision.KIND,
    IncidentType.SIDESWIPE_COLLISION: sideswipe_collision.KIND,
    IncidentType.SINGLE_VEHICLE_CRASH: single_vehicle_crash.KIND,
    IncidentType.MULTI_VEHICLE_PILEUP: multi_vehicle_pileup.KIND,
    IncidentType.PEDESTRIAN_COLLISION: pedestrian_collision.KIND,
    IncidentType.CYCLIST_COLLISION: cyclist_collision.KIND,
    IncidentType.MOTORCYCLIST_COLLISION: motorcyclist_collision.KIND,
    IncidentType.PEDESTRIAN_NEAR_MISS: pedestrian_near_miss.KIND,
    IncidentType.VEHICLE_NEAR_MISS: vehicle_near_miss.KIND,
    IncidentType.CONGESTED_TRAFFIC: congested_traffic.KIND,
    IncidentType.HARD_BRAKING: hard_braking.KIND,
    IncidentType.CLOSE_PASS: close_pass.KIND,
    IncidentType.ILLEGAL_TURN: illegal_turn.KIND,
    IncidentType.STOPPED_VEHICLE: stopped_vehicle.KIND,
    IncidentType.JAYWALKING: jaywalking.KIND,
    IncidentType.EMERGENCY_VEHICLE: emergency_vehicle.KIND,
    IncidentType.ROAD_WORKS: road_works.KIND,
}
