"""Vehicles' lamps: the light about those that burn, beams on the road ahead, the flashes of beacons on the ground.

Strengths are those of the exposed picture (1: almost white), whatever the camera's gain: glare belongs to the lens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.compilation import inline, kernel
from its_core.engines.simulator.meshes.lamp_points import HEADLAMPS, LAMPS
from its_core.engines.simulator.meshes.materials import Surface
from its_core.engines.simulator.optics.camera import Camera
from its_core.engines.simulator.optics.lens import bent
from its_core.engines.simulator.randomness import rng_of
from its_core.engines.simulator.rendering.actor_layer import ActorLayer
from its_core.engines.simulator.rendering.actors import CarActor
from its_core.engines.simulator.rendering.compositor import Compositor
from its_core.engines.simulator.rendering.ground_effects import shine_on
from its_core.engines.simulator.rendering.ground_windows import View
from its_core.engines.simulator.rendering.poses import turn_of
from its_core.engines.simulator.rendering.standing import FINE
from its_core.engines.simulator.trace import Trace

F32 = NDArray[np.float32]
Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]

_TILTED = 0.35  # sine of the slope at which a car lies on its side, and lights no road
_ALL_AROUND, _WIDE, _AHEAD = 0.0, 1.0, 2.0  # where a lamp throws its light
_HIDDEN_M = 0.35  # what lies nearer than the lamp by more hides it
# Columns of the table of lamps.
_RGB, _THROW, _NIGHT_HALO, _DAY_HALO, _LEAST_PX, _FAR_SHARE = 0, 3, 4, 5, 6, 7
# Of each lamp that burns: its colour and strength, where it throws its light, the share of it that the lens spreads at
# night and by day, its least radius in pixels of a picture 1280 wide, and the share of its light that it keeps however
# small it is: lamps meant to be noticed from afar keep most.
_SHINING: dict[Surface, tuple[float, ...]] = {
    Surface.HEADLAMP_LIT: (1.5, 1.42, 1.25, _AHEAD, 0.045, 0.0, 1.0, 0.30),
    Surface.TAILLAMP_DIM: (0.70, 0.036, 0.022, _WIDE, 0.025, 0.0, 0.9, 0.45),
    Surface.TAILLAMP_BRAKE: (1.5, 0.08, 0.05, _WIDE, 0.030, 0.020, 1.15, 0.40),
    Surface.INDICATOR_LIT: (1.9, 0.86, 0.05, _WIDE, 0.035, 0.030, 1.4, 0.75),
    Surface.BEACON_BLUE: (0.14, 0.44, 3.4, _ALL_AROUND, 0.050, 0.060, 1.6, 0.85),
    Surface.BEACON_RED: (3.2, 0.16, 0.13, _ALL_AROUND, 0.050, 0.060, 1.6, 0.85),
    Surface.BEACON_AMBER: (2.2, 0.85, 0.04, _ALL_AROUND, 0.045, 0.050, 1.4, 0.80),
}
_CORE = 0.72  # radius of the light of a lamp in its own, beyond which it is below half its strength
# By day a lamp larger than so many of its least radii shows as its own lit glass; light about it would be a ball.
_RESOLVED = 1.8
_WIDENING = 2.2  # radius of the halo in that of the lamp's light
_BEACONS = (Surface.BEACON_BLUE, Surface.BEACON_RED)
_MIRRORED = 0.3  # strength from which wet ground mirrors a lamp
_FLASH_M = 7.0  # how far beacons light the ground at night
_FLASH = 0.10  # what the exposed picture of white ground gains beside one


def _table() -> Floats:
    table = np.zeros((256, 8))
    for surface, row in _SHINING.items():
        table[surface] = row
    return table


_LAMP_TABLE = _table()


@dataclass(frozen=True, slots=True)
class Lens:
    """How the lens of a camera spreads light: ``spread`` scales the width of halos, ``strength`` how bright they are;
    ``scale`` pixels of this picture to one of 1280."""

    spread: float
    strength: float
    scale: float

    @classmethod
    def of(cls, camera: Camera) -> Lens:
        rng = rng_of("glare", camera.camera_id)
        return cls(float(rng.uniform(0.7, 1.6)), float(rng.uniform(0.6, 1.5)), camera.width_px / 1280.0)


class VehicleLamps:
    """The lamps of one clip's vehicles in one view."""

    def __init__(self, cars: Sequence[CarActor], trace: Trace, camera: Camera, evening: bool, exposure: float) -> None:
        """``evening``: headlamps burn and throw beams; ``exposure``: by how much the camera multiplies light."""
        self._cars, self._trace, self._camera, self._evening = cars, trace, camera, evening
        self._lens, self._exposure = Lens.of(camera), exposure
        self._numbers = [car.number for car in cars]
        self._owners = np.array(self._numbers, np.int64)
        self._brightness = np.array([0.65 + 0.7 * ((37 * car.actor.look) % 64) / 63.0 for car in cars])
        self._view = View.of(camera)
        self._emergency = [index for index, car in enumerate(cars) if car.actor.emergency]

    def shine(self, frame: int, compositor: Compositor, layer: ActorLayer) -> Floats:
        """Adds the light of a frame's lamps. Returns N×3: of each actor of the trace, where headlamps shine on it from,
        as long as they are strong; nobody's by day."""
        trace = self._trace
        shone = np.zeros((len(trace.actors) if self._evening else 0, 3))
        if not self._cars:
            return shone
        states = np.array([car.lamp_states(frame) for car in self._cars], np.uint8)
        if not self._evening and not _LAMP_TABLE[states, _RGB].any():
            return shone
        points = [car.lamps(frame) for car in self._cars]
        lamps, beams = _placed(
            np.stack([each.middles for each in points]), trace.rotations[frame, self._numbers],
            trace.positions[frame, self._numbers], np.array(self._camera.position_m), self._camera.rotation, self._view,
        )  # fmt: skip
        self._halos(np.stack([each.halves for each in points]), lamps, states, compositor, layer)
        if not self._evening:
            return shone
        self._flashes(lamps, states, compositor)
        burning = states[:, list(HEADLAMPS)] == Surface.HEADLAMP_LIT
        beams[:, 4] = 0.5 * burning.sum(axis=1)
        throwing = beams[(beams[:, 4] > 0.0) & (np.abs(beams[:, 5]) <= _TILTED)][:, :5]
        compositor.light_ground(throwing)
        shine_on(throwing, trace.positions[frame], shone)
        return shone

    def _halos(self, halves: Floats, lamps: Floats, states: Bytes, compositor: Compositor, layer: ActorLayer) -> None:
        lens, camera = self._lens, self._camera
        shown = _visible(
            lamps, states, halves, self._brightness, _LAMP_TABLE, camera.focal_px, layer.seen.nearness, lens.scale,
            not self._evening,
        )  # fmt: skip
        burning = np.argwhere(shown[..., 1] > 0.02)
        if not len(burning):
            return
        car, lamp = burning.T
        rows = _LAMP_TABLE[states[car, lamp]]
        radius_px, strength = shown[car, lamp].T
        glows = np.empty((len(burning), 8))
        glows[:, :2], glows[:, 2] = lamps[car, lamp, :2], radius_px
        glows[:, 3:6] = (strength / self._exposure)[:, None] * rows[:, _RGB : _RGB + 3]
        glows[:, 6] = lens.spread * (_WIDENING * radius_px + 1.2 * lens.scale)
        glows[:, 7] = lens.strength * rows[:, _NIGHT_HALO if self._evening else _DAY_HALO]
        compositor.add_glows(glows)
        if self._evening and compositor.is_wet:
            bright = strength * rows[:, _RGB : _RGB + 3].max(axis=1) > _MIRRORED
            mirrored = glows[bright]
            compositor.add_mirrored_lamps(
                np.concatenate([lamps[car, lamp, 4:][bright], mirrored[:, 2:3], 0.6 * mirrored[:, 3:6]], axis=1)
            )

    def _flashes(self, lamps: Floats, states: Bytes, compositor: Compositor) -> None:
        """Beacons colour the ground about them."""
        for car in self._emergency:
            for lamp in range(len(LAMPS)):
                surface = int(states[car, lamp])
                if surface in _BEACONS and not np.isnan(lamps[car, lamp, 4]):
                    row = _LAMP_TABLE[surface]
                    x, y = lamps[car, lamp, 4:6].tolist()
                    compositor.flash_ground(x, y, _FLASH_M, _FLASH / self._exposure * row[_RGB : _RGB + 3])


@kernel
def _placed(
    middles: Floats, rotations: Floats, places: Floats, eye: Floats, rotation: Floats, view: View
) -> tuple[Floats, Floats]:
    """Of C cars' lamps (middles C×L×3 in the body's frame): C×L×7 with column, row and depth, how much the lamp faces
    the camera (cosine), and its place in the world; and C×6, the dipped beams: from where, which way, a strength of 0,
    and how much they point upwards."""
    cars, count = middles.shape[0], middles.shape[1]
    found, beams = np.empty((cars, count, 7)), np.zeros((cars, 6))
    points = np.empty((count, 3))
    for car in range(cars):
        turn = turn_of(rotations[car])
        for lamp in range(count):
            a, b, c = middles[car, lamp, 0], middles[car, lamp, 1], middles[car, lamp, 2]
            for axis in range(3):
                place = turn[axis, 0] * a + turn[axis, 1] * b + turn[axis, 2] * c + places[car, axis]
                points[lamp, axis] = place
                found[car, lamp, 4 + axis] = place
        seen = bent(points, eye, rotation, view.k1, view.k2, view.bend_edge)
        for lamp in range(count):
            depth = seen[lamp, 2]
            scale = view.focal_px / (depth if abs(depth) >= 1e-9 else 1e-9)
            found[car, lamp, 0] = seen[lamp, 0] * scale + view.centre_x
            found[car, lamp, 1] = seen[lamp, 1] * scale + view.centre_y
            found[car, lamp, 2] = depth
            side = 1.0 if middles[car, lamp, 1] > 0.0 else -1.0
            x, y, z = eye[0] - points[lamp, 0], eye[1] - points[lamp, 1], eye[2] - points[lamp, 2]
            towards = x * (side * turn[0, 1]) + y * (side * turn[1, 1]) + z * (side * turn[2, 1])
            found[car, lamp, 3] = towards / np.sqrt(x * x + y * y + z * z)
        side = 1.0 if middles[car, 0, 1] > 0.0 else -1.0
        x, y = side * turn[0, 1], side * turn[1, 1]
        length = max(np.sqrt(x * x + y * y), 1e-6)
        beams[car, 0], beams[car, 1] = (points[0, 0] + points[1, 0]) / 2, (points[0, 1] + points[1, 1]) / 2
        beams[car, 2], beams[car, 3], beams[car, 5] = x / length, y / length, side * turn[2, 1]
    return found, beams


@inline
def _lobe(facing: float, throw: float) -> float:
    """How much of a lamp's light goes where it is seen from."""
    if throw == 0.0:
        return 1.0
    if facing <= 0.03:
        return 0.0
    if throw == 1.0:
        return min(1.0, 0.35 + facing)
    return 0.10 + 0.90 * facing * facing * facing


@kernel
def _visible(
    lamps: Floats, states: Bytes, halves: Floats, brightness: Floats, table: Floats, focal: float, nearness: F32,
    scale: float, day: bool,
) -> Floats:  # fmt: skip
    """C×L×2: the radius in pixels and the strength of each lamp's light, 0 for those that are off, hidden, turned away
    or outside the picture. ``nearness`` of all that shows, two samples a pixel along each axis. ``day``: large lamps
    hardly shine beyond their glass."""
    cars, count = states.shape
    shown = np.zeros((cars, count, 2))
    height, width = nearness.shape
    for car in range(cars):
        for lamp in range(count):
            surface = states[car, lamp]
            x, y, depth = lamps[car, lamp, 0], lamps[car, lamp, 1], lamps[car, lamp, 2]
            if table[surface, 0] <= 0.0 or not depth >= 2.0:
                continue
            if x < 0.0 or y < 0.0 or FINE * x >= width or FINE * y >= height:
                continue
            strength = _lobe(lamps[car, lamp, 3], table[surface, 3]) * brightness[car]
            if strength <= 0.02:
                continue
            half = halves[car, lamp] * focal / depth
            limit = 1.0 / max(depth - _HIDDEN_M, 0.1)
            free = 0
            for down in range(-1, 2):
                for aside in range(-1, 2):
                    row = min(max(int(FINE * (y + 0.6 * half * down)), 0), height - 1)
                    column = min(max(int(FINE * (x + 0.6 * half * aside)), 0), width - 1)
                    if nearness[row, column] <= limit:
                        free += 1
            radius = max(_CORE * half, table[surface, 6] * scale)
            kept = table[surface, 7]
            size = min(1.0, kept + (1.0 - kept) * half / radius)
            if day:
                size *= min(1.0, (_RESOLVED * table[surface, 6] * scale / radius) ** 2)
            shown[car, lamp, 0], shown[car, lamp, 1] = radius, strength * size * free / 9.0
    return shown
