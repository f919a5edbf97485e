from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from its_core.clip import Geometry, Scene
from its_core.engines.simulator.incidents.attempts import Try, one_try
from its_core.engines.simulator.incidents.setting import Setting, setting_of
from its_core.engines.simulator.optics.camera import camera_for
from its_core.engines.simulator.randomness import attempt_seed
from its_core.engines.simulator.roads.registry import place

CLIP = Geometry.of("480", 16)


def setting(scene: Scene, seed: int, geometry: Geometry = CLIP) -> Setting:
    assert scene.road_layout is not None
    layout = place(scene.road_layout, scene.camera_id)
    return setting_of(scene, layout, geometry, camera_for(scene.camera_id, layout, geometry), seed)


@cache
def _happened(scene: Scene, seed: int) -> Try:
    tried = [one_try(setting(scene, seed))]
    while tried[-1].why and len(tried) < 4:
        tried.append(one_try(setting(scene, attempt_seed(seed, len(tried)))))
    assert not tried[-1].why, [each.why for each in tried]
    return tried[-1]


@pytest.fixture(scope="session")
def happened() -> Callable[[Scene, int], Try]:
    """The first of four seeds' tries at a scene (with its road_layout) that succeeds, made once a session."""
    return _happened


@pytest.fixture(scope="session")
def make_setting() -> Callable[..., Setting]:
    return setting
