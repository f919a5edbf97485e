"""How vehicles part after a blow. Bullet loses most of the restitution that it is given, because it slows bodies down
before they touch, so it is given none; the impulse that parts them is a share of the one that stopped them (Poisson's
hypothesis)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from panda3d.core import Point3, Vec3

from its_core.engines.simulator.physics.contacts import Episode
from its_core.engines.simulator.physics.vehicle import Vehicle
from its_core.engines.simulator.physics.world import Body

Floats = NDArray[np.float64]

AFTER_TICKS = 4  # from the first touch: by then they have stopped closing
THING_BOUNCE = 0.4  # of what stands


class Rebounds:
    """``bounces`` of each body: the product of two is the share of the closing speed with which they part."""

    def __init__(self, bodies: Sequence[Body], bounces: Sequence[float]) -> None:
        self._bodies, self._bounces = bodies, bounces
        self._due: list[Episode] = []
        self._known: set[int] = set()

    def begun(self, episode: Episode) -> None:
        if id(episode) not in self._known:
            self._known.add(id(episode))
            self._due.append(episode)

    def tick(self, tick: int) -> None:
        """Parts those who have touched a moment ago."""
        for episode in [each for each in self._due if tick - each.start_tick >= AFTER_TICKS]:
            self._due.remove(episode)
            self._part(episode)

    def _part(self, episode: Episode) -> None:
        numbers = episode.numbers
        if any(not isinstance(self._bodies[number], Vehicle) for number in numbers):
            return  # people and two-wheelers are let go of instead
        other = self._bounces[numbers[1]] if len(numbers) == 2 else THING_BOUNCE
        push = self._bounces[numbers[0]] * other * episode.blow_ns
        for number, sign in zip(numbers, (1.0, -1.0), strict=False):
            body = self._bodies[number]
            assert isinstance(body, Vehicle)
            if body.trailer is not None:
                continue  # too heavy to jump back
            chassis = body.chassis
            lever = episode.point_m - np.array(chassis.path.getPos())
            nx, ny = (float(sign * push * value) for value in episode.normal[:2])
            chassis.node.applyImpulse(Vec3(nx, ny, 0.0), Point3(float(lever[0]), float(lever[1]), 0.0))
