"""A driver looks away, too close behind a car that brakes hard (highway) or has stopped (street, junction), and runs
into its rear."""

from __future__ import annotations

import math

import numpy as np

from its_core.engines.simulator.dimensions import VEHICLES
from its_core.engines.simulator.incidents.casting import Cast, Part, cast, drawn_vehicle
from its_core.engines.simulator.incidents.setting import Setting, actor
from its_core.engines.simulator.incidents.streams import highway_streams, junction_streams, street_streams
from its_core.engines.simulator.incidents.traffic import Stream, background, strollers
from its_core.engines.simulator.incidents.verdicts import (
    Verdict,
    at_rest_from,
    first_blow,
    first_frame,
    struck_front,
    struck_rear,
)
from its_core.engines.simulator.physics.world import TYRE_GRIP
from its_core.engines.simulator.roads.layouts import Lane, Point
from its_core.engines.simulator.roads.paths import Path
from its_core.engines.simulator.roads.signals import Programme
from its_core.engines.simulator.simulation.run import Run
from its_core.engines.simulator.simulation.staging import StagedVehicle, Staging
from its_core.engines.simulator.traffic.drivers import Intent, Manner, hardest_braking_mps2
from its_core.taxonomy import RoadLayout

STRAIGHT_DEG = 30.0
HARD_BRAKING_MPS2 = 3.5
CLOSE_S = 1.5


def stage(setting: Setting) -> Staging:
    """Actor 0 does not look, actor 1 is hit."""
    rng = setting.rng
    parts = cast(setting.scene, setting.layout.name, rng, drawn_vehicle(rng), (drawn_vehicle(rng),))
    if setting.layout.name is RoadLayout.HIGHWAY:
        principals = _braking_hard(setting, parts)
        streams, programme = highway_streams(setting.layout), None
    else:
        principals = _standing(setting, parts)
        streams, programme = _town(setting, principals[1].lane)
    leader = principals[1]

    def accepts(lane: Lane, s_m: float, speed: float) -> bool:
        """Nobody stands where the struck car is pushed to."""
        if lane.points[0] != leader.lane.points[0]:
            return True
        ahead = s_m - leader.s_m
        return ahead < 0 or (speed > 0 and ahead > 24.0)

    cars = background(setting, streams, parts.cars, principals, accepts)
    vehicles = (*principals, *cars)
    walkers = tuple(strollers(setting, parts.people, len(vehicles)))
    return Staging(setting.layout, setting.surface, programme, vehicles, walkers)


def judge(run: Run) -> Verdict:
    """Front into rear within 30 degrees. The anomaly starts in the first frame in which the leader brakes harder than
    4 m/s², or less than 1.5 s are left at the present closing speed; it ends when both have come to rest."""
    blow = first_blow(run)
    if isinstance(blow, str):
        return Verdict(False, blow)
    trace = run.trace
    if blow.angle_deg > STRAIGHT_DEG:
        return Verdict(False, f"the cars met at {blow.angle_deg:.0f} degrees, not one behind the other")
    if not (struck_front(trace, 0, blow.points[0]) and struck_rear(trace, 1, blow.points[1])):
        return Verdict(False, "the cars did not meet front to rear")
    bumpers = sum(VEHICLES[trace.actors[n].type].length_m / 2 for n in (0, 1))
    gap = run.arcs[:, 1] - run.arcs[:, 0] - bumpers
    closing = trace.speeds[:, 0] - trace.speeds[:, 1]
    braking = np.gradient(trace.speeds[:, 1]) * trace.fps < -HARD_BRAKING_MPS2
    start = first_frame(braking | ((closing > 0.3) & (gap < CLOSE_S * closing)), blow.frame)
    return Verdict(True, "", start, at_rest_from(trace, (0, 1), blow.frame), blow.where_m)


def _braking_hard(setting: Setting, parts: Cast) -> list[StagedVehicle]:
    """Two cars at speed, a few metres apart; the first brakes as hard as it can."""
    lanes = [lane for lane in setting.layout.lanes if lane.name.startswith("north")]
    lane = lanes[int(setting.rng.integers(len(lanes)))]
    speed = lane.speed_limit_mps * setting.between(0.80, 0.92)
    faster = setting.between(0.3, 1.2)
    braking = setting.between(0.82, 0.95) * hardest_braking_mps2(TYRE_GRIP[setting.surface])
    gap = setting.between(6.0, 9.5)
    # Without any reaction the gap closes after the root of faster·t + braking·t²/2 = gap.
    closes_s = (math.sqrt(faster**2 + 2 * braking * gap) - faster) / braking
    moment = setting.moment_s(0.40, 0.55)
    brakes_s = moment - closes_s
    spot = float(Path(lane.points).project(np.array([setting.layout.focus_m]))[0][0]) + setting.between(-7.0, 7.0)
    bumpers = sum(VEHICLES[part.type].length_m / 2 for part in _pair(parts))
    follower_s = spot - (speed + faster) * moment
    looks_up_s = moment - setting.between(0.1, 0.45)
    return _principals(
        parts,
        lane,
        (follower_s, follower_s + bumpers + gap + faster * brakes_s),
        (speed + faster, speed),
        (Intent(looks_up_s=looks_up_s), Intent(brakes_s=(brakes_s, math.inf), brakes_mps2=braking)),
    )


def _standing(setting: Setting, parts: Cast) -> list[StagedVehicle]:
    """A car that waits at its line, and one that comes up behind it without slowing down in time."""
    lanes = [lane for lane in setting.layout.lanes if lane.movement == "straight" and lane.stop_s_m is not None]
    lane = setting.seen(lanes, _behind_line)
    assert lane.stop_s_m is not None
    leader, follower = parts.not_at_fault[0], _pair(parts)[0]
    leader_s = lane.stop_s_m - setting.between(0.8, 2.0) - VEHICLES[leader.type].length_m / 2
    bumpers = sum(VEHICLES[part.type].length_m / 2 for part in (leader, follower))
    speed = setting.between(10.5, 13.0)
    moment = setting.moment_s(0.38, 0.55)
    looks_up_s = moment - setting.between(0.05, 0.35)
    return _principals(
        parts,
        lane,
        (leader_s - bumpers - speed * moment, leader_s),
        (speed, 0.0),
        (Intent(looks_up_s=looks_up_s), Intent(brakes_s=(-math.inf, math.inf), brakes_mps2=5.0)),
    )


def _behind_line(lane: Lane) -> Point:
    """Where the rear of a car that waits at the line is."""
    assert lane.stop_s_m is not None
    x, y = Path(lane.points).at(lane.stop_s_m - 6.0)
    return float(x), float(y)


def _principals(
    parts: Cast,
    lane: Lane,
    arcs: tuple[float, float],
    speeds: tuple[float, float],
    intents: tuple[Intent, Intent],
) -> list[StagedVehicle]:
    return [
        StagedVehicle(actor(i, part), lane, arcs[i], speeds[i], Manner(max(speeds[i], 8.0)), intents[i])
        for i, part in enumerate(_pair(parts))
    ]


def _pair(parts: Cast) -> tuple[Part, Part]:
    assert parts.at_fault is not None
    return parts.at_fault, parts.not_at_fault[0]


def _town(setting: Setting, lane: Lane) -> tuple[list[Stream], Programme | None]:
    """Traffic around a lane at whose line a car waits."""
    if setting.layout.name is RoadLayout.URBAN_STREET:
        return street_streams(setting.layout), None
    north_south = lane.name.startswith(("south", "north"))
    programme = Programme.with_green(not north_south, since_s=setting.between(3.0, 10.0))
    return junction_streams(setting, not north_south, keep_free=(lane,)), programme
