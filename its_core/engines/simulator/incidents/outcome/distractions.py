"""What else a viewer would take for a clip's incident: somebody who brakes hard, people who jump, or a cyclist who is
passed closely, elsewhere in the picture. Ordinary traffic has such moments; a clip whose incident is no crash should
not show a more striking one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.incidents.outcome.measures import apart_m
from its_core.engines.simulator.incidents.outcome.verdicts import Verdict
from its_core.engines.simulator.incidents.setting import CAR_M, LOOKED_AT_M, Setting, in_picture
from its_core.engines.simulator.simulation.run import Run
from its_core.taxonomy import IncidentType, ParticipantType

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

HARD_MPS2 = 4.2  # over half a second, on a dry road: no ordinary stop at a line is so hard
FOR_A_TURN_MPS2 = 3.2  # likewise, of those before whom somebody turns
OVER_S = 0.5
STARTLED = 0.4
SMALLER = 0.45  # than the incident: what is smaller still does not compete with it
LEAST_SHARE = 0.02  # of the picture's width, for a car
NEAR_M, BEFORE_S, AFTER_S = 28.0, 1.0, 3.0  # so near the incident, what others do follows from it
# Who passes a cyclist so near, either way, is named close; by how much the faster one is faster, and the cyclist's own
# speed at least. A close pass as an incident leaves 0.6 m at most.
CLOSE_M, FASTER_MPS, CYCLES_MPS = 0.75, 2.0, 3.0
CYCLIST_SHARE = 0.03  # of the picture's width, for a car where the cyclist is
ABOUT_M = 8.0  # between the middles of two who may be so near each other


def more_striking(setting: Setting, run: Run, verdict: Verdict) -> str:
    """Why viewers would name something else than the incident; empty when nothing competes with it."""
    if verdict.where_m is None or verdict.at_frame is None:
        return ""
    trace = run.trace
    frames, count = trace.speeds.shape
    shares = _shares(setting, trace.positions)
    own = float(_shares(setting, np.array([[verdict.where_m]]))[0, 0])
    noticed = shares > max(SMALLER * own, LEAST_SHARE)
    noticed[:, list(verdict.shown)] = False
    follows = _follows_from(run, verdict)
    people = np.arange(count) >= trace.vehicles
    if bool((noticed & ~follows & people & (trace.startle > STARTLED)).any()):
        return "somebody else jumps"
    over = max(round(OVER_S * trace.fps), 1)
    if frames <= over:
        return ""
    loss = (trace.speeds[:-over] - trace.speeds[over:]) * trace.fps / over / min(setting.grip / 0.95, 1.0)
    noticed, follows = (noticed & ~people)[:-over], follows[:-over]
    if bool((noticed & ~follows & (loss > HARD_MPS2)).any()):
        return "somebody else brakes hard"
    makes_brake = setting.scene.incident_type is IncidentType.ILLEGAL_TURN and (loss > FOR_A_TURN_MPS2)
    return "a turn that makes others brake hard is a near miss" if bool((noticed & follows & makes_brake).any()) else ""


def closely_passed(setting: Setting, run: Run, verdict: Verdict) -> str:
    """Why viewers would name a close pass; empty when nobody but those concerned passes a cyclist closely, in either
    direction, where the picture shows the cyclist large enough."""
    trace, speeds = run.trace, run.trace.speeds
    for cyclist in range(trace.vehicles):
        if trace.actors[cyclist].type is not ParticipantType.BICYCLE:
            continue
        seen = _shares(setting, trace.positions[:, [cyclist]])[:, 0] > CYCLIST_SHARE
        for number in range(trace.vehicles):
            if number == cyclist or {number, cyclist} <= set(verdict.shown):
                continue
            off = trace.positions[:, number, :2] - trace.positions[:, cyclist, :2]
            passes = (speeds[:, number] > speeds[:, cyclist] + FASTER_MPS) & (speeds[:, cyclist] > CYCLES_MPS)
            passes &= seen & ((off * off).sum(axis=1) < ABOUT_M * ABOUT_M)
            if bool(passes.any()) and bool((apart_m(trace, number, cyclist)[passes] < CLOSE_M).any()):
                return "a cyclist is passed closely"
    return ""


def _shares(setting: Setting, positions: Floats) -> Floats:
    """F×N: which share of the picture's width a car takes at each place; 0 outside the picture."""
    points = (positions + np.array([0.0, 0.0, LOOKED_AT_M])).reshape(-1, 3)
    camera = setting.camera
    depth = np.maximum(camera.project(points)[:, 2], 1e-6)
    shares = np.where(in_picture(camera, points, 0.0), CAR_M * camera.focal_px / depth / camera.width_px, 0.0)
    return np.asarray(shares.reshape(positions.shape[:2]))


def _follows_from(run: Run, verdict: Verdict) -> Bools:
    """F×N: where and when what somebody does follows from the incident."""
    assert verdict.where_m is not None and verdict.at_frame is not None
    trace = run.trace
    off = trace.positions[..., :2] - np.array(verdict.where_m[:2])
    near = (off * off).sum(axis=-1) < NEAR_M * NEAR_M
    frame = np.arange(len(near))[:, None]
    first, last = verdict.at_frame - BEFORE_S * trace.fps, verdict.at_frame + AFTER_S * trace.fps
    return np.asarray(near & (frame >= first) & (frame <= last))
