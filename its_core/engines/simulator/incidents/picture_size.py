"""How wide an incident is in the picture: what is expected of a moment, what is drawn for a clip, what is too small."""

from __future__ import annotations

import math

import numpy as np

from its_core.engines.simulator.dimensions import VEHICLES
from its_core.engines.simulator.incidents.opportunity import Opportunity
from its_core.engines.simulator.incidents.setting import CAR_M, LOOKED_AT_M, Setting, apparent_share, in_picture
from its_core.engines.simulator.incidents.timeline import Timeline
from its_core.engines.simulator.optics.quality import quality_of
from its_core.engines.simulator.portable_math import exp, log
from its_core.taxonomy import CameraWord, CollisionType, ParticipantType

# Width of the box around those concerned, as a share of the picture's width: quartiles of what is aimed at. ACCIDENT's
# real footage has 5, 7.6 and 17 %; its smallest crashes are left out, because viewers cannot say what happens there.
WIDTH_QUARTILES = (0.042, 0.050, 0.066, 0.145, 0.30)
SMALLEST_WIDTH = 0.042
SMALLEST_WIDTH_OF_ONE = 0.024  # of one vehicle alone: with a person beside it, or with what it runs into, it is wider
SMALLEST_WIDTH_FAR = 0.018  # where a row asks for a far camera
# A car's share of the picture's width, seen from the side, that a moment needs at least. People and two-wheelers are
# smaller than cars, and one vehicle alone is smaller than two.
SMALLEST_SHARE = 0.03
SMALLEST_SHARE_OF_ONE = 0.045
SMALLEST_SHARE_FAR = 0.018
# A worn recorder's picture shows less: of a camera below this quality, moments must be so much larger.
POOR_QUALITY, POOR_FACTOR = 0.4, 1.25
SCRAPED_FACTOR = 1.1  # where side scrapes along side: the gap between them must be seen
# Of the least size, so much will do in later rounds; where one car alone, with or without somebody on foot or on two
# wheels, comes to grief, so much.
SMALLER, SMALLER_OF_ONE = 0.75, 0.8
STEP_OF_SIZE = 0.47  # a factor of 1.6
HIDDEN_GAP = 3.0  # steps, that a side-swipe seen from the side counts as off
# What a kind needs to be plain is asked of a camera only as far as so much of the road that it sees is that near: a far
# camera would never show such a moment.
NEAREST_ROAD, EVERY_M = 0.1, 2
PLAINER, STEP_OF_PLAIN = 1.25, 0.223  # still larger ones come first, up to so much, by steps of as much
_SMALL = frozenset({ParticipantType.PEDESTRIAN, ParticipantType.BICYCLE, ParticipantType.MOTORCYCLE})
_END_TO_END = frozenset({CollisionType.REAR_END, CollisionType.HEAD_ON})
_OVERLAP = 0.87  # of two bodies that cross, the width of both together over the sum of their widths


def smallest_share(setting: Setting, timeline: Timeline, opportunity: Opportunity, least_share: float) -> float:
    """Of the picture's width, that a car must take at the place of a moment for its incident to be legible;
    ``least_share`` of the kind (0: any), which says what is plain and is not raised for a poor camera."""
    if CameraWord.FAR in setting.scene.camera:
        return SMALLEST_SHARE_FAR
    alone = _cars(timeline, opportunity) < 2
    return max((SMALLEST_SHARE_OF_ONE if alone else SMALLEST_SHARE) * _poor_factor(setting), least_share)


def plain_share(setting: Setting, wanted: float) -> float:
    """``wanted``, a car's share of the picture's width, or what this camera shows of its nearest tenth of the road."""
    if CameraWord.FAR in setting.scene.camera:
        return 0.0
    camera, ways = setting.camera, setting.roads.ways
    points = np.column_stack([ways.x[::EVERY_M], ways.y[::EVERY_M], np.full(len(ways.x[::EVERY_M]), LOOKED_AT_M)])
    depths = np.sort(camera.project(points[in_picture(camera, points)])[:, 2])
    if not len(depths):
        return 0.0
    return min(wanted, CAR_M * camera.focal_px / float(depths[int(NEAREST_ROAD * len(depths))]) / camera.width_px)


def smaller(timeline: Timeline, opportunity: Opportunity) -> float:
    """The share of the least size that will do in later rounds."""
    return SMALLER_OF_ONE if _cars(timeline, opportunity) < 2 else SMALLER


def smallest_stature(setting: Setting) -> float:
    """A car's share of the picture's width, below which nobody would make out a person or a bicycle beside it."""
    if CameraWord.FAR in setting.scene.camera:
        return SMALLER_OF_ONE * SMALLEST_SHARE_FAR
    return SMALLER_OF_ONE * SMALLEST_SHARE_OF_ONE * _poor_factor(setting)


def _poor_factor(setting: Setting) -> float:
    quality = quality_of(setting.camera.camera_id, setting.scene.camera)
    return POOR_FACTOR if quality < POOR_QUALITY else 1.0


def is_wide_enough(
    setting: Setting, timeline: Timeline, opportunity: Opportunity, least: float, least_share: float
) -> bool:
    """Whether the box around those concerned is expected to be so wide that a viewer can see what happens: ``least``
    of the usual smallest width, or of the kind's ``least_share`` where that is larger."""
    alone = _cars(timeline, opportunity) < 2
    smallest = max((SMALLEST_WIDTH_OF_ONE if alone else SMALLEST_WIDTH) * _poor_factor(setting), least_share)
    if CameraWord.FAR in setting.scene.camera:
        smallest = SMALLEST_WIDTH_FAR
    elif opportunity.collision is CollisionType.SIDESWIPE:
        smallest *= SCRAPED_FACTOR
    return expected_width(setting, timeline, opportunity) >= least * smallest


def _cars(timeline: Timeline, opportunity: Opportunity) -> int:
    """How many of those concerned are larger than a person or a two-wheeler."""
    concerned = (opportunity.culprit, *opportunity.victims)
    return sum(timeline.tracks[n].type not in _SMALL for n in concerned if n in timeline.tracks)


def aimed_width(setting: Setting) -> float:
    """How wide the incident shall be in the picture, 0 to 1; the row's words may say."""
    at = float(setting.rng("size").random())
    if CameraWord.NEAR in setting.scene.camera:
        at = 0.75 + 0.25 * at
    elif CameraWord.FAR in setting.scene.camera:
        at = 0.2 * at
    quarters = np.linspace(0.0, 1.0, len(WIDTH_QUARTILES))
    return float(exp(np.interp(at, quarters, log(np.array(WIDTH_QUARTILES)))))


def steps_off(setting: Setting, timeline: Timeline, opportunity: Opportunity, aimed: float) -> int:
    """How far the width of a moment is from the one that is aimed at, in steps of a factor of 1.6; where side scrapes
    along side, also how much of the gap between them the camera does not see."""
    off = abs(float(log(expected_width(setting, timeline, opportunity) / aimed))) / STEP_OF_SIZE
    if opportunity.collision is CollisionType.SIDESWIPE:
        off += HIDDEN_GAP * (1.0 - gap_seen(setting, timeline, opportunity))
    return round(off)


def gap_seen(setting: Setting, timeline: Timeline, opportunity: Opportunity) -> float:
    """How much of the gap between two who drive side by side the camera sees: 1 from before, behind or above, 0 from
    the side."""
    tx, ty = heading_of(timeline, opportunity, opportunity.culprit)
    x, y, z = setting.camera.position_m
    dx, dy = opportunity.where[0] - x, opportunity.where[1] - y
    along = dx * tx + dy * ty
    return math.sqrt((along * along + z * z) / max(dx * dx + dy * dy + z * z, 1e-6))


def steps_below(setting: Setting, opportunity: Opportunity, wanted: float) -> int:
    """How far a car at the place of a moment is smaller than ``PLAINER`` times a share of the picture's width, in steps
    of a factor of 1.25; 0 where a row asks for a far camera."""
    if wanted == 0.0 or CameraWord.FAR in setting.scene.camera:
        return 0
    share = max(apparent_share(setting.camera, *opportunity.where), 1e-3)
    return max(round(float(log(PLAINER * wanted / share)) / STEP_OF_PLAIN), 0)


def expected_width(setting: Setting, timeline: Timeline, opportunity: Opportunity) -> float:
    """Width of the box around the first two vehicles concerned as they come to the point, a share of the picture's
    width, by their lengths and headings."""
    x, y = opportunity.where
    dx, dy = x - setting.camera.position_m[0], y - setting.camera.position_m[1]
    away_m = max(math.sqrt(dx * dx + dy * dy), 1e-6)
    along, across = [], []  # of each vehicle: what its length and its width take across the line of sight
    for number in (opportunity.culprit, *opportunity.victims)[:2]:
        if number not in timeline.tracks:
            continue
        tx, ty = heading_of(timeline, opportunity, number)
        body = VEHICLES[timeline.tracks[number].type]
        along.append(body.length_m * abs(dx * ty - dy * tx) / away_m)
        across.append(body.width_m * abs(dx * tx + dy * ty) / away_m)
    if len(along) < 2:
        width_m = sum(along) + sum(across)
    elif opportunity.collision in _END_TO_END:
        width_m = sum(along) + max(across)
    elif opportunity.collision is CollisionType.SIDESWIPE:
        width_m = max(along) + sum(across)
    else:
        width_m = _OVERLAP * (sum(along) + 0.5 * sum(across))
    return apparent_share(setting.camera, x, y) * max(width_m, 0.5) / CAR_M


def heading_of(timeline: Timeline, opportunity: Opportunity, number: int) -> tuple[float, float]:
    """The unit vector along a vehicle at the point of a moment."""
    details = opportunity.details
    whose = "" if number == opportunity.culprit else "other_"
    if whose + "way" in details and whose + "s_m" in details:
        way, s_m = int(details[whose + "way"]), float(details[whose + "s_m"])
    else:
        track = timeline.tracks[number]
        at = min(max(round(opportunity.step) - track.first, 0), len(track.s_m) - 1)
        way, s_m = int(track.way[at]), float(track.s_m[at])
    _, _, tx, ty = timeline.roads.place(way, s_m)
    return tx, ty
