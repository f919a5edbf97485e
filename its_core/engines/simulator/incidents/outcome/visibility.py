"""Whether the camera shows what happens: the spot in the picture, not hidden, and the vehicles not gone at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.dimensions import TRAILER, TWO_WHEELERS, VEHICLES
from its_core.engines.simulator.incidents.outcome.occlusion import Box, box_hides, vehicle_boxes
from its_core.engines.simulator.incidents.outcome.verdicts import Verdict, something_moves
from its_core.engines.simulator.incidents.picture_size import smallest_stature
from its_core.engines.simulator.incidents.setting import Setting, apparent_share, in_picture
from its_core.engines.simulator.optics.camera import hidden_by_scenery
from its_core.engines.simulator.physics.contacts import rotation_matrix
from its_core.engines.simulator.portable_math import norm, product
from its_core.engines.simulator.simulation.run import Run
from its_core.engines.simulator.trace import Trace, forward
from its_core.taxonomy import CollisionType, ParticipantType

Floats = NDArray[np.float64]

MOST_HIDDEN = 0.5  # of the points of a body that others or the scenery hide when it comes to its point
MOST_HIDDEN_OF_OTHER = 0.75  # of the less visible one of two vehicles, at the contact and a moment after it
STRUCK_S = (-0.25, -0.12, 0.0, 0.12, 0.25)  # about the contact, of somebody on foot or on two wheels
MOST_HIDDEN_OF_A_SIDE = 0.6  # where side scrapes along side, the gap between them must be seen to close
PARTED_S = 0.5  # so long after a contact both vehicles are looked at again
MOST_HIDDEN_OF_TWO = 0.6  # of either of two who come near each other and do not touch
BOTH_SEEN_S, BOTH_SEEN_MARGIN = 0.5, 0.02  # so long before and after their point both are inside the picture
STAYS_S = 1.2  # so long after its point, if the clip is, one of those concerned must be in the picture
LEAST_LEFT = 0.25  # of its points, seen then
SCRAPED_STAY_S = 1.7  # what follows a scrape tells it from a close pass
# Of people and two-wheelers that are struck: the share of their points that is seen, averaged over these moments (s).
BEFORE_S, LEAST_BEFORE = (1.0, 0.75, 0.5, 0.25, 0.1), 0.6
AFTER_S, LEAST_AFTER = (0.15, 0.3, 0.5, 0.75, 1.0), 0.45
EARLIEST_S = 0.75  # into the clip, that somebody is struck: before, nobody sees them coming
TALL_M, SURFACE_M = 2.9, 0.5  # contacts lie up to so deep in the bodywork
_LIFT_M = 0.7
_MACHINE_MIDDLE_M, _MACHINE_HALF_M = 0.6, 0.5
_TRAILER_FLOOR_M = 0.5  # axles and side guards hide what is lower than the load


def unseen(setting: Setting, run: Run, verdict: Verdict) -> str:
    """Why the camera does not show where it happened; empty when it does, or when there is no such place."""
    where, frame = verdict.where_m, verdict.at_frame
    if where is None or frame is None:
        return ""
    camera = setting.camera
    if not in_picture(camera, np.array([where]))[0]:
        x, y, _ = where
        return f"it happened outside the picture, {x:.0f} m east and {y:.0f} m north of the middle"
    eye = np.array(camera.position_m)
    if verdict.impact_end is not None and hidden_by_scenery(eye, np.array([where]), setting.layout)[0]:
        return "a building or a tree hides the contact"
    if verdict.collision is not None and _behind_something_tall(run.trace, frame, eye, np.array(where)):
        return "a truck or a bus hides the contact"
    if _hidden(setting, run.trace, frame, verdict):
        return "other vehicles, a building or a tree hide it"
    stays_s = SCRAPED_STAY_S if verdict.collision is CollisionType.SIDESWIPE else STAYS_S
    later = min(frame + round(stays_s * run.trace.fps), len(run.trace.positions) - 1)
    left = [seen_share(setting, run.trace, later, number) for number in verdict.shown]
    return "those concerned leave the picture at once" if left and max(left) < LEAST_LEFT else ""


def hard_to_make_out(setting: Setting, run: Run, verdict: Verdict) -> str:
    """Why a viewer might not make out what the camera shows: those concerned are too small, or not seen for long
    enough. Empty when nothing speaks against it."""
    frame = verdict.at_frame
    if verdict.where_m is None or frame is None:
        return ""
    if _is_averted(verdict) and not _both_in_picture(setting, run.trace, frame, verdict):
        return "one of the two leaves the picture too soon"
    fallen = [number for number in verdict.shown if number in run.trace.limbs]
    return next((why for number in fallen if (why := _illegible(setting, run.trace, frame, number))), "")


def _is_averted(verdict: Verdict) -> bool:
    """Whether two come near each other, and do not touch: then both must be seen."""
    return verdict.impact_end is None and len(verdict.shown) == 2


def _both_in_picture(setting: Setting, trace: Trace, frame: int, verdict: Verdict) -> bool:
    """Whether the picture holds both some moments before and after their point, too."""
    away = round(BOTH_SEEN_S * trace.fps)
    frames = [max(frame - away, 0), frame, min(frame + away, len(trace.positions) - 1)]
    middles = trace.positions[frames][:, list(verdict.shown)] + np.array([0.0, 0.0, _LIFT_M])
    return bool(in_picture(setting.camera, middles.reshape(-1, 3), BOTH_SEEN_MARGIN).all())


def _hidden(setting: Setting, trace: Trace, frame: int, verdict: Verdict) -> bool:
    """Whether too little is seen of those concerned: of whoever falls; of either of two vehicles, whether they
    touch or not; otherwise of the one that is seen best."""
    falls = [number for number in verdict.shown if number in trace.limbs]
    if falls:
        last = len(trace.positions) - 1
        frames = [min(max(frame + round(time_s * trace.fps), 0), last) for time_s in STRUCK_S]
        return any(
            float(np.mean([hidden_share(setting, trace, at, number) for at in frames])) > MOST_HIDDEN
            for number in falls
        )
    hidden = {number: hidden_share(setting, trace, frame, number) for number in verdict.shown}
    if _is_averted(verdict):
        return max(hidden.values()) > MOST_HIDDEN_OF_TWO
    if verdict.collision in (None, CollisionType.SINGLE):
        return bool(hidden) and min(hidden.values()) > MOST_HIDDEN
    later = min(frame + round(PARTED_S * trace.fps), len(trace.positions) - 1)
    both = [(share + hidden_share(setting, trace, later, number)) / 2 for number, share in hidden.items()]
    most = MOST_HIDDEN_OF_A_SIDE if verdict.collision is CollisionType.SIDESWIPE else MOST_HIDDEN_OF_OTHER
    return min(hidden.values()) > MOST_HIDDEN or max(both) > most


def _behind_something_tall(trace: Trace, frame: int, eye: Floats, where: Floats) -> bool:
    """Whether a truck, a trailer or a bus, one of those that touch or another, stands before the spot. One sees what
    happens on the far side of a car, but not of these."""
    before = where + SURFACE_M * (eye - where) / float(norm(eye - where))
    tall = (box for box in _boxes(trace, frame) if box.height_m > TALL_M)
    return any(bool(box_hides(box, eye, before[None])[0]) for box in tall)


def _illegible(setting: Setting, trace: Trace, frame: int, number: int) -> str:
    """Why a viewer would not make out who is struck: too small, hidden before, or hidden where they come to lie."""
    if frame < EARLIEST_S * trace.fps:
        return "who is struck is not seen coming"
    x, y, _ = (float(value) for value in trace.positions[frame, number])
    if apparent_share(setting.camera, x, y) < smallest_stature(setting):
        return "who is struck is too small in the picture"
    last = len(trace.positions) - 1
    before = [max(frame - round(time_s * trace.fps), 0) for time_s in BEFORE_S]
    if np.mean([seen_share(setting, trace, at, number) for at in before]) < LEAST_BEFORE:
        return "who is struck is not seen coming"
    after = [min(frame + round(time_s * trace.fps), last) for time_s in AFTER_S]
    if np.mean([seen_share(setting, trace, at, number) for at in after]) < LEAST_AFTER:
        return "who is struck is not seen to fall"
    return ""


def nothing_moves(setting: Setting, run: Run) -> str:
    """Why a clip is no clip: hardly anything moves in its picture. Empty where something does."""
    trace = run.trace
    frames, vehicles = len(trace.positions), trace.vehicles
    points = trace.positions[:, :vehicles] + np.array([0.0, 0.0, _LIFT_M])
    seen = in_picture(setting.camera, points.reshape(-1, 3), 0.0).reshape(frames, vehicles)
    return "" if something_moves(run, seen) else "hardly anything moves in the picture"


def hidden_share(setting: Setting, trace: Trace, frame: int, number: int) -> float:
    """The share of a body's points, low and high, that other vehicles' boxes, buildings or trees hide from the
    camera."""
    return float(_hidden_points(setting, trace, frame, number, _points(trace, frame, number)).mean())


def seen_share(setting: Setting, trace: Trace, frame: int, number: int) -> float:
    """The share of a body's points that are in the picture and that nothing hides."""
    points = _points(trace, frame, number)
    shown = in_picture(setting.camera, points, 0.0) & ~_hidden_points(setting, trace, frame, number, points)
    return float(shown.mean())


def _hidden_points(setting: Setting, trace: Trace, frame: int, number: int, points: Floats) -> NDArray[np.bool_]:
    eye = np.array(setting.camera.position_m)
    hidden = hidden_by_scenery(eye, points, setting.layout)
    for box in _boxes(trace, frame):
        if box.number != number:
            hidden |= box_hides(box, eye, points)
    return hidden


def _points(trace: Trace, frame: int, number: int) -> Floats:
    """Points about a body: of one who has fallen the limbs, and of a two-wheeler the machine too."""
    at = trace.positions[frame, number]
    type_ = trace.actors[number].type
    lying = trace.limbs.get(number)
    if lying is not None and not np.isnan(lying[frame, 0, 0]):
        limbs = lying[frame, :, :3]
        if type_ is ParticipantType.PEDESTRIAN:
            return np.asarray(limbs)
        turn = rotation_matrix(trace.rotations[frame, number])
        ends = [np.array([0.0, end, _MACHINE_MIDDLE_M]) for end in (-_MACHINE_HALF_M, 0.0, _MACHINE_HALF_M)]
        return np.concatenate([limbs, [at + product(turn, end) for end in ends]])
    if type_ is ParticipantType.PEDESTRIAN:
        return np.array([at + np.array([0.0, 0.0, z]) for z in (0.3, 0.9, 1.5)])
    return np.concatenate([_corners(box) for box in _boxes_of(trace, frame, number)])


def _corners(box: Box) -> Floats:
    fx, fy = box.ahead
    found = []
    for along in (-0.42, 0.0, 0.42):
        for across in (-0.42, 0.42):
            u, v = along * box.length_m, across * box.width_m
            for z in (max(box.low_m, 0.3), 0.8 * box.height_m):
                found.append(box.at + np.array([u * fx + v * fy, u * fy - v * fx, z]))
    return np.array(found)


def _boxes(trace: Trace, frame: int) -> list[Box]:
    """Whatever can hide something: vehicles and trailers. One sees through bicycles and motorcycles."""
    numbers = (n for n in range(trace.vehicles) if trace.actors[n].type not in TWO_WHEELERS)
    return [box for number in numbers for box in _occluders(trace, frame, number)]


def _occluders(trace: Trace, frame: int, number: int) -> list[Box]:
    whole, *trailer = _boxes_of(trace, frame, number)
    return [*vehicle_boxes(number, trace.actors[number].type, whole.at, whole.ahead), *trailer]


def _boxes_of(trace: Trace, frame: int, number: int) -> list[Box]:
    body = VEHICLES[trace.actors[number].type]
    fx, fy = (float(value) for value in forward(trace, frame, number))
    at = trace.positions[frame, number]
    found = [Box(number, at, (fx, fy), body.length_m, body.width_m, 0.0, body.height_m)]
    trailer = trace.trailers.get(number)
    if trailer is not None:
        ahead = rotation_matrix(trailer[frame, 3:])[:2, 1]
        ahead = ahead / max(float(norm(ahead)), 1e-9)
        size = TRAILER.length_m, TRAILER.width_m, _TRAILER_FLOOR_M, TRAILER.height_m
        found.append(Box(number, trailer[frame, :3], (float(ahead[0]), float(ahead[1])), *size))
    return found
