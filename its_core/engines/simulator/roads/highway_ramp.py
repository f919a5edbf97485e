"""A dual carriageway with a ramp on the right: an on-ramp runs beside the outer lane for a while and ends in it, an
off-ramp begins in the outer lane, runs beside it and turns away. An off-ramp is an on-ramp seen in a mirror."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from its_core.engines.simulator.randomness import rng_of
from its_core.engines.simulator.roads.bounds import off_road_m
from its_core.engines.simulator.roads.highway import INNER_SHOULDER_M, LANE_M, REACH_M, highway
from its_core.engines.simulator.roads.layouts import Lane, Layout, Marking, Merge, Point
from its_core.engines.simulator.roads.paths import Path
from its_core.engines.simulator.roads.roadside import LINE_M, edge_line, lane_line
from its_core.engines.simulator.roads.winding import Winding
from its_core.taxonomy import RoadLayout

RAMP = "north_ramp_straight"
OFF_SHARE = 0.5  # of ramps
BACK_M = 45.0  # by which the mirrored ramp lies nearer to where traffic comes from: cameras look there
# Of the outer lane's traffic: who takes the off-ramp, and who does so late, across the gore.
EXITS_SHARE, LATE_SHARE = 0.3, 0.03
EXIT_MPS, SLOW_AFTER_M = 12.5, 35.0  # on the off-ramp, so far behind the nose
INDICATES_M = 70.0  # before the off-ramp begins
LATE_M = (-46.0, 36.0)  # from the nose, between which late ones move over
RAMP_HALF_M = LANE_M / 2 + 1.2
SLOWER_MPS = 2.0  # than the outer lane
LETS_IN_M = 110.0  # before the two lanes are one
CURVE_M = 70.0  # over which the ramp turns towards the road
RAIL_M = 0.7  # beside the ramp
PIECE_M = 8
_MODELLED_M = 190.0
_CLEAR_M = 2.5


@dataclass(frozen=True, slots=True)
class _Course:
    """The ramp runs beside the outer lane, whose middle is at ``lane_x``, from ``beside_y`` to ``tapers_y``, and has
    become one with it at ``ends_y``. Before, it comes up at ``slope`` (metres aside per metre)."""

    lane_x: float
    beside_y: float
    tapers_y: float
    ends_y: float
    slope: float

    def x(self, y: float) -> float:
        if y >= self.tapers_y:
            share = min((y - self.tapers_y) / (self.ends_y - self.tapers_y), 1.0)
            return self.lane_x + LANE_M * (1.0 - share * share * (3.0 - 2.0 * share))
        before = max(self.beside_y - y, 0.0)
        curved = min(before, CURVE_M)
        return self.lane_x + LANE_M + self.slope * (curved * curved / (2.0 * CURVE_M) + before - curved)


def highway_ramp(camera_id: str) -> Layout:
    """The highway of the same camera, with a ramp on its eastern side."""
    rng = rng_of("highway_ramp", camera_id)
    here = highway(camera_id)
    count = sum(lane.name.startswith("north_") for lane in here.lanes)
    beside_y = -float(rng.uniform(12.0, 34.0))  # cameras look about where ramp and road come together
    tapers_y = beside_y + float(rng.uniform(42.0, 70.0))
    course = _Course(
        lane_x=INNER_SHOULDER_M + (count - 0.5) * LANE_M,
        beside_y=beside_y,
        tapers_y=tapers_y,
        ends_y=tapers_y + float(rng.uniform(45.0, 60.0)),
        slope=float(rng.uniform(0.10, 0.17)),
    )
    middle = tuple((round(course.x(float(y)), 3), float(y)) for y in range(int(-REACH_M), int(course.ends_y) + 2))
    ramp = Winding(middle, RAMP_HALF_M)
    there = replace(
        here,
        name=RoadLayout.HIGHWAY_RAMP,
        lanes=tuple(_lanes(here, course, middle)),
        markings=tuple(_markings(here, course, ramp)),
        street_lamps=tuple(_lamps(here, ramp)),
        barriers=tuple(_barriers(here, course, ramp)),
        focus_m=(round(course.lane_x + 0.5 * LANE_M, 2), 0.0),
        windings=(ramp,),
    )
    if rng_of("off_ramp", camera_id).random() < OFF_SHARE:
        there = _off_ramp(here, there, course)
    return replace(
        there,
        trees=tuple(tree for tree in here.trees if off_road_m(there, *tree) > _CLEAR_M),
        buildings=tuple(
            house
            for house in here.buildings
            if all(off_road_m(there, x, y) > _CLEAR_M for x in house.rect[::2] for y in house.rect[1::2])
        ),
    )


def _lanes(here: Layout, course: _Course, middle: tuple[Point, ...]) -> list[Lane]:
    """Those of the highway and the ramp, which goes on in the outer one."""
    outer = max((lane for lane in here.lanes if lane.name.startswith("north_")), key=lambda lane: lane.points[0][0])
    points = (*middle, *(point for point in outer.points if point[1] > middle[-1][1] + 0.5))
    ends_m = Path(points).project_one(course.lane_x, course.ends_y)[0]
    own_m = course.ends_y - outer.points[0][1]
    ramp = Lane(
        RAMP,
        points,
        outer.speed_limit_mps - SLOWER_MPS,
        "straight",
        left=outer.name,
        merge=Merge(outer.name, ends_m - LETS_IN_M, ends_m, joins=True),
    )
    joined = replace(outer, merge=Merge(RAMP, own_m - LETS_IN_M, own_m, joins=False))
    return [*(joined if lane is outer else lane for lane in here.lanes), ramp]


def _off_ramp(here: Layout, there: Layout, course: _Course) -> Layout:
    """The place with an on-ramp, mirrored, with traffic that leaves by it."""
    (ramp,) = there.windings
    middle = tuple(_mirrored(point) for point in reversed(ramp.middle))
    return replace(
        there,
        lanes=tuple(_exits(here, course, middle)),
        markings=tuple(replace(each, start=_mirrored(each.start), end=_mirrored(each.end)) for each in there.markings),
        street_lamps=tuple(_mirrored(each) for each in there.street_lamps),
        barriers=tuple((_mirrored(end), _mirrored(start)) for start, end in there.barriers),
        windings=(Winding(middle, RAMP_HALF_M),),
    )


def _mirrored(point: Point) -> Point:
    return point[0], -point[1] - BACK_M


def _exits(here: Layout, course: _Course, middle: tuple[Point, ...]) -> list[Lane]:
    """Those of the highway, and the ways from the outer one onto the off-ramp: beside it from the beginning, or late
    and across the gore."""
    outer = max((lane for lane in here.lanes if lane.name.startswith("north_")), key=lambda lane: lane.points[0][0])
    before = tuple(point for point in outer.points if point[1] < middle[0][1] - 0.5)
    nose_y = -_nose_y(course) - BACK_M
    begins_y, ends_y = nose_y + LATE_M[0], nose_y + LATE_M[1]

    def late_x(x: float, y: float) -> float:
        share = min(max((y - begins_y) / (ends_y - begins_y), 0.0), 1.0)
        return course.lane_x + (x - course.lane_x) * share * share * (3.0 - 2.0 * share)

    ways = (
        ("exit", middle, EXITS_SHARE, -course.ends_y - BACK_M),
        ("late", tuple((late_x(x, y), y) for x, y in middle), LATE_SHARE, begins_y + INDICATES_M / 2),
    )
    found = [
        replace(
            outer,
            name=f"{outer.approach}_{name}",
            points=(*before, *points),
            movement="right",
            left=None,
            right=None,
            turns_from_m=REACH_M + leaves_y - INDICATES_M,
            turned_s_m=REACH_M + nose_y,
            slows=(REACH_M + nose_y + SLOW_AFTER_M, EXIT_MPS),
            share=share,
        )
        for name, points, share, leaves_y in ways
    ]
    stays = replace(outer, share=1.0 - EXITS_SHARE - LATE_SHARE)
    return [*(stays if lane is outer else lane for lane in here.lanes), *found]


def _nose_y(course: _Course) -> float:
    """Where ramp and road part, as one drives up: there the gore begins."""
    y = course.beside_y
    while _gap_m(course, y) < 0.6:
        y -= 1.0
    return y


def _gap_m(course: _Course, y: float) -> float:
    """Between the lane and the ramp's lane beside it."""
    return course.x(y) - course.lane_x - LANE_M


def _markings(here: Layout, course: _Course, ramp: Winding) -> list[Marking]:
    """The road's own but for its eastern edge line, which opens where the ramp lies beside the lane."""
    edge_x = course.lane_x + LANE_M / 2 + 0.1
    nose_y = _nose_y(course)
    found = [each for each in here.markings if abs(each.start[0] - edge_x) > 0.01]
    found.append(edge_line((edge_x, -REACH_M), (edge_x, nose_y)))
    found.append(lane_line((edge_x, nose_y), (edge_x, course.tapers_y + 12.0), dash_m=2.0, gap_m=3.0))
    found.append(edge_line((edge_x, course.ends_y), (edge_x, REACH_M)))
    side = LANE_M / 2 + 0.1
    for aside, last_y in ((side, course.ends_y), (-side, nose_y)):
        line = [ramp.at(y, aside) for y in np.arange(-_MODELLED_M, last_y, PIECE_M / 2).tolist()]
        line.append((edge_x, last_y))
        found += [Marking(a, b, LINE_M, "white") for a, b in pairwise(line)]
    return found + _gore(course, edge_x, nose_y)


def _gore(course: _Course, edge_x: float, nose_y: float) -> list[Marking]:
    """Slanting bars in the wedge between the lane and the ramp."""
    found = []
    for y in np.arange(nose_y - 8.0, nose_y - 60.0, -5.0).tolist():
        wide = _gap_m(course, y) - 0.5
        if 0.5 < wide < 3.4:
            found.append(Marking((edge_x + 0.2, y + wide), (edge_x + 0.2 + wide, y), 0.35, "white"))
    return found


def _lamps(here: Layout, ramp: Winding) -> list[Point]:
    """Those of the highway, on the ramp's side and behind its rail."""
    behind_m = RAMP_HALF_M + RAIL_M + 1.0
    return [(round(max(-x, ramp.at(y)[0] + behind_m), 2), y) for x, y in here.street_lamps]


def _barriers(here: Layout, course: _Course, ramp: Winding) -> list[tuple[Point, Point]]:
    """The eastern rail goes round the ramp."""
    rail_x = max(start[0] for start, _ in here.barriers)
    found = [each for each in here.barriers if each[0][0] < rail_x]
    rail = [ramp.at(y, RAMP_HALF_M + RAIL_M) for y in np.arange(-_MODELLED_M, course.tapers_y, PIECE_M).tolist()]
    rail = [(round(x, 2), round(y, 2)) for x, y in rail if x > rail_x]
    rail.append((rail_x, round(rail[-1][1] + 14.0, 2)))
    return [*found, *pairwise(rail), (rail[-1], (rail_x, REACH_M))]
