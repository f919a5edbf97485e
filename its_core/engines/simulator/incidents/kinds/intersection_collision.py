"""A driver runs a red light at speed; one who has green meets them in the middle, and one strikes the other's side."""

from __future__ import annotations

import numpy as np

from its_core.engines.simulator.dimensions import VEHICLES
from its_core.engines.simulator.incidents.casting import cast, drawn_vehicle
from its_core.engines.simulator.incidents.setting import Setting, actor
from its_core.engines.simulator.incidents.streams import junction_streams
from its_core.engines.simulator.incidents.traffic import Accepts, background, strollers
from its_core.engines.simulator.incidents.verdicts import (
    Verdict,
    at_rest_from,
    first_blow,
    first_frame,
    struck_front,
    struck_side,
)
from its_core.engines.simulator.roads.layouts import Lane, Layout, Point
from its_core.engines.simulator.roads.paths import Path
from its_core.engines.simulator.roads.signals import Programme
from its_core.engines.simulator.simulation.run import Run
from its_core.engines.simulator.simulation.staging import StagedVehicle, Staging
from its_core.engines.simulator.traffic.drivers import Intent, Manner

SIDE_HIT_DEG = (50.0, 130.0)
CANNOT_STOP_MPS2 = 6.0  # a driver who would have to brake harder than this is not going to stop


def stage(setting: Setting) -> Staging:
    """Actor 0 runs the red light, actor 1 has green."""
    rng = setting.rng
    parts = cast(setting.scene, setting.layout.name, rng, drawn_vehicle(rng), (drawn_vehicle(rng),))
    assert parts.at_fault is not None
    runner, crosser = setting.seen(_crossing_pairs(setting.layout), lambda pair: _crossing_point(*pair))
    moment = setting.moment_s(0.43, 0.58)
    speeds = setting.between(14.0, 17.0), setting.between(9.5, 12.5)
    types = parts.at_fault.type, parts.not_at_fault[0].type
    runner_is_struck = rng.random() < 0.7
    meeting = _crossing(runner, crosser)
    lengths = [VEHICLES[type_].length_m for type_ in types]
    struck = 0 if runner_is_struck else 1
    # The striker's bumper reaches the struck one's flank, somewhere about its doors, at the moment.
    flank = setting.between(-0.14, 0.17) * lengths[struck]
    arcs = list(meeting)
    arcs[struck] -= flank
    arcs[1 - struck] -= VEHICLES[types[struck]].width_m / 2 + lengths[1 - struck] / 2
    principals = [
        StagedVehicle(
            actor(0, parts.at_fault),
            runner,
            arcs[0] - speeds[0] * moment,
            speeds[0],
            Manner(speeds[0], aside_m=setting.between(-0.15, 0.15)),
            Intent(runs_red=True, looks_up_s=moment - setting.between(0.0, 0.25)),
        ),
        StagedVehicle(
            actor(1, parts.not_at_fault[0]),
            crosser,
            arcs[1] - speeds[1] * moment,
            speeds[1],
            Manner(speeds[1], aside_m=setting.between(-0.15, 0.15)),
            Intent(looks_up_s=moment - setting.between(0.1, 0.4)),
        ),
    ]
    north_south = _north_south(crosser)
    programme = Programme.with_green(north_south, since_s=setting.between(4.0, 9.0))
    # A car that spins through the junction would end in a queue opposite, next to its own lane.
    streams = junction_streams(setting, north_south, keep_free=(runner, _opposite(setting.layout, runner)))
    cars = background(setting, streams, parts.cars, principals, _keeps_out(moment))
    vehicles = [*principals, *cars]
    walkers = strollers(setting, parts.people, len(vehicles))
    return Staging(setting.layout, setting.surface, programme, tuple(vehicles), tuple(walkers))


def judge(run: Run) -> Verdict:
    """Front into side at 50 to 130 degrees. The anomaly starts in the first frame in which the runner has crossed the
    stop line or would have to brake harder than 6 m/s² to stop at it; it ends when both have come to rest."""
    blow = first_blow(run)
    if isinstance(blow, str):
        return Verdict(False, blow)
    if not SIDE_HIT_DEG[0] <= blow.angle_deg <= SIDE_HIT_DEG[1]:
        return Verdict(False, f"the cars met at {blow.angle_deg:.0f} degrees, not front to side")
    trace = run.trace
    struck_sides = [struck_side(trace, n, blow.points[n]) for n in (0, 1)]
    struck_fronts = [struck_front(trace, n, blow.points[n]) for n in (0, 1)]
    if not any(struck_sides[n] and struck_fronts[1 - n] for n in (0, 1)):
        return Verdict(False, "the cars met corner to corner, not front to side")
    lane = run.staging.vehicles[0].lane
    assert lane.stop_s_m is not None
    left = lane.stop_s_m - (run.arcs[:, 0] + VEHICLES[trace.actors[0].type].length_m / 2)
    cannot_stop = (left <= 0) | (trace.speeds[:, 0] ** 2 > 2 * CANNOT_STOP_MPS2 * np.maximum(left, 1e-6))
    start = first_frame(cannot_stop, blow.frame)
    return Verdict(True, "", start, at_rest_from(trace, (0, 1), blow.frame), blow.where_m)


def _crossing_pairs(layout: Layout) -> list[tuple[Lane, Lane]]:
    """Every two straight ways that cross."""
    straight = [lane for lane in layout.lanes if lane.movement == "straight"]
    return [(a, b) for a in straight for b in straight if _north_south(a) != _north_south(b)]


def _opposite(layout: Layout, runner: Lane) -> Lane:
    """The oncoming inner lane."""
    opposite = {"south": "north", "north": "south", "east": "west", "west": "east"}[runner.name.split("_")[0]]
    return next(lane for lane in layout.lanes if lane.name == f"{opposite}_0_straight")


def _north_south(lane: Lane) -> bool:
    return lane.name.startswith(("south", "north"))


def _crossing_point(first: Lane, second: Lane) -> Point:
    x, y = Path(first.points).at(_crossing(first, second)[0])
    return float(x), float(y)


def _crossing(first: Lane, second: Lane) -> tuple[float, float]:
    """Arc lengths at which two straight, perpendicular lanes cross."""
    a, b = Path(first.points), Path(second.points)
    s, _ = a.project(b.points[:1])
    at = a.at(float(s[0]))
    return float(s[0]), float(b.project(at[None])[0][0])


def _keeps_out(moment_s: float) -> Accepts:
    """Nobody else is in the junction about the moment: they have left it, or can still stop before it."""

    def accepts(lane: Lane, s_m: float, speed: float) -> bool:
        assert lane.stop_s_m is not None
        if speed == 0:
            return True
        before = lane.stop_s_m - (s_m + speed * moment_s)
        return before > 6.0 + 0.8 * speed + speed**2 / 10.0 or before < -48.0

    return accepts
