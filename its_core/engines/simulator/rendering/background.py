"""The plate: all of a fixed view that does not move, painted once a clip."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.optics.camera import Camera
from its_core.engines.simulator.optics.daylight import Daylight
from its_core.engines.simulator.optics.raster import NOTHING, view
from its_core.engines.simulator.optics.shading import Shader
from its_core.engines.simulator.rendering.standing import FINE, Standing, everything, stood
from its_core.engines.simulator.roads.layouts import Layout
from its_core.engines.simulator.scenery.backdrop import with_backdrop
from its_core.engines.simulator.scenery.build import Scenery
from its_core.engines.simulator.scenery.ground import ground
from its_core.engines.simulator.scenery.light_maps import Plans, plans
from its_core.engines.simulator.scenery.markings import paint

F32 = NDArray[np.float32]

_SHIFTS = ((0.25, -0.25), (-0.25, 0.25))  # of two passes, in fine samples


@dataclass(frozen=True, slots=True)
class Plate:
    """What stands still, H×W(×3): linear radiance; ``ground_share`` how much of each pixel is ground; ``sun_share``,
    ``albedo``, ``x``, ``y`` as in ``ground.Ground``."""

    radiance: F32
    ground_share: F32
    sun_share: F32
    albedo: F32
    x: F32
    y: F32
    plans: Plans
    shader: Shader
    standing: Standing


def plate(camera: Camera, layout: Layout, scene: Scenery, daylight: Daylight) -> Plate:
    cast = plans(layout, scene, everything(scene), daylight)
    skyline = 0.06 if len(layout.crosswalks) == 0 else 0.30
    shader = Shader(daylight, skyline, _lamp_level(daylight))
    white, yellow = _paint_coverage(camera, layout, scene)
    floor = ground(camera, layout, daylight, cast, white, yellow)
    standing = stood(camera, scene, daylight, shader, cast)
    far = with_backdrop(camera, daylight, floor.radiance, floor.land)
    radiance = standing.light + (1.0 - standing.covered)[..., None] * far
    share = (1.0 - standing.covered) * floor.land
    return Plate(radiance, share, floor.sun_share, floor.albedo, floor.x, floor.y, cast, shader, standing)


def _lamp_level(daylight: Daylight) -> tuple[float, float, float]:
    return (0.03 * daylight.lamps, 0.021 * daylight.lamps, 0.012 * daylight.lamps)


def _paint_coverage(camera: Camera, layout: Layout, scene: Scenery) -> tuple[F32, F32]:
    """Share of each pixel under white and under yellow paint."""
    soup, yellow = paint((*layout.markings, *scene.bays), layout.crosswalks)
    kind = np.concatenate([np.where(yellow, 2, 1), [0]]).astype(np.uint8)  # the last one, −1, is nothing
    assert NOTHING == -1
    total = np.zeros((2, camera.height_px, camera.width_px), np.uint8)
    for shift in _SHIFTS:
        drawn = kind[view(camera, soup, FINE, shift).triangle]
        for row in range(FINE):
            for column in range(FINE):
                sample = drawn[row::FINE, column::FINE]
                total[0] += sample == 1
                total[1] += sample == 2
    share = total * np.float32(1.0 / (len(_SHIFTS) * FINE**2))
    return share[0], share[1]
