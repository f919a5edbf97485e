"""Whether the camera shows what happens: the spot in the picture, not hidden, and the vehicles not gone at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.dimensions import VEHICLES
from its_core.engines.simulator.incidents.outcome.verdicts import Verdict, something_moves
from its_core.engines.simulator.incidents.setting import Setting, in_picture
from its_core.engines.simulator.optics.camera import hidden_by_scenery
from its_core.engines.simulator.portable_math import dot
from its_core.engines.simulator.simulation.run import Run
from its_core.engines.simulator.trace import Trace, forward
from its_core.taxonomy import CollisionType, ParticipantType

Floats = NDArray[np.float64]

MOST_HIDDEN = 0.5  # of the points of a body that others or the scenery hide when it comes to its point
MOST_HIDDEN_OF_A_SIDE = 0.75
FALLEN_S = 0.6  # after its point, whoever falls is seen to fall
STAYS_S = 1.2  # so long after its point, if the clip is, one of those concerned must be in the picture
SCRAPED_STAY_S = 1.7  # what follows a scrape tells it from a close pass
_LIFT_M = 0.7


def unseen(setting: Setting, run: Run, verdict: Verdict) -> str:
    """Why the camera does not show where it happened; empty when it does, or when there is no such place."""
    where, frame = verdict.where_m, verdict.at_frame
    if where is None or frame is None:
        return ""
    camera = setting.camera
    if not in_picture(camera, np.array([where]))[0]:
        x, y, _ = where
        return f"it happened outside the picture, {x:.0f} m east and {y:.0f} m north of the middle"
    if _hidden(setting, run.trace, frame, verdict):
        return "other vehicles, a building or a tree hide it"
    stays_s = SCRAPED_STAY_S if verdict.collision is CollisionType.SIDESWIPE else STAYS_S
    later = min(frame + round(stays_s * run.trace.fps), len(run.trace.positions) - 1)
    middles = run.trace.positions[later, list(verdict.shown)] + np.array([0.0, 0.0, _LIFT_M])
    if verdict.shown and not in_picture(camera, middles, 0.0).any():
        return "those concerned leave the picture at once"
    return ""


def _hidden(setting: Setting, trace: Trace, frame: int, verdict: Verdict) -> bool:
    """Whether too little is seen of those concerned: of whoever falls, then and a moment later; of both vehicles where
    side scrapes along side; otherwise of one."""
    shown = verdict.shown
    hidden = [hidden_share(setting, trace, frame, number) for number in shown]
    falls = [number for number in shown if number in trace.limbs]
    if falls:
        later = min(frame + round(FALLEN_S * trace.fps), len(trace.positions) - 1)
        then = [hidden_share(setting, trace, later, number) for number in falls]
        at_once = [share for share, number in zip(hidden, shown, strict=True) if number in falls]
        return max(at_once) > MOST_HIDDEN or max(then) > MOST_HIDDEN
    if verdict.collision is CollisionType.SIDESWIPE:
        return max(hidden) > MOST_HIDDEN_OF_A_SIDE
    return bool(hidden) and min(hidden) > MOST_HIDDEN


def nothing_moves(setting: Setting, run: Run) -> str:
    """Why a clip is no clip: hardly anything moves in its picture. Empty where something does."""
    trace = run.trace
    frames, vehicles = len(trace.positions), trace.vehicles
    points = trace.positions[:, :vehicles] + np.array([0.0, 0.0, _LIFT_M])
    seen = in_picture(setting.camera, points.reshape(-1, 3), 0.0).reshape(frames, vehicles)
    return "" if something_moves(run, seen) else "hardly anything moves in the picture"


def hidden_share(setting: Setting, trace: Trace, frame: int, number: int) -> float:
    """The share of a body's corners, low and high, that other vehicles' boxes, buildings or trees hide from the
    camera."""
    points = _corners(trace, frame, number)
    eye = np.array(setting.camera.position_m)
    hidden = hidden_by_scenery(eye, points, setting.layout)
    for other in range(trace.vehicles):
        if other != number:
            hidden |= _box_hides(trace, frame, other, eye, points)
    return float(hidden.mean())


def _corners(trace: Trace, frame: int, number: int) -> Floats:
    at = trace.positions[frame, number]
    if trace.actors[number].type is ParticipantType.PEDESTRIAN:
        return np.array([at + np.array([0.0, 0.0, z]) for z in (0.3, 0.9, 1.5)])
    body = VEHICLES[trace.actors[number].type]
    fx, fy = (float(value) for value in forward(trace, frame, number))
    found = []
    for along in (-0.42, 0.0, 0.42):
        for across in (-0.42, 0.42):
            u, v = along * body.length_m, across * body.width_m
            for z in (0.3, 0.8 * body.height_m):
                found.append(at + np.array([u * fx + v * fy, u * fy - v * fx, z]))
    return np.array(found)


def _box_hides(trace: Trace, frame: int, other: int, eye: Floats, points: Floats) -> NDArray[np.bool_]:
    """Which of N points lie behind a vehicle's box, seen from the eye."""
    body = VEHICLES[trace.actors[other].type]
    fx, fy = (float(value) for value in forward(trace, frame, other))
    axes = np.array([[fy, -fx, 0.0], [fx, fy, 0.0], [0.0, 0.0, 1.0]])
    at = trace.positions[frame, other]
    start = dot(axes, eye - at)
    towards = np.stack([dot(axes, point - eye) for point in points])
    low = np.array([-body.width_m / 2, -body.length_m / 2, 0.0])
    high = np.array([body.width_m / 2, body.length_m / 2, body.height_m])
    safe = np.where(np.abs(towards) < 1e-9, 1e-9, towards)
    a, b = (low - start) / safe, (high - start) / safe
    enter, leave = np.minimum(a, b).max(axis=1), np.maximum(a, b).min(axis=1)
    return np.asarray((enter < leave) & (leave > 0.0) & (enter < 0.995))
