"""Things beside the road that a vehicle could run into that leaves it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from its_core.engines.simulator.dimensions import TWO_WHEELERS, VEHICLES
from its_core.engines.simulator.incidents.cast.assembly import parked_vehicles
from its_core.engines.simulator.incidents.opportunity import Opportunity
from its_core.engines.simulator.incidents.setting import Setting
from its_core.engines.simulator.incidents.timeline import Timeline, Track
from its_core.engines.simulator.roads.layouts import ISLAND_CORE, Layout, Point
from its_core.engines.simulator.simulation.flow import STEP_S
from its_core.taxonomy import Cause, CollisionType, RoadSurface

EVERY_STEPS = 4
SLOWEST_MPS = 6.5
TAKES_S = (1.9, 2.5, 3.2)  # from leaving the lane to the blow
LEAST_M, MOST_M = 1.0, 7.5  # how far to the side a thing's near edge may be
SHARPEST_MPS2 = 6.0  # sideways, with all the grip of a dry road


@dataclass(frozen=True, slots=True)
class Thing:
    """A post or a piece of wall: its middle, and how far towards the road it reaches from there."""

    at: Point
    reach_m: float
    name: str


def things(setting: Setting) -> list[Thing]:
    layout = setting.layout
    found = [Thing(at, 0.16, "tree") for at in layout.trees]
    found += [Thing(at, 0.10, "pole") for at in layout.street_lamps]
    found += [Thing(at, 0.13, "pole") for at in layout.poles]
    found += [Thing(at, 0.13, "pole") for at in sorted({head.mast_m for head in layout.signals})]
    found += [Thing(at, 0.15, "barrier") for at in _along_barriers(layout)]
    found += [Thing(each.bay.at, 0.9, "parked") for each in parked_vehicles(setting)]
    found += [
        Thing(disc.centre, ISLAND_CORE * disc.radius_m, "island") for disc in layout.islands if disc.radius_m > 3.0
    ]
    return found


def _along_barriers(layout: Layout) -> Iterator[Point]:
    for (x1, y1), (x2, y2) in layout.barriers:
        steps = max(int((abs(x2 - x1) + abs(y2 - y1)) / 6.0), 1)
        for i in range(steps + 1):
            yield x1 + (x2 - x1) * i / steps, y1 + (y2 - y1) * i / steps


def leaving_opportunities(timeline: Timeline, setting: Setting) -> list[Opportunity]:
    """A driver asleep, inattentive or without grip, and something beside the road ahead."""
    slippery = setting.surface is not RoadSurface.DRY
    found: list[Opportunity] = []
    near = [(thing, _beside(timeline, thing)) for thing in things(setting)]
    for track in timeline.tracks.values():
        if track.type in TWO_WHEELERS:
            continue
        for thing, places in near:
            for way, s_m, aside_m in places:
                found += _reached(track, thing, (way, s_m, aside_m), setting.grip, slippery)
    return found


def _beside(timeline: Timeline, thing: Thing) -> list[tuple[int, float, float]]:
    """The ways that a thing stands beside, where along them, and how far to the left of their middle."""
    found = []
    for way, lane in enumerate(timeline.roads.lanes):
        if lane.forbidden:
            continue
        s_m, aside_m = timeline.roads.project(way, *thing.at)
        if abs(aside_m) < MOST_M + 2.0 and 10.0 < s_m < timeline.roads.length_m(way) - 5.0:
            found.append((way, s_m, aside_m))
    return found


def _reached(
    track: Track, thing: Thing, beside: tuple[int, float, float], grip: float, slippery: bool
) -> Iterator[Opportunity]:
    way, s_m, aside_m = beside
    when = track.passes(s_m - track.front_m, way)
    if when is None:
        return
    free_m = abs(aside_m) - thing.reach_m - VEHICLES[track.type].width_m / 2
    at = track.at(int(when))
    if at is None or not LEAST_M < free_m < MOST_M or track.speed[at] < SLOWEST_MPS:
        return
    speed = float(track.speed[at])
    for takes_s in TAKES_S:
        leaves = track.at(round(when - takes_s / STEP_S))
        if leaves is None or track.way[leaves] != way or track.speed[leaves] < SLOWEST_MPS:
            continue
        sharp = 6.0 * 1.3 * abs(aside_m) / (takes_s * takes_s)
        if sharp > min(SHARPEST_MPS2, 0.55 * grip * 9.81) and not (slippery and sharp < SHARPEST_MPS2):
            continue
        cause = Cause.LOSS_OF_CONTROL if slippery else Cause.FELL_ASLEEP
        yield Opportunity(
            step=when,
            where=thing.at,
            culprit=track.number,
            victims=(),
            cause=cause,
            collision=CollisionType.SINGLE,
            onset_s=takes_s + 0.3,
            speed_mps=speed,
            details={"aside_m": aside_m, "takes_s": takes_s, "free_m": free_m, "s_m": s_m, "way": way},
            variant=thing.name,
        )
        return
