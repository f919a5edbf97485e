"""From the touches of single ticks to the contacts and dents of a clip."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from its_core.engines.simulator import portable_math as pm
from its_core.engines.simulator.physics.world import TICKS_HZ, Touch, Vehicle, Walking
from its_core.engines.simulator.roads.paths import Floats
from its_core.engines.simulator.trace import Dent, TraceContact

PARTED_S = 0.12  # bodies that have not touched for so long begin a new contact when they do
BLOW_S = 0.1  # the blow of a contact: what is exchanged within this time dents the bodywork
MIN_BLOW_MPS = 1.2  # a change of speed below this leaves no mark
CRUSH_M_PER_MPS = 0.02  # a barrier test at 15 m/s crushes a front by some 0.5 m; two cars share the depth
DEEPEST_M = 0.42


@dataclass(slots=True)
class Episode:
    """One stretch of touching. ``local`` holds, for each of the two, impulse-weighted sums of point and inward
    direction."""

    first: int
    second: int | None
    start_tick: int
    last_tick: int
    point_m: Floats  # of the first touch
    impulse_ns: float = 0.0
    blow_ns: float = 0.0
    local: dict[int, Floats] = field(default_factory=dict)

    @property
    def time_s(self) -> float:
        return self.start_tick / TICKS_HZ


class ContactLog:
    """Collects touches tick by tick. Bodies are given in the order of their numbers."""

    def __init__(self, bodies: Sequence[Vehicle | Walking]) -> None:
        self._bodies = bodies
        self.episodes: list[Episode] = []
        self._open: dict[tuple[int, int | None], Episode] = {}

    def add(self, tick: int, touch: Touch) -> None:
        key = (touch.first, touch.second)
        episode = self._open.get(key)
        if episode is None or tick - episode.last_tick > PARTED_S * TICKS_HZ:
            episode = Episode(touch.first, touch.second, tick, tick, touch.point_m)
            self._open[key] = episode
            self.episodes.append(episode)
        episode.last_tick = tick
        episode.impulse_ns += touch.impulse_ns
        if tick - episode.start_tick <= BLOW_S * TICKS_HZ:
            episode.blow_ns += touch.impulse_ns
            for number, inward in ((touch.first, touch.normal), (touch.second, -touch.normal)):
                if number is not None:
                    seen = self._in_body(number, touch.point_m, inward) * touch.impulse_ns
                    episode.local[number] = episode.local.get(number, np.zeros(6)) + seen

    def contacts(self, fps: int) -> tuple[TraceContact, ...]:
        """First touches of actors with each other, in order of time; impulses of the whole clip summed by pair."""
        found: dict[tuple[int, int], TraceContact] = {}
        for episode in self.episodes:
            if episode.second is None:
                continue
            first, second = sorted((episode.first + 1, episode.second + 1))
            known = found.get((first, second))
            total = episode.impulse_ns + (known.impulse_ns if known else 0.0)
            start = known or episode
            x, y, z = (float(value) for value in start.point_m)
            found[first, second] = TraceContact(
                start.time_s, math.ceil(start.time_s * fps - 1e-9), (first, second), (x, y, z), total
            )
        return tuple(found.values())

    def dents(self, fps: int) -> tuple[Dent, ...]:
        found: list[Dent] = []
        for episode in self.episodes:
            masses = [_mass_kg(self._bodies[n]) for n in (episode.first, episode.second) if n is not None]
            reduced_kg = 1.0 / sum(1.0 / mass for mass in masses)
            blow_mps = episode.blow_ns / reduced_kg
            for number, sums in episode.local.items():
                if blow_mps < MIN_BLOW_MPS or not isinstance(self._bodies[number], Vehicle):
                    continue
                point, inward = sums[:3] / episode.blow_ns, sums[3:]
                inward = inward / max(float(pm.norm(inward)), 1e-9)
                depth = min(CRUSH_M_PER_MPS * (blow_mps - 0.6), DEEPEST_M)
                found.append(
                    Dent(
                        frame=math.ceil(episode.time_s * fps - 1e-9),
                        track_id=number + 1,
                        point_m=(float(point[0]), float(point[1]), float(point[2])),
                        direction=(float(inward[0]), float(inward[1]), float(inward[2])),
                        depth_m=depth,
                        radius_m=min(0.5 + 1.4 * depth, 1.05),
                    )
                )
        return tuple(found)

    def _in_body(self, number: int, point: Floats, direction: Floats) -> Floats:
        """Point and direction, six numbers, in a body's own frame."""
        body = self._bodies[number]
        into = rotation_matrix(body.rotation).T
        return np.concatenate([pm.product(into, point - body.position), pm.product(into, direction)])


def rotation_matrix(quaternion: Floats) -> Floats:
    """3×3, body to world, of a quaternion (w, x, y, z)."""
    w, x, y, z = quaternion
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def _mass_kg(body: Vehicle | Walking) -> float:
    return float(body.node.getMass())
