"""Which moments the camera will see, as far as that can be said before they are staged."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.dimensions import TRAILER, TWO_WHEELERS
from its_core.engines.simulator.incidents.opportunity import Opportunity
from its_core.engines.simulator.incidents.outcome.occlusion import Box, box_hides, vehicle_boxes
from its_core.engines.simulator.incidents.outcome.visibility import BOTH_SEEN_MARGIN, BOTH_SEEN_S
from its_core.engines.simulator.incidents.picture_size import heading_of
from its_core.engines.simulator.incidents.setting import LOOKED_AT_M, Setting, in_picture
from its_core.engines.simulator.incidents.timeline import Timeline, Track
from its_core.engines.simulator.optics.camera import hidden_by_scenery
from its_core.taxonomy import CollisionType, ParticipantType

Floats = NDArray[np.float64]

LOOKED_INTO = 40  # moments, from the first: the others are hardly ever tried
MOST_HIDDEN = 0.5  # of the points at the place
BEFORE_S = 0.6  # traffic is looked at so long before the moment, too
AROUND_M = 9.0  # of the line of sight: vehicles farther from it hide nothing
FAR_M = 11.0  # from the place, who comes there some seconds later only
_HEIGHTS_M = (0.3, 0.9, 1.5)


def in_sight(setting: Setting, timeline: Timeline, found: list[Opportunity]) -> list[Opportunity]:
    """Those that neither a building nor a tree hides, in the same order; those that vehicles will hide come last, but
    for cyclists whom the one who passes hides: nobody would see how near that is."""
    if not found:
        return found
    points = np.array([(*each.where, LOOKED_AT_M) for each in found])
    hidden = hidden_by_scenery(np.array(setting.camera.position_m), points, setting.layout)
    free = [each for each, behind in zip(found, hidden.tolist(), strict=True) if not behind]
    first, rest = free[:LOOKED_INTO], free[LOOKED_INTO:]
    behind = [_hidden_share(setting, timeline, each) > MOST_HIDDEN for each in first]
    seen = [each for each, is_hidden in zip(first, behind, strict=True) if not is_hidden]
    last = [each for each, is_hidden in zip(first, behind, strict=True) if is_hidden and not _passes(each)]
    return [*seen, *rest, *last]


def _passes(opportunity: Opportunity) -> bool:
    return "passes_m" in opportunity.details


def _hidden_share(setting: Setting, timeline: Timeline, opportunity: Opportunity) -> float:
    """The share of the points at a moment's place that other traffic, or the vehicle that strikes, will hide."""
    eye = np.array(setting.camera.position_m)
    x, y = opportunity.where
    boxes = [
        box
        for ago_s in (0.0, BEFORE_S)
        for box in _traffic(timeline, opportunity, round(opportunity.step - ago_s / timeline.time_s(1)), eye)
    ]
    struck = _striker(timeline, opportunity)
    boxes += struck
    if not struck and opportunity.collision is CollisionType.REAR_END:
        x, y = _behind(timeline, opportunity)
        boxes += _ahead(timeline, opportunity)
    points = np.array([(x, y, z) for z in _HEIGHTS_M])
    hidden = np.zeros(len(points), np.bool_)
    for box in boxes:
        hidden |= box_hides(box, eye, points)
    return float(hidden.mean())


def _traffic(timeline: Timeline, opportunity: Opportunity, step: int, eye: Floats) -> list[Box]:
    """The vehicles of others about the line of sight at a step."""
    concerned = (opportunity.culprit, *opportunity.victims)
    found = []
    for track in timeline.tracks.values():
        at = track.at(step)
        if at is None or track.number in concerned or track.type in TWO_WHEELERS:
            continue
        if _off_line_m((float(track.x[at]), float(track.y[at])), eye, opportunity.where) < AROUND_M:
            _, _, tx, ty = timeline.roads.place(int(track.way[at]), float(track.s_m[at]))
            found += _boxes(track, (float(track.x[at]), float(track.y[at])), (tx, ty))
    return found


def _striker(timeline: Timeline, opportunity: Opportunity) -> list[Box]:
    """The car that strikes somebody on foot or on two wheels, its front at the place, or that passes a cyclist there,
    to the left; none where two cars meet."""
    kinds = {n: timeline.tracks[n].type for n in (opportunity.culprit, *opportunity.victims) if n in timeline.tracks}
    cars = [number for number, type_ in kinds.items() if type_ not in TWO_WHEELERS]
    if len(cars) != 1 or not opportunity.victims:
        return []
    track = timeline.tracks[cars[0]]
    tx, ty = heading_of(timeline, opportunity, cars[0])
    x, y = opportunity.where
    if _passes(opportunity):
        aside_m = opportunity.details["passes_m"]
        return _boxes(track, (x - aside_m * ty, y + aside_m * tx), (tx, ty))
    back_m = track.front_m + 0.3
    return _boxes(track, (x - back_m * tx, y - back_m * ty), (tx, ty))


def _ahead(timeline: Timeline, opportunity: Opportunity) -> list[Box]:
    """The vehicle that is struck from behind, its rear at the place."""
    track = timeline.tracks[opportunity.victims[0]]
    tx, ty = heading_of(timeline, opportunity, opportunity.victims[0])
    x, y = opportunity.where
    return _boxes(track, (x + track.rear_m * tx, y + track.rear_m * ty), (tx, ty))


def _behind(timeline: Timeline, opportunity: Opportunity) -> tuple[float, float]:
    """The middle of the vehicle that runs into another's rear."""
    track = timeline.tracks[opportunity.culprit]
    tx, ty = heading_of(timeline, opportunity, opportunity.culprit)
    return opportunity.where[0] - track.front_m * tx, opportunity.where[1] - track.front_m * ty


def _boxes(track: Track, at: tuple[float, float], ahead: tuple[float, float]) -> list[Box]:
    """A track's vehicle with all that it pulls, its own middle at a place."""
    if track.type is not ParticipantType.ARTICULATED_TRUCK:
        return vehicle_boxes(track.number, track.type, np.array([*at, 0.0]), ahead)
    shift_m = (track.front_m - track.rear_m) / 2
    middle = np.array([at[0] + shift_m * ahead[0], at[1] + shift_m * ahead[1], 0.0])
    return [Box(track.number, middle, ahead, track.front_m + track.rear_m, TRAILER.width_m, 0.0, TRAILER.height_m)]


def _off_line_m(point: tuple[float, float], eye: Floats, end: tuple[float, float]) -> float:
    """Distance of a point from the line of sight to another, on the ground."""
    dx, dy = end[0] - float(eye[0]), end[1] - float(eye[1])
    x, y = point[0] - float(eye[0]), point[1] - float(eye[1])
    along = min(max((x * dx + y * dy) / max(dx * dx + dy * dy, 1e-9), 0.0), 1.0)
    x, y = x - along * dx, y - along * dy
    return float(np.sqrt(x * x + y * y))


def stays_in_view(setting: Setting, timeline: Timeline, opportunity: Opportunity) -> bool:
    """Whether the picture holds the victim some moments before and after the point, going on as in ordinary traffic;
    one who is still far away then need not be seen."""
    number = opportunity.victims[0]
    if number not in timeline.tracks:
        return True
    track, away = timeline.tracks[number], BOTH_SEEN_S / timeline.time_s(1)
    points = []
    for step in (opportunity.step - away, opportunity.step, opportunity.step + away):
        at = min(max(round(step) - track.first, 0), len(track.x) - 1)
        points.append((float(track.x[at]), float(track.y[at]), LOOKED_AT_M))
    if math.dist(points[1][:2], opportunity.where) > FAR_M:
        return True
    return bool(in_picture(setting.camera, np.array(points), BOTH_SEEN_MARGIN).all())
