"""How people walk: along a path, waiting at kerbs, and jumping out of the way of a car that does not stop."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from its_core.engines.simulator import portable_math as pm
from its_core.engines.simulator.dimensions import PEDESTRIAN_RADIUS_M
from its_core.engines.simulator.physics.world import Walking
from its_core.engines.simulator.roads.paths import Floats, Path, Point
from its_core.engines.simulator.traffic.perception import Surroundings

STEP_M = 0.72  # a step; two of them make a stride
STARTLED_S = 1.2  # people jump when a car would reach them sooner than this
JUMP_MPS = 2.5
JUMP_S = 0.42
RECOVER_S = 1.6
SIDE_ROOM_M = 0.25


@dataclass(frozen=True, slots=True)
class Walk:
    """A way to go: ``speed_mps`` along ``points``, waiting at arc length ``waits_at_m`` until ``starts_s``."""

    points: tuple[Point, ...]
    speed_mps: float
    waits_at_m: float = 0.0
    starts_s: float = -math.inf
    s_m: float = 0.0  # where on the path the person is at frame 0


class Walker:
    """Walks one pedestrian. ``startle`` is 0 to 1, ``stride_rad`` the walking phase, ``heading_rad`` counter-
    clockwise from north."""

    def __init__(self, body: Walking, walk: Walk) -> None:
        self.body = body
        self.walk = walk
        self.path = Path(walk.points)
        self.s_m = walk.s_m
        self.stride_rad = float(body.number) * 1.7
        self.startle = 0.0
        self._pace = 0.0 if self._waiting(0.0) else walk.speed_mps
        self._startled_s = -math.inf
        self._retreat = np.zeros(2)
        forward = self.path.direction(self.s_m)
        self.heading_rad = pm.atan2(-forward[0], forward[1])

    def control(self, around: Surroundings, step_s: float) -> None:
        """Sets the pedestrian's velocity for the next ``step_s`` seconds."""
        if self.body.fallen:
            self.startle = 0.0
            return
        here = around.positions[self.body.number]
        since = around.time_s - self._startled_s
        if since > RECOVER_S:
            self._look_out(around)
            since = around.time_s - self._startled_s
        if since < RECOVER_S:
            velocity = self._jump(since)
            self.startle = (
                min(1.0, since / 0.12) if since < JUMP_S + 0.3 else max(0.0, 1.0 - (since - JUMP_S - 0.3) / 0.7)
            )
        else:
            self.startle = 0.0
            velocity = self._stroll(here, around.time_s, step_s)
        self.stride_rad += float(pm.norm(velocity)) * step_s / STEP_M * math.pi
        self.body.walk(velocity)

    def _waiting(self, time_s: float) -> bool:
        return self.s_m >= self.walk.waits_at_m > self.walk.s_m - 0.01 and time_s < self.walk.starts_s

    def _stroll(self, here: Floats, time_s: float, step_s: float) -> Floats:
        self.s_m = float(self.path.project(here[None], self.s_m - 3.0, self.s_m + 3.0)[0][0])
        standing = self._waiting(time_s) or self.s_m > self.path.length_m - 0.2 or time_s < self._startled_s + 60.0
        wish = 0.0 if standing else self.walk.speed_mps
        self._pace += (wish - self._pace) * min(1.0, step_s / 0.25)
        to = self.path.at(self.s_m + 0.6) - here
        forward = to / max(float(pm.norm(to)), 1e-6)
        if self._pace > 0.2:
            self._turn(pm.atan2(-forward[0], forward[1]), step_s)
        return np.asarray(forward * self._pace)

    def _turn(self, wish_rad: float, step_s: float) -> None:
        difference = (wish_rad - self.heading_rad + math.pi) % (2 * math.pi) - math.pi
        self.heading_rad += difference * min(1.0, step_s / 0.2)

    def _look_out(self, around: Surroundings) -> None:
        """Jumps when a car is about to reach this person."""
        found = around.threat(self.body.number, STARTLED_S)
        if found is None:
            return
        self._startled_s = around.time_s
        self._retreat = found

    def _jump(self, since: float) -> Floats:
        """A moment of shock, then backwards out of the way, slowing down."""
        if since < 0.12:
            return np.zeros(2)
        if since < JUMP_S:
            return np.asarray(self._retreat * JUMP_MPS)
        return np.asarray(self._retreat * JUMP_MPS * pm.exp(-(since - JUMP_S) / 0.14))


def clear_of(half_width_m: float) -> float:
    """The distance from a car's middle line beyond which it passes a person by."""
    return half_width_m + PEDESTRIAN_RADIUS_M + SIDE_ROOM_M
