"""The lamps of traffic signals."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.meshes.materials import Surface
from its_core.engines.simulator.meshes.street_furniture import LENS_RADIUS_M, signal_lens
from its_core.engines.simulator.optics.camera import Camera
from its_core.engines.simulator.portable_math import cos, dot, norm, sin
from its_core.engines.simulator.rendering.compositor import Compositor
from its_core.engines.simulator.rendering.standing import FINE
from its_core.engines.simulator.roads.layouts import Layout, SignalHead

Frame = NDArray[np.uint8]

_EXPOSURE = 1.6  # with more the lamps look no brighter: glare belongs to the lens
_SIGNAL_RGB = ((0.08, 1.7, 1.0), (2.0, 1.05, 0.06), (2.2, 0.10, 0.05))


class Signals:
    """The lamps of a layout's signals in one fixed view."""

    def __init__(self, layout: Layout, camera: Camera, standing: Frame, evening: bool, exposure: float) -> None:
        """``standing`` 2H×2W: what the scenery is made of where it shows; ``exposure``: by how much the camera
        multiplies light."""
        self._evening, self._scale = evening, min(1.0, _EXPOSURE / exposure)
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
            red, green, blue = (strength * self._scale * value for value in _SIGNAL_RGB[aspect])
            compositor.add_glow(x, y, radius, (red, green, blue))
            compositor.add_mirrored_lamps(np.array([[*place, radius, red, green, blue]]))
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
