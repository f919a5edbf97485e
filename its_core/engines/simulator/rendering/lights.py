"""Lamps that burn in a frame: traffic signals, and cars' lamps at dusk with their light on the road."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.meshes.materials import Surface
from its_core.engines.simulator.meshes.street_furniture import LENS_RADIUS_M, signal_lens
from its_core.engines.simulator.optics.camera import Camera
from its_core.engines.simulator.portable_math import cos, dot, norm, sin
from its_core.engines.simulator.rendering.actor_layer import ActorLayer, Drawn
from its_core.engines.simulator.rendering.actors import CarActor, Cast
from its_core.engines.simulator.rendering.compositor import Compositor
from its_core.engines.simulator.rendering.ground_effects import Beam, shine_on
from its_core.engines.simulator.rendering.standing import FINE
from its_core.engines.simulator.roads.layouts import Layout, SignalHead

Frame = NDArray[np.uint8]

_SIGNAL_RGB = ((0.08, 1.7, 1.0), (2.0, 1.05, 0.06), (2.2, 0.10, 0.05))
_CAR_RGB = {
    Surface.HEADLAMP_LIT: (0.95, 0.90, 0.78),
    Surface.TAILLAMP_DIM: (0.22, 0.012, 0.008),
    Surface.TAILLAMP_BRAKE: (0.42, 0.022, 0.014),
    Surface.INDICATOR_LIT: (0.7, 0.28, 0.02),
}
_LAMPS = (
    Surface.HEADLAMP_LEFT,
    Surface.HEADLAMP_RIGHT,
    Surface.TAILLAMP_LEFT,
    Surface.TAILLAMP_RIGHT,
)


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
    places: NDArray[np.float64],
    camera: Camera,
    compositor: Compositor,
    layer: ActorLayer,
    actors: Cast,
    drawn: Drawn,
) -> NDArray[np.float64]:
    """Cars' lamps after sunset: halos where the lamps show, beams on the road before them, and on other actors.
    Returns N×3: of each actor (at ``places``, N×3), where beams shine on it from, as long as they are strong."""
    surface = np.concatenate([actors.surfaces[drawn.triangles[:, 0]], np.zeros(1, np.uint8)])
    shone = np.zeros((len(places), 3))
    for car in cars:
        state = car.surfaces(frame)
        beams = 0
        for lamp in _LAMPS:
            rgb = _CAR_RGB.get(state[lamp])
            if rgb is None:
                continue
            place, shines = car.lamp_points(frame, lamp)
            beams += state[lamp] is Surface.HEADLAMP_LIT
            _halo(place, shines, rgb, int(state[lamp]), camera, compositor, layer, surface)
        beam = _beam(car, frame, beams / 2.0) if beams else None
        if beam is None:
            continue
        window = compositor.window_on_ground(beam.corners())
        if window is not None:
            compositor.light_ground(beam, window)
        shine_on(np.array(beam), places, shone)
    return shone


def _halo(
    place: NDArray[np.float64],
    shines: NDArray[np.float64],
    rgb: tuple[float, float, float],
    surface: int,
    camera: Camera,
    compositor: Compositor,
    layer: ActorLayer,
    surfaces: Frame,
) -> None:
    x, y, depth = (float(value) for value in camera.project(place[None])[0])
    if depth < 2.0:
        return
    to_eye = np.array(camera.position_m) - place
    facing = float(dot(to_eye, shines)) / float(norm(to_eye))
    if facing < 0.05:
        return
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
    compositor.add_mirrored_lamp(place, size, rgb)
    compositor.add_glow(x, y, 1.1 * size + 0.8, (red, green, blue))
    compositor.add_glow(x, y, 3.6 * size + 2.0, (0.07 * red, 0.07 * green, 0.07 * blue))


def _beam(car: CarActor, frame: int, share: float) -> Beam | None:
    """Dipped beams, from just ahead of the car; None where it lies on its side."""
    (left, ahead), (right, _) = (car.lamp_points(frame, lamp) for lamp in _LAMPS[:2])
    if abs(float(ahead[2])) > 0.35:
        return None
    middle = (left + right) / 2
    forward = ahead[:2] / max(float(norm(ahead[:2])), 1e-6)
    return Beam(float(middle[0]), float(middle[1]), float(forward[0]), float(forward[1]), share)
