"""Glass, plastic and sheet metal that a collision throws about, and where each piece comes to rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator import portable_math as pm
from its_core.engines.simulator.dimensions import TWO_WHEELERS
from its_core.engines.simulator.meshes.materials import MATERIALS, PAINTS, Surface
from its_core.engines.simulator.physics.constants import GRAVITY_MPS2
from its_core.engines.simulator.randomness import normal, rng_of
from its_core.engines.simulator.trace import Trace, TraceContact
from its_core.taxonomy import ParticipantType

Floats = NDArray[np.float64]

_LEAST_MPS = 0.7  # change of velocity from which anything breaks: mirrors and trim, where side scrapes along side
_PIECES_PER_MPS, _MOST_PIECES = 11.0, 110
# Bumper covers, grilles and fender liners: one for so many metres a second, half lengths in metres.
_LARGE_PER_MPS, _MOST_LARGE, _LARGE_M = 0.32, 5, (0.20, 0.45)
_SLIDES_MPS2 = 5.5  # how pieces slow down on asphalt
_FARTHEST_M = 16.0
_GLASS = (0.72, 0.76, 0.78)
_GLINTS, _GLINT = 0.12, 3.0  # share of the glass that mirrors the sky to the camera, and how much brighter it is
_PRIMER = (0.16, 0.155, 0.15)  # the inner side of a piece of bodywork
# What a piece is made of, how often, and half of its greatest length in metres; None: a vehicle's paint.
_KINDS: tuple[tuple[tuple[float, float, float] | None, float, tuple[float, float]], ...] = (
    (_GLASS, 0.54, (0.02, 0.07)),
    (MATERIALS[Surface.TRIM].albedo, 0.10, (0.05, 0.22)),
    (_PRIMER, 0.08, (0.06, 0.22)),
    (None, 0.14, (0.07, 0.27)),
    (MATERIALS[Surface.SIGN_RED].albedo, 0.05, (0.02, 0.07)),
    (MATERIALS[Surface.CONE].albedo, 0.03, (0.02, 0.05)),
    (MATERIALS[Surface.CHROME].albedo, 0.06, (0.03, 0.12)),
)


@dataclass(frozen=True, slots=True)
class Debris:
    """P pieces: ``starts_s``; ``origins`` P×2 metres; ``ways`` P×2 unit vectors along which they fly and slide;
    ``speeds_mps``; ``airborne_s`` until they touch the ground; ``shapes`` P×8: direction, half length and width,
    albedo, taper."""

    starts_s: Floats
    origins: Floats
    ways: Floats
    speeds_mps: Floats
    airborne_s: Floats
    shapes: Floats

    @property
    def rests_s(self) -> Floats:
        """When each has come to rest."""
        return self.starts_s + self.airborne_s + 0.6 * self.speeds_mps / _SLIDES_MPS2

    def at(self, time_s: float, chosen: NDArray[np.int64]) -> Floats:
        """Some of the pieces at a time, K×10 as ``ground_paint.lay_pieces`` takes them."""
        age = np.maximum(time_s - self.starts_s[chosen], 0.0)
        speed, airborne = self.speeds_mps[chosen], self.airborne_s[chosen]
        sliding = 0.6 * speed  # what the first touch of the ground leaves
        slid_s = np.clip(age - airborne, 0.0, sliding / _SLIDES_MPS2)
        away = speed * np.minimum(age, airborne) + sliding * slid_s - 0.5 * _SLIDES_MPS2 * slid_s * slid_s
        places = self.origins[chosen] + np.minimum(away, _FARTHEST_M)[:, None] * self.ways[chosen]
        return np.concatenate([places, self.shapes[chosen]], axis=1)


def debris(trace: Trace) -> Debris:
    """Of all contacts of a trace; the same pieces in every process."""
    rows: list[tuple[float, ...]] = []
    for order, contact in enumerate(trace.contacts):
        rows += _of_contact(trace, contact, order)
    table = np.array(rows).reshape(-1, 15)
    return Debris(table[:, 0], table[:, 1:3], table[:, 3:5], table[:, 5], table[:, 6], table[:, 7:])


def _of_contact(trace: Trace, contact: TraceContact, order: int) -> list[tuple[float, ...]]:
    struck = [number for number in contact.numbers if number < trace.vehicles]
    if not struck:
        return []
    rng = rng_of("debris", order, contact.frame, *contact.numbers, round(1000 * contact.closing_mps))
    blow = max(change for number, change in zip(contact.numbers, contact.delta_v_mps, strict=True) if number in struck)
    count = min(int((blow - _LEAST_MPS) * _PIECES_PER_MPS), _MOST_PIECES)
    large = min(int(blow * _LARGE_PER_MPS), _MOST_LARGE)
    kinds = [trace.actors[number].type for number in contact.numbers]
    if any(kind is ParticipantType.PEDESTRIAN or kind in TWO_WHEELERS for kind in kinds):
        count, large = min(max(int((contact.closing_mps - 3.0) * 2.5), 0), 24), 0
    after = min(contact.frame + 1, len(trace.velocities) - 1)
    found = []
    for number in range(max(count, 0)):
        source = struck[int(rng.integers(len(struck)))]
        carried = float(rng.uniform(0.25, 1.1)) * trace.velocities[after, source, :2]
        wild = 0.7 + 0.22 * blow
        velocity = carried + np.array([normal(rng, 0.0, wild), normal(rng, 0.0, wild)])
        speed = max(float(pm.norm(velocity)), 0.05)
        up, height = float(rng.uniform(0.2, 2.6)), max(contact.point_m[2], 0.3) * float(rng.uniform(0.4, 1.3))
        airborne = (up + float(np.sqrt(up * up + 2.0 * GRAVITY_MPS2 * height))) / GRAVITY_MPS2
        origin = [contact.point_m[axis] + normal(rng, 0.0, 0.25) for axis in range(2)]
        shape = _shape(trace, source, rng) if number >= large else _large_shape(trace, source, rng)
        way = velocity / speed
        found.append((contact.time_s, *origin, float(way[0]), float(way[1]), speed, airborne, *shape))
    return found


def _large_shape(trace: Trace, source: int, rng: np.random.Generator) -> tuple[float, ...]:
    """Of a long piece of bodywork, painted or black."""
    paint = MATERIALS[PAINTS[trace.actors[source].colour]].albedo
    albedo = paint if float(rng.random()) < 0.55 else MATERIALS[Surface.TRIM].albedo
    shade, turn = float(rng.uniform(0.75, 1.2)), float(rng.uniform(0.0, np.pi))
    half = float(rng.uniform(*_LARGE_M))
    wide, taper = half * float(rng.uniform(0.22, 0.5)), float(rng.uniform(0.65, 1.0))
    return (float(pm.cos(turn)), float(pm.sin(turn)), half, wide, *(shade * value for value in albedo), taper)


def _shape(trace: Trace, source: int, rng: np.random.Generator) -> tuple[float, ...]:
    """Direction, half length and width, albedo, taper."""
    draw, number = float(rng.random()), 0
    while number < len(_KINDS) - 1 and draw >= _KINDS[number][1]:
        draw -= _KINDS[number][1]
        number += 1
    albedo, _, (least, most) = _KINDS[number]
    if albedo is None:
        albedo = MATERIALS[PAINTS[trace.actors[source].colour]].albedo
    shade = float(rng.uniform(0.75, 1.35))  # how it lies to the light
    if albedo is _GLASS:
        shade *= _GLINT if float(rng.random()) < _GLINTS else 1.0
    elif float(rng.random()) < 0.3:
        albedo = _PRIMER
    half = least + (most - least) * float(rng.random()) ** 2
    turn = float(rng.uniform(0.0, np.pi))
    wide, taper = half * float(rng.uniform(0.25, 0.95)), float(rng.uniform(0.1, 1.0))
    return (float(pm.cos(turn)), float(pm.sin(turn)), half, wide, *(shade * value for value in albedo), taper)
