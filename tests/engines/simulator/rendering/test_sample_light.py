"""Samples that are lit sixteen at a time look as they do one by one."""

from __future__ import annotations

import numpy as np
import pytest

from its_core.engines.simulator.optics.daylight import daylight
from its_core.engines.simulator.optics.shading import Shader
from its_core.engines.simulator.rendering.sample_light import light_of, light_samples, put, room_for
from its_core.taxonomy import Light, Weather

COUNT = 37  # two full blocks and part of a third


@pytest.mark.parametrize(
    ("light", "weather"), [(Light.DAY, Weather.CLEAR), (Light.DAY, Weather.SNOW), (Light.DUSK, Weather.CLEAR)]
)
def test_each_sample_is_lit_as_it_is_alone(light: Light, weather: Weather) -> None:
    rng = np.random.default_rng(3)
    shader = Shader(daylight(light, weather, "camera"))
    around = shader.around._replace(haze=0.0)
    normals = rng.standard_normal((COUNT, 3)).astype(np.float32)
    rays = rng.standard_normal((COUNT, 3)).astype(np.float32)
    surfaces = rng.integers(0, 40, COUNT).astype(np.uint8)
    normals /= np.sqrt((normals * normals).sum(axis=1, keepdims=True))
    towards = rays / np.sqrt((rays * rays).sum(axis=1, keepdims=True))
    alone = shader.radiance(normals, np.ones(COUNT, np.float32), surfaces, towards)

    room = room_for(COUNT)
    for number in range(COUNT):
        nx, ny, nz = (2.0 * normals[number]).tolist()
        ray_x, ray_y, ray_z = rays[number].tolist()
        put(room, number, nx, ny, nz, ray_x, ray_y, ray_z, 0.05, 2)
    everywhere, rect, nobody = np.ones((2, 2), np.float32), np.array([0.0, 0.0, 1.0, 1.0]), np.zeros((0, 3))
    light_samples(
        room, COUNT, surfaces, np.zeros(COUNT, np.uint8), np.zeros(3), everywhere, rect, np.zeros(2), everywhere, rect,
        nobody, around, shader.optics, shader.daylight.rise,
    )  # fmt: skip
    found = np.array([light_of(room, number) for number in range(COUNT)])
    assert len(np.unique(found, axis=0)) > COUNT // 2
    np.testing.assert_allclose(found, 2.0 * np.minimum(alone, 3.0), rtol=1e-3)
