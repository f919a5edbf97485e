"""A driver does not yield at a crosswalk: people who have stepped out jump back, the driver swerves, and nobody is
touched."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from its_core.engines.simulator.dimensions import PEDESTRIAN_RADIUS_M, VEHICLES
from its_core.engines.simulator.incidents.casting import Cast, cast
from its_core.engines.simulator.incidents.setting import Setting, actor
from its_core.engines.simulator.incidents.streams import junction_streams, street_streams
from its_core.engines.simulator.incidents.traffic import background, strollers
from its_core.engines.simulator.incidents.verdicts import WINDOW, Verdict, first_frame, touched
from its_core.engines.simulator.roads.layouts import Crosswalk, Lane, Layout, Point
from its_core.engines.simulator.roads.paths import Floats, Path
from its_core.engines.simulator.roads.signals import Programme
from its_core.engines.simulator.simulation.run import Run
from its_core.engines.simulator.simulation.staging import StagedVehicle, StagedWalker, Staging
from its_core.engines.simulator.trace import forward
from its_core.engines.simulator.traffic.drivers import Intent, Manner, Swerve, free_run, stretch_over
from its_core.engines.simulator.traffic.time_to_collision import gap_m, time_to_reach_s
from its_core.engines.simulator.traffic.walkers import STARTLED_S, Walk
from its_core.taxonomy import ParticipantType, RoadLayout

NEAR_M = 1.2
NEAR_S = 1.5
COMING_S = 2.0  # the anomaly starts when a driver who will not yield is this close
PARTED_M = 3.0
# How far the first person is inside the vehicle's way when noticing it; less where the vehicle still turns.
DEPTH_M = {RoadLayout.URBAN_STREET: (0.42, 0.72), RoadLayout.FOUR_WAY_INTERSECTION: (0.25, 0.5)}
BEHIND_KERB_M = 2.4  # people come from this far back on the pavement


@dataclass(frozen=True, slots=True)
class _Crossing:
    """Where a vehicle's way runs over a crosswalk: arc length on the lane, and along the way that people take (both
    metres)."""

    lane: Lane
    crosswalk: Crosswalk
    lane_s_m: float
    walk_u_m: float


def stage(setting: Setting) -> Staging:
    """Actor 0 does not yield; the people it endangers come right after the vehicles."""
    rng = setting.rng
    two = (ParticipantType.PEDESTRIAN, ParticipantType.PEDESTRIAN)
    parts = cast(setting.scene, setting.layout.name, rng, ParticipantType.VAN, two)
    crossing = _choose(setting)
    moment = setting.moment_s(0.45, 0.57)
    from_start = bool(rng.random() < 0.6)  # which end of the crosswalk people come from
    driver = _driver(setting, parts, crossing, moment, from_start)
    programme = None
    streams = street_streams(setting.layout)
    if setting.layout.name is RoadLayout.FOUR_WAY_INTERSECTION:
        north_south = crossing.lane.name.startswith(("south", "north"))
        programme = Programme.with_green(north_south, since_s=setting.between(2.0, 8.0))
        streams = junction_streams(setting, north_south)

    def accepts(lane: Lane, s_m: float, speed: float) -> bool:
        """Nobody is between the driver and the crosswalk, nor too near to it to stop for people."""
        stretch = stretch_over(Path(lane.points), crossing.crosswalk)
        if stretch is None or speed == 0:
            return True
        before = stretch[0] - s_m
        same_way = lane.points[-1] == crossing.lane.points[-1]
        return before < -12.0 or before > (75.0 if same_way else 14.0 + speed**2 / 5.0)

    cars = background(setting, streams, parts.cars, [driver], accepts)
    vehicles = (driver, *cars)
    crossers = _people(setting, parts, crossing, moment, from_start, len(vehicles))
    others = strollers(setting, parts.people, len(vehicles) + len(crossers))
    return Staging(setting.layout, setting.surface, programme, vehicles, (*crossers, *others))


def judge(run: Run) -> Verdict:
    """No contact at all, but less than 1.2 m and 1.5 s from one of the endangered. The anomaly starts in the first
    frame in which the vehicle would reach one of them within 2 s; it ends when it has passed and is more than 3 m
    from all of them."""
    if run.episodes:
        return Verdict(False, touched(run))
    trace = run.trace
    endangered = [i for i, a in enumerate(trace.actors) if i >= len(run.paths) and a.role.value == "not_at_fault"]
    gaps, times = _nearness(run, endangered)
    nearest = first_frame(gaps.min(axis=1) < gaps.min() + 0.15, len(gaps))
    share = nearest / len(gaps)
    if gaps.min() >= NEAR_M or times.min() >= NEAR_S:
        return Verdict(False, f"not near enough: {gaps.min():.2f} m, {times.min():.2f} s")
    if not WINDOW[0] <= share <= WINDOW[1]:
        return Verdict(False, f"nearest at {share:.0%} of the clip, outside {WINDOW[0]:.0%} to {WINDOW[1]:.0%}")
    if trace.startle[:, endangered].max() < 0.5:
        return Verdict(False, "nobody had to jump back")
    start = first_frame((times < COMING_S).any(axis=1), nearest)
    near = np.flatnonzero((gaps <= PARTED_M).any(axis=1))
    person = endangered[int(gaps[nearest].argmin())]
    x, y, z = (float(value) for value in trace.positions[nearest, person])
    return Verdict(True, "", start, int(near[-1]) + 1, (x, y, z + 0.9))


def _nearness(run: Run, people: list[int]) -> tuple[Floats, Floats]:
    """F×P free metres, and seconds to collision at present speeds, between the vehicle and each person."""
    trace = run.trace
    body = VEHICLES[trace.actors[0].type]
    half = np.array([body.length_m / 2, body.width_m / 2])
    walking = np.gradient(trace.positions[:, :, :2], axis=0) * trace.fps
    gaps, times = np.zeros((2, len(trace.positions), len(people)))
    for frame in range(len(trace.positions)):
        at, ahead = trace.positions[frame, 0, :2], forward(trace, frame, 0)
        for column, person in enumerate(people):
            where = trace.positions[frame, person, :2]
            gaps[frame, column] = gap_m(at, ahead, half, where)
            times[frame, column] = time_to_reach_s(
                run.paths[0],
                float(run.arcs[frame, 0]),
                float(run.asides[frame, 0]),
                half,
                float(trace.speeds[frame, 0]),
                where,
                walking[frame, person],
            )
    return gaps, times


def _choose(setting: Setting) -> _Crossing:
    """The driver's way: a right turn over the crosswalk behind it, or straight over one without a signal."""
    layout = setting.layout
    if layout.name is RoadLayout.URBAN_STREET:
        turning = [way for way in layout.lanes if way.name == "side_0_right"]
        straight = [way for way in layout.lanes if way.movement == "straight"]
        lanes = turning if setting.rng.random() < 0.6 else straight
        crossings = [_over(lane, layout.crosswalks[0]) for lane in lanes]
    else:
        right = [way for way in layout.lanes if way.movement == "right"]
        crossings = [_last_crossing(lane, layout) for lane in right]
    return setting.seen(crossings, _spot)


def _last_crossing(lane: Lane, layout: Layout) -> _Crossing:
    crossings = [_over(lane, walk) for walk in layout.crosswalks if _touches(lane, walk)]
    return max(crossings, key=lambda crossing: crossing.lane_s_m)


def _spot(crossing: _Crossing) -> Point:
    x, y = Path(crossing.lane.points).at(crossing.lane_s_m)
    return float(x), float(y)


def _touches(lane: Lane, crosswalk: Crosswalk) -> bool:
    x1, y1, x2, y2 = crosswalk.rect
    return any(x1 <= x <= x2 and y1 <= y <= y2 for x, y in lane.points)


def _over(lane: Lane, crosswalk: Crosswalk) -> _Crossing:
    path, walk = Path(lane.points), Path(crosswalk.path)
    u, aside = walk.project(path.points)
    on = np.abs(aside) + 1e3 * ((u < 0) | (u > walk.length_m))
    at = int(on.argmin())
    return _Crossing(lane, crosswalk, float(path.s[at]), float(u[at]))


def _driver(setting: Setting, parts: Cast, crossing: _Crossing, moment: float, from_start: bool) -> StagedVehicle:
    """Reaches the crosswalk at the moment; sees the people late, brakes a little and swerves away from them."""
    assert parts.at_fault is not None
    lane, path = crossing.lane, Path(crossing.lane.points)
    manner = Manner(
        desired_mps=setting.between(8.5, 11.0),
        bend_mps2=setting.between(3.6, 4.6),
        pulls_mps2=setting.between(2.2, 2.8),
    )
    run = free_run(path, manner, crossing.lane_s_m - 70.0, 14.0)
    front = VEHICLES[parts.at_fault.type].length_m / 2
    arrives_s = float(np.interp(crossing.lane_s_m - front, run[:, 1], run[:, 0]))
    s_m = float(np.interp(arrives_s - moment, run[:, 0], run[:, 1]))
    speed = float(np.interp(arrives_s - moment, run[:, 0], run[:, 2]))
    notices_s = moment - setting.between(0.75, 0.95)
    across = path.direction(crossing.lane_s_m)
    a, b = np.array(crossing.crosswalk.path)
    onwards = (b - a) if from_start else (a - b)
    to_left = float(across[0] * onwards[1] - across[1] * onwards[0]) > 0
    aside = setting.between(0.45, 0.8) * (1.0 if to_left else -1.0)
    intent = Intent(
        yields_on_crosswalks=False,
        runs_red=lane.signal is None,
        brakes_s=(notices_s, notices_s + setting.between(0.25, 0.45)),
        brakes_mps2=setting.between(2.5, 4.0),
        swerve=Swerve(notices_s, aside, moment + 0.7),
    )
    return StagedVehicle(actor(0, parts.at_fault), lane, s_m, speed, manner, intent)


def _people(
    setting: Setting, parts: Cast, crossing: _Crossing, moment: float, from_start: bool, first_number: int
) -> list[StagedWalker]:
    """The endangered, side by side: when they notice, the first is about to step into the vehicle's way or just has."""
    assert parts.at_fault is not None
    a, b = (np.array(point) for point in crossing.crosswalk.path)
    if not from_start:
        a, b = b, a
    length = math.dist(a, b)
    onwards = (b - a) / length
    sideways = np.array([-onwards[1], onwards[0]])
    way_u = crossing.walk_u_m if from_start else length - crossing.walk_u_m
    edge_u = way_u - VEHICLES[parts.at_fault.type].width_m / 2 - PEDESTRIAN_RADIUS_M
    wide = min(
        crossing.crosswalk.rect[2] - crossing.crosswalk.rect[0], crossing.crosswalk.rect[3] - crossing.crosswalk.rect[1]
    )
    found: list[StagedWalker] = []
    for i, part in enumerate(parts.not_at_fault):
        speed = setting.between(1.25, 1.55)
        inside = setting.between(*DEPTH_M[setting.layout.name]) - setting.between(0.35, 0.6) * i
        beside = (i - (len(parts.not_at_fault) - 1) / 2) * min(0.85, (wide - 0.8) / len(parts.not_at_fault))
        start = a - onwards * BEHIND_KERB_M + sideways * beside
        end = b + onwards * BEHIND_KERB_M + sideways * beside
        notices_s = moment - STARTLED_S
        s_m = BEHIND_KERB_M + edge_u + inside - speed * notices_s
        points = ((float(start[0]), float(start[1])), (float(end[0]), float(end[1])))
        walk = Walk(points, speed, s_m=max(s_m, 0.0), waits_at_m=max(s_m, 0.0), starts_s=max(-s_m / speed, 0.0))
        found.append(StagedWalker(actor(first_number + i, part), walk))
    return found
