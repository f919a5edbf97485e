"""From the touches of single ticks to the contacts and dents of a clip."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator import portable_math as pm
from its_core.engines.simulator.physics.constants import TICKS_HZ
from its_core.engines.simulator.physics.person import TwoWheeler, Walking
from its_core.engines.simulator.physics.surroundings import POSTS
from its_core.engines.simulator.physics.vehicle import Vehicle
from its_core.engines.simulator.physics.world import Body, Touch
from its_core.engines.simulator.trace import Dent, TraceContact

Floats = NDArray[np.float64]

PARTED_S = 0.12  # bodies that have not touched for so long begin a new contact when they do
BLOW_S = 0.1  # the blow of a contact: what is exchanged within this time dents the bodywork
SETTLED_S = 0.15  # after the blow the velocities are read that it has left
MIN_BLOW_MPS = 1.0  # a change of speed below this leaves no mark
# Crush rises with the change of speed: tests against a rigid barrier crush fronts by about 0.5 m at 15 m/s, the two
# vehicles of a crash share the depth (CRASH3 stiffness classes; NHTSA).
CRUSH_M_PER_MPS = 0.034
DEEPEST_M = 0.72
HEAVY_KG, HEAVY_SHARE = 5000.0, 0.35
SOFT_SHARE = 0.25  # of the depth, where somebody on foot or on two wheels is struck
# What does not give way leaves the whole crush to the vehicle, a post over a small part of its width.
WALL_SHARE, POST_SHARE = 1.2, 1.55
NARROW_DENT_M, WIDE_DENT_M = (0.38, 0.68), (0.62, 1.2)  # radii: of the shallowest and the deepest


@dataclass(slots=True)
class Episode:
    """One stretch of touching. ``local`` holds, for each of the two, impulse-weighted sums of point and inward
    direction; ``before`` and ``after`` the velocities that the blow found and left; ``apart_mps`` how fast the two were
    closing along the line between them. ``yields``: the thing gave way at the first touch, which is the whole blow."""

    first: int
    second: int | None
    thing: str | None
    start_tick: int
    last_tick: int
    point_m: Floats  # of the first touch
    normal: Floats
    before: dict[int, Floats]
    impulse_ns: float = 0.0
    blow_ns: float = 0.0
    yields: bool = False
    local: dict[int, Floats] = field(default_factory=dict)
    after: dict[int, Floats] = field(default_factory=dict)

    @property
    def time_s(self) -> float:
        return self.start_tick / TICKS_HZ

    @property
    def numbers(self) -> tuple[int, ...]:
        return (self.first,) if self.second is None else (self.first, self.second)

    def delta_v_mps(self, number: int) -> float:
        after = self.after.get(number)
        return 0.0 if after is None else float(pm.norm((after - self.before[number])[:2]))

    def give_way(self, blow_ns: float, so_far: float) -> None:
        """The thing yields at the first touch: the blow is this one, of which a share has been exchanged by now."""
        scale = blow_ns / self.blow_ns
        self.yields, self.blow_ns = True, blow_ns
        self.impulse_ns = so_far * blow_ns
        self.local = {number: scale * sums for number, sums in self.local.items()}

    @property
    def closing_mps(self) -> float:
        other = self.before[self.second] if self.second is not None else np.zeros(3)
        return float(pm.norm((self.before[self.first] - other)[:2]))


class ContactLog:
    """Collects touches tick by tick. Bodies are given in the order of their numbers."""

    def __init__(self, bodies: Sequence[Body]) -> None:
        self._bodies = bodies
        self.episodes: list[Episode] = []
        self._open: dict[tuple[int, int | None, str | None], Episode] = {}
        self._settling: list[Episode] = []

    def add(self, tick: int, touch: Touch, before: Mapping[int, Floats]) -> Episode:
        key = (touch.first, touch.second, touch.thing)
        episode = self._open.get(key)
        if episode is None or tick - episode.last_tick > PARTED_S * TICKS_HZ:
            found = {n: before[n].copy() for n in (touch.first, touch.second) if n is not None}
            episode = Episode(touch.first, touch.second, touch.thing, tick, tick, touch.point_m, touch.normal, found)
            self._open[key] = episode
            self.episodes.append(episode)
            self._settling.append(episode)
        episode.last_tick = tick
        episode.impulse_ns += touch.impulse_ns
        if tick - episode.start_tick <= BLOW_S * TICKS_HZ and not episode.yields:
            episode.blow_ns += touch.impulse_ns
            for number, inward in ((touch.first, touch.normal), (touch.second, -touch.normal)):
                if number is not None:
                    seen = self._in_body(number, touch.point_m, inward) * touch.impulse_ns
                    episode.local[number] = episode.local.get(number, np.zeros(6)) + seen
        return episode

    def settle(self, tick: int) -> None:
        """Reads the velocities that blows have left."""
        for episode in [each for each in self._settling if tick - each.start_tick >= SETTLED_S * TICKS_HZ]:
            for number in episode.numbers:
                episode.after[number] = velocity_of(self._bodies[number])
            self._settling.remove(episode)

    def contacts(self, fps: int) -> tuple[TraceContact, ...]:
        """First touches of actors with each other and with things, in order of time; impulses of the whole clip summed
        by pair."""
        found: dict[tuple[tuple[int, ...], str | None], TraceContact] = {}
        for episode in self.episodes:
            numbers = tuple(sorted(episode.numbers))
            key = (numbers, episode.thing)
            known = found.get(key)
            total = episode.impulse_ns + (known.impulse_ns if known else 0.0)
            sign = 1.0 if numbers[0] == episode.first else -1.0
            delta = tuple(episode.delta_v_mps(number) for number in numbers)
            if known is None:
                found[key] = TraceContact(
                    episode.time_s, math.ceil(episode.time_s * fps - 1e-9), numbers, episode.thing,
                    _three(episode.point_m), _three(sign * episode.normal), total, episode.closing_mps, delta,
                )  # fmt: skip
            else:
                most = tuple(max(a, b) for a, b in zip(known.delta_v_mps, delta, strict=True))
                found[key] = TraceContact(
                    known.time_s, known.frame, numbers, known.thing, known.point_m, known.normal, total,
                    known.closing_mps, most,
                )  # fmt: skip
        return tuple(found.values())

    def dents(self, fps: int) -> tuple[Dent, ...]:
        found: list[Dent] = []
        for episode in self.episodes:
            blow_mps = episode.blow_ns * sum(self._yields(episode, number) for number in episode.numbers)
            for number in episode.local:
                if blow_mps >= MIN_BLOW_MPS and isinstance(self._bodies[number], Vehicle):
                    found.append(self._dent(episode, number, blow_mps, fps))
        return tuple(found)

    def _yields(self, episode: Episode, number: int) -> float:
        """What an impulse of the blow does to the speed at the struck point, per newton second: a body that is struck
        off its middle turns, and seems lighter."""
        body = self._bodies[number]
        yields = 1.0 / _mass_kg(body)
        if isinstance(body, Vehicle) and body.trailer is None:
            point, inward = _blow(episode, number)
            lever_m = float(point[0] * inward[1] - point[1] * inward[0])
            yields += lever_m * lever_m / body.chassis.yaw_inertia
        return yields

    def _dent(self, episode: Episode, number: int, blow_mps: float, fps: int) -> Dent:
        body = self._bodies[number]
        assert isinstance(body, Vehicle)
        point, inward = _blow(episode, number)
        other = next((self._bodies[n] for n in episode.numbers if n != number), None)
        # Trucks give less than what runs into them.
        share = HEAVY_SHARE if body.chassis.mass_kg > HEAVY_KG else 1.0
        if isinstance(other, Walking | TwoWheeler):
            share *= SOFT_SHARE
        if episode.thing in POSTS:
            share *= POST_SHARE
        elif episode.thing is not None:
            share *= WALL_SHARE
        depth_m = min(CRUSH_M_PER_MPS * (blow_mps - 0.5) * share, DEEPEST_M)
        narrow = episode.thing in POSTS or isinstance(other, Walking | TwoWheeler)
        low_m, most_m = NARROW_DENT_M if narrow else WIDE_DENT_M
        return Dent(
            frame=math.ceil(episode.time_s * fps - 1e-9),
            number=number,
            point_m=_three(point),
            direction=_three(inward),
            depth_m=max(depth_m, 0.01),
            radius_m=min(low_m + 1.35 * depth_m, most_m),
            trailer=body.trailer is not None and point[1] < -0.5 * body.body.length_m - 0.5,
        )

    def _in_body(self, number: int, point: Floats, direction: Floats) -> Floats:
        """Point and direction, six numbers, in a body's own frame."""
        body = self._bodies[number]
        part = body.chassis if isinstance(body, Vehicle) else body
        into = rotation_matrix(part.rotation).T
        return np.concatenate([pm.product(into, point - part.position), pm.product(into, direction)])


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


def velocity_of(body: Body) -> Floats:
    return body.chassis.velocity if isinstance(body, Vehicle) else body.velocity


def _blow(episode: Episode, number: int) -> tuple[Floats, Floats]:
    """Where a body was struck and the unit vector along which, in its own frame."""
    sums = episode.local[number]
    return sums[:3] / episode.blow_ns, sums[3:] / max(float(pm.norm(sums[3:])), 1e-9)


def _mass_kg(body: Body) -> float:
    if isinstance(body, Vehicle):
        return sum(part.mass_kg for part in body.parts)
    return body.mass_kg


def _three(values: Floats) -> tuple[float, float, float]:
    return float(values[0]), float(values[1]), float(values[2])
