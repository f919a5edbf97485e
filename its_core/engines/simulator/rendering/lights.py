"""Lamps that burn in a frame: traffic signals, and cars' lamps at dusk with their light on the road."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.compilation import kernel
from its_core.engines.simulator.meshes.materials import Surface
from its_core.engines.simulator.meshes.street_furniture import LENS_RADIUS_M, signal_lens
from its_core.engines.simulator.optics.camera import Camera
from its_core.engines.simulator.optics.lens import bent
from its_core.engines.simulator.portable_math import cos, dot, norm, sin
from its_core.engines.simulator.rendering.actor_layer import ActorLayer, Drawn
from its_core.engines.simulator.rendering.actors import LAMPS, CarActor, Cast
from its_core.engines.simulator.rendering.compositor import Compositor
from its_core.engines.simulator.rendering.ground_effects import shine_on
from its_core.engines.simulator.rendering.ground_windows import View
from its_core.engines.simulator.rendering.poses import turn_of
from its_core.engines.simulator.rendering.standing import FINE
from its_core.engines.simulator.roads.layouts import Layout, SignalHead
from its_core.engines.simulator.trace import Trace

Frame = NDArray[np.uint8]
Floats = NDArray[np.float64]

_TILTED = 0.35  # sine of the slope at which a car lies on its side, and lights no road

_SIGNAL_RGB = ((0.08, 1.7, 1.0), (2.0, 1.05, 0.06), (2.2, 0.10, 0.05))
_CAR_RGB = {
    Surface.HEADLAMP_LIT: (0.95, 0.90, 0.78),
    Surface.TAILLAMP_DIM: (0.22, 0.012, 0.008),
    Surface.TAILLAMP_BRAKE: (0.42, 0.022, 0.014),
    Surface.INDICATOR_LIT: (0.7, 0.28, 0.02),
}


class Signals:
    """The lamps of a layout's signals in one fixed view."""

    def __init__(self, layout: Layout, camera: Camera, standing: Frame, evening: bool) -> None:
        """``standing`` 2H×2W: what the scenery is made of where it shows."""
        self._evening = evening
        self._seen = [[_visible(head, lamp, camera, standing) for lamp in range(3)] for head in layout.signals]

    def shine(self, aspects: NDArray[np.int8], compositor: Compositor, covered: NDArray[np.int32]) -> None:
        """Lights each head's burning lamp, unless an actor stands before it (``covered``: the actors' triangles at the
        frame's samples)."""
        for lamps, aspect in zip(self._seen, aspects.tolist(), strict=True):
            found = lamps[aspect]
            if found is None:
                continue
            x, y, radius, strength, place = found
            if covered[int(FINE * y), int(FINE * x)] >= 0:
                continue
            red, green, blue = (strength * value for value in _SIGNAL_RGB[aspect])
            compositor.add_glow(x, y, radius, (red, green, blue))
            compositor.add_mirrored_lamp(place, radius, (red, green, blue))
            halo = 0.10 if self._evening else 0.025
            compositor.add_glow(x, y, 3.2 * radius + 1.0, (halo * red, halo * green, halo * blue))


def _visible(
    head: SignalHead, lamp: int, camera: Camera, standing: Frame
) -> tuple[float, float, float, float, NDArray[np.float64]] | None:
    """Where a lamp shows (pixels), how large and how strong, and its place; None when it is turned away, hidden or
    out of frame."""
    place = np.array(signal_lens(head, lamp))
    x, y, depth = (float(value) for value in camera.project(place[None])[0])
    if depth < 1.0 or not (0 <= x < camera.width_px and 0 <= y < camera.height_px):
        return None
    turn = math.radians(head.facing_deg)
    to_eye = np.array(camera.position_m) - place
    facing = float(dot(to_eye[:2], np.array([-sin(turn), cos(turn)]))) / float(norm(to_eye))
    if facing < 0.15:
        return None
    surface = int(standing[int(FINE * y), int(FINE * x)])
    lenses = {int(Surface.LENS_RED), int(Surface.LENS_AMBER), int(Surface.LENS_GREEN), int(Surface.HOUSING)}
    if surface not in lenses:
        return None
    radius = max(0.62 * LENS_RADIUS_M * camera.focal_px / depth, 0.62)
    true_size = LENS_RADIUS_M * camera.focal_px / depth
    strength = min(1.0, (true_size / radius) ** 2 + 0.25) * min(1.0, 0.4 + facing)
    return x, y, radius, strength, place


def head_lights(
    cars: Sequence[CarActor],
    frame: int,
    trace: Trace,
    camera: Camera,
    compositor: Compositor,
    layer: ActorLayer,
    actors: Cast,
    drawn: Drawn,
) -> Floats:
    """Cars' lamps after sunset: halos where the lamps show, beams on the road before them, and on other actors.
    Returns N×3: of each actor of ``trace``, where beams shine on it from, as long as they are strong."""
    shone = np.zeros((len(trace.actors), 3))
    if not cars:
        return shone
    surface = np.concatenate([actors.surfaces[drawn.triangles[:, 0]], np.zeros(1, np.uint8)])
    numbers = [car.number for car in cars]
    middles = np.stack([car.lamp_middles(frame) for car in cars])
    lamps, beams = _lamps(
        middles, trace.rotations[frame, numbers], trace.positions[frame, numbers], np.array(camera.position_m),
        camera.rotation, View.of(camera),
    )  # fmt: skip
    for own, seen, beam in zip(cars, lamps, beams, strict=True):
        state = own.surfaces(frame)
        for lamp, shown in zip(LAMPS, seen.tolist(), strict=True):
            rgb = _CAR_RGB.get(state[lamp])
            if rgb is None:
                continue
            beam[4] += 0.5 * (state[lamp] is Surface.HEADLAMP_LIT)
            if shown[2] >= 2.0 and shown[3] >= 0.05:
                _halo(shown, rgb, int(state[lamp]), camera, compositor, layer, surface)
    burning = beams[(beams[:, 4] > 0.0) & (np.abs(beams[:, 5]) <= _TILTED)][:, :5]
    compositor.light_ground(burning)
    shine_on(burning, trace.positions[frame], shone)
    return shone


def _halo(
    shown: Sequence[float],
    rgb: tuple[float, float, float],
    surface: int,
    camera: Camera,
    compositor: Compositor,
    layer: ActorLayer,
    surfaces: Frame,
) -> None:
    """About a lamp as ``_lamps`` gives it."""
    x, y, depth, facing = shown[:4]
    size = 0.15 * camera.focal_px / depth
    window = compositor.window(x - size - 1, y - size - 1, x + size + 1, y + size + 1)
    if window is None:
        return
    rows, columns = window
    around = surfaces[
        layer.seen.triangle[FINE * rows.start : FINE * rows.stop, FINE * columns.start : FINE * columns.stop]
    ]
    showing = min(1.0, float((around == surface).sum()) / max(0.35 * (2 * size) ** 2, 4.0))
    strength = showing * min(1.0, 0.25 + facing**2)
    if strength < 0.02:
        return
    red, green, blue = (strength * value for value in rgb)
    compositor.add_mirrored_lamp(np.array(shown[4:]), size, rgb)
    compositor.add_glow(x, y, 1.1 * size + 0.8, (red, green, blue))
    compositor.add_glow(x, y, 3.6 * size + 2.0, (0.07 * red, 0.07 * green, 0.07 * blue))


@kernel
def _lamps(
    middles: Floats, rotations: Floats, places: Floats, eye: Floats, rotation: Floats, view: View
) -> tuple[Floats, Floats]:
    """Of C cars' lamps (middles C×4×3 in the body's frame): C×4×7 with column, row and depth, how much the lamp faces
    the camera (cosine), and its place in the world; and C×6, the dipped beams: from where, which way, a strength of 0,
    and how much they point upwards."""
    cars = len(middles)
    found, beams = np.empty((cars, 4, 7)), np.zeros((cars, 6))
    points = np.empty((4, 3))
    for car in range(cars):
        turn = turn_of(rotations[car])
        for lamp in range(4):
            a, b, c = middles[car, lamp, 0], middles[car, lamp, 1], middles[car, lamp, 2]
            for axis in range(3):
                place = turn[axis, 0] * a + turn[axis, 1] * b + turn[axis, 2] * c + places[car, axis]
                points[lamp, axis] = place
                found[car, lamp, 4 + axis] = place
        seen = bent(points, eye, rotation, view.k1, view.k2, view.bend_edge)
        for lamp in range(4):
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
