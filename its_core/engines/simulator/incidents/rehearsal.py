"""Rehearses a plan on rails: who would touch whom first, and how near the two of an incident come."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.dimensions import PEDESTRIAN_RADIUS_M
from its_core.engines.simulator.incidents.opportunity import Plan
from its_core.engines.simulator.incidents.setting import Setting
from its_core.engines.simulator.portable_math import acos
from its_core.engines.simulator.roads.layouts import Point
from its_core.engines.simulator.roads.network import network
from its_core.engines.simulator.simulation.overlaps import overlapping, rectangles_apart_m
from its_core.engines.simulator.simulation.rails import Rails, Traffic
from its_core.engines.simulator.traffic.habits import Intent
from its_core.engines.simulator.traffic.perception import Bodies
from its_core.engines.simulator.traffic.walkers import Walker

Floats = NDArray[np.float64]

STEP_S = 1.0 / 24.0  # as in the physics
RUN_UP_STEP_S = 1.0 / 8.0  # as ordinary traffic flows, until so long before the point:
FINE_FROM_S = 1.5
NEAR_M = 70.0  # vehicles farther from where the two go do not change what becomes of them within a clip
NEAR_ON_FOOT_M = 40.0
ABOUT_S = 1.0  # before and after two are nearest
MOVES_MPS, SCARED_WITHIN_M = 2.5, 5.0
IN_FRONT_M, AHEAD_M = 1.3, 12.0  # beside and before the front of a car that moves, a person is in its way


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """``first``: the road users that touch first, with the time (None: nobody). ``nearest_m`` and ``nearest_s``: how
    near the incident's two come, and when; ``angle_deg`` between their headings then; ``flank``: where one's front
    meets the other, 0 at its middle, 1 at its ends; ``before``: where a person is across the vehicle's front, 0 before
    its middle, 1 before its edge (more: beside it); ``thing_s``: when the first of the two runs into something that
    stands; ``turned_deg``: how far it turns, at most. ``braked_mps2``: how hard one of the two brakes about when they
    are nearest. Of a culprit on foot, while on the road: ``passed_m``, how near vehicles come that move, and
    ``scared_mps2``, how hard those near brake. ``startle``: how far one of the two on foot is startled, 0 to 1.
    ``in_the_way``: whether one of the two on foot is on the road in the way of the other's car, about when they are
    nearest."""

    first: frozenset[int] | None
    first_s: float
    nearest_m: float
    nearest_s: float
    angle_deg: float
    closing_mps: float
    flank: float
    before: float
    thing_s: float = math.inf
    turned_deg: float = 0.0
    braked_mps2: float = 0.0
    passed_m: float = math.inf
    scared_mps2: float = 0.0
    startle: float = 0.0
    in_the_way: bool = False


def with_intents(traffic: Traffic, intents: Mapping[int, Intent]) -> None:
    for driver in traffic.drivers:
        if driver.number in intents:
            driver.intent = intents[driver.number]


def begun(setting: Setting, traffic: Traffic, plan: Plan) -> None:
    """Gives the plan to the traffic, whose clock is at 0 or earlier, and lets it run to 0."""
    with_intents(traffic, plan.intents)
    for walker in traffic.walkers:
        if walker.number in plan.routes:
            walker.take(*plan.routes[walker.number])
        walker.unaware = walker.number in plan.unaware
    for driver in traffic.drivers:
        if driver.number in plan.ways:
            driver.go_by(plan.ways[driver.number])
    rails = Rails(setting.layout, setting.programme, traffic)
    while traffic.time_s < -1e-6:
        rails.step(min(RUN_UP_STEP_S, -traffic.time_s))
    traffic.time_s = 0.0


def company(setting: Setting, traffic: Traffic, plan: Plan) -> Traffic:
    """Copies of those who can matter to a plan: whom it names, and who is near to the ways of its two to their point.
    Most of the traffic of a large place is not, and would take most of a rehearsal's time."""
    named = {plan.culprit, *plan.victims, *plan.struck, *plan.intents, *plan.ways, *plan.routes}
    named |= {intent.chase.other for intent in plan.intents.values() if intent.chase is not None}
    roads = network(setting.layout)
    places = {driver.number: roads.place(driver.way, driver.s_m, driver.aside_m)[:2] for driver in traffic.drivers}
    places |= {walker.number: (walker.x, walker.y) for walker in traffic.walkers}
    starts = [places[number] for number in (plan.culprit, *plan.victims) if number in places]

    def is_near(number: int, within_m: float) -> bool:
        return number in named or any(_off_m(places[number], start, plan.where) < within_m for start in starts)

    drivers = [copy.copy(driver) for driver in traffic.drivers if is_near(driver.number, NEAR_M)]
    walkers = [copy.copy(walker) for walker in traffic.walkers if is_near(walker.number, NEAR_ON_FOOT_M)]
    return Traffic(traffic.time_s, drivers, dict(traffic.vehicles), walkers)


def _off_m(point: Point, start: Point, end: Point) -> float:
    """Distance of a point from the straight line between two others."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    x, y = point[0] - start[0], point[1] - start[1]
    along = min(max((x * dx + y * dy) / max(dx * dx + dy * dy, 1e-9), 0.0), 1.0)
    x, y = x - along * dx, y - along * dy
    return math.sqrt(x * x + y * y)


def rehearsed(
    setting: Setting,
    traffic: Traffic,
    pair: tuple[int, int],
    point_s: float,
    until_s: float,
    things: Floats | None = None,
) -> Rehearsal:
    """``traffic`` (its clock at 0) is moved on and used up, by fine steps shortly before ``point_s``. Ends with the
    first touch. ``things`` T×3: x, y and radius of what stands beside the road."""
    rails = Rails(setting.layout, setting.programme, traffic)
    nearest_m, nearest_s, angle, closing, thing_s = math.inf, 0.0, 0.0, 0.0, math.inf
    headed: tuple[float, float] | None = None
    least_cosine = 1.0
    two = [driver for driver in traffic.drivers if driver.number in pair]
    on_foot = [walker for walker in traffic.walkers if walker.number in pair]
    walker = next((walker for walker in on_foot if walker.number == pair[0]), None)
    brakings: list[tuple[float, float]] = []
    passed_m, scared_mps2, startle = math.inf, 0.0, 0.0
    ways_s: list[float] = []
    touched: frozenset[int] | None = None
    flank, before = 9.0, 9.0
    mine = [np.flatnonzero(rails.bodies().unit == number).tolist() for number in pair]
    while traffic.time_s < until_s:
        rails.step(STEP_S if traffic.time_s > point_s - FINE_FROM_S else RUN_UP_STEP_S)
        bodies = rails.bodies()
        first = [frozenset((int(bodies.unit[a]), int(bodies.unit[b]))) for a, b in overlapping(bodies, 0.0)]
        brakings.append((traffic.time_s, max((-each.acceleration for each in two), default=0.0)))
        startle = max(startle, *(each.startle for each in on_foot)) if on_foot else 0.0
        if walker is not None and setting.layout.on_road(walker.x, walker.y):
            gap_m, brakes_mps2 = _around(bodies, traffic, walker)
            passed_m, scared_mps2 = min(passed_m, gap_m), max(scared_mps2, brakes_mps2)
        if any(_is_in_the_way(setting, bodies, [*mine[0], *mine[1]], each) for each in on_foot):
            ways_s.append(traffic.time_s)
        if things is not None and thing_s == math.inf and _hits(bodies, mine[0], things):
            thing_s = traffic.time_s
        if mine[0]:
            fx, fy = float(bodies.fx[mine[0][0]]), float(bodies.fy[mine[0][0]])
            headed = headed or (fx, fy)
            least_cosine = min(least_cosine, headed[0] * fx + headed[1] * fy)
        for a in mine[0]:
            for b in mine[1]:
                apart = rectangles_apart_m(bodies, a, b)
                if apart < nearest_m:
                    nearest_m, nearest_s = apart, traffic.time_s
                    cosine = float(bodies.fx[a] * bodies.fx[b] + bodies.fy[a] * bodies.fy[b])
                    angle = math.degrees(_acos(cosine))
                    dvx, dvy = float(bodies.vx[a] - bodies.vx[b]), float(bodies.vy[a] - bodies.vy[b])
                    closing = math.sqrt(dvx * dvx + dvy * dvy)
        if first:
            touched = frozenset(pair) if frozenset(pair) in first else first[0]
            flank = min((_flank(bodies, a, b) for a in mine[0] for b in mine[1]), default=9.0)
            before = min((_before(bodies, a, b) for a in mine[0] for b in mine[1]), default=9.0)
            break
    return Rehearsal(
        first=touched,
        first_s=math.inf if touched is None else traffic.time_s,
        nearest_m=nearest_m,
        nearest_s=nearest_s,
        angle_deg=angle,
        closing_mps=closing,
        flank=flank,
        before=before,
        thing_s=thing_s,
        turned_deg=math.degrees(_acos(least_cosine)),
        braked_mps2=max((how for at_s, how in brakings if abs(at_s - nearest_s) < ABOUT_S), default=0.0),
        passed_m=passed_m,
        scared_mps2=scared_mps2,
        startle=startle,
        in_the_way=any(-2.0 * ABOUT_S < at_s - nearest_s < ABOUT_S for at_s in ways_s),
    )


def is_before_front(offset: tuple[float, float], ahead: tuple[float, float], front_m: float, half_m: float) -> bool:
    """Whether somebody at an offset from a car's middle is just before its front, in its way."""
    (dx, dy), (fx, fy) = offset, ahead
    return 0.0 < dx * fx + dy * fy - front_m < AHEAD_M and abs(dx * fy - dy * fx) - half_m < IN_FRONT_M


def _is_in_the_way(setting: Setting, bodies: Bodies, mine: list[int], walker: Walker) -> bool:
    """Whether somebody on foot is on the road just before one of these bodies, if that is a car that moves."""
    for i in mine:
        if bodies.walks[i] or math.sqrt(bodies.vx[i] * bodies.vx[i] + bodies.vy[i] * bodies.vy[i]) < MOVES_MPS / 2:
            continue
        offset = float(walker.x - bodies.x[i]), float(walker.y - bodies.y[i])
        ahead = float(bodies.fx[i]), float(bodies.fy[i])
        if is_before_front(offset, ahead, float(bodies.front_m[i]), float(bodies.half_m[i])):
            return setting.layout.on_road(walker.x, walker.y)
    return False


def _around(bodies: Bodies, traffic: Traffic, walker: Walker) -> tuple[float, float]:
    """How near the nearest vehicle that moves is to somebody, and how hard those near brake."""
    dx, dy = walker.x - bodies.x, walker.y - bodies.y
    along = np.abs(dx * bodies.fx + dy * bodies.fy) - bodies.front_m
    aside = np.abs(dy * bodies.fx - dx * bodies.fy) - bodies.half_m
    along, aside = np.maximum(along, 0.0), np.maximum(aside, 0.0)
    gaps = np.sqrt(along * along + aside * aside) - PEDESTRIAN_RADIUS_M
    moves = ~bodies.walks & (bodies.vx * bodies.vx + bodies.vy * bodies.vy > MOVES_MPS * MOVES_MPS)
    near = np.flatnonzero(gaps[: len(traffic.drivers)] < SCARED_WITHIN_M)
    brakes = [-traffic.drivers[int(i)].acceleration for i in near]
    return float(gaps[moves].min(initial=math.inf)), max(brakes, default=0.0)


def _hits(bodies: Bodies, mine: list[int], things: Floats) -> bool:
    """Whether the rectangle of one of these bodies overlaps one of the things' circles."""
    for i in mine:
        dx, dy = things[:, 0] - bodies.x[i], things[:, 1] - bodies.y[i]
        along = np.abs(dx * bodies.fx[i] + dy * bodies.fy[i]) - bodies.front_m[i]
        aside = np.abs(dy * bodies.fx[i] - dx * bodies.fy[i]) - bodies.half_m[i]
        if bool(((along < things[:, 2]) & (aside < things[:, 2])).any()):
            return True
    return False


def _before(bodies: Bodies, a: int, b: int) -> float:
    """Where one body is before the other's front, in halves of the front's width; 9 where neither is."""
    found = 9.0
    for i, j in ((a, b), (b, a)):
        if bodies.walks[j]:
            continue
        dx, dy = bodies.x[i] - bodies.x[j], bodies.y[i] - bodies.y[j]
        along = dx * bodies.fx[j] + dy * bodies.fy[j]
        if along > bodies.front_m[j] - 0.7:
            found = min(found, abs(dy * bodies.fx[j] - dx * bodies.fy[j]) / bodies.half_m[j])
    return float(found)


def _flank(bodies: Bodies, a: int, b: int) -> float:
    """Where the front of one is beside the other, in halves of the other's length from its middle; the lesser of
    both."""
    found = 9.0
    for i, j in ((a, b), (b, a)):
        x = bodies.x[i] + bodies.front_m[i] * bodies.fx[i] - bodies.x[j]
        y = bodies.y[i] + bodies.front_m[i] * bodies.fy[i] - bodies.y[j]
        along = x * bodies.fx[j] + y * bodies.fy[j]
        beside = abs(y * bodies.fx[j] - x * bodies.fy[j])
        if beside < bodies.half_m[j] + 1.2:
            found = min(found, abs(along) / (bodies.front_m[j] if along > 0 else bodies.rear_m[j]))
    return float(found)


def _acos(cosine: float) -> float:
    return float(acos(min(max(cosine, -1.0), 1.0)))
