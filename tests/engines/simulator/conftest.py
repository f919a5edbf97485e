from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from its_core.clip import Geometry, Scene
from its_core.engines.simulator.incidents.catalogue import judged, staged
from its_core.engines.simulator.incidents.setting import Setting
from its_core.engines.simulator.optics.camera import camera_for
from its_core.engines.simulator.roads.registry import place
from its_core.engines.simulator.simulation.run import simulate
from tests.engines.simulator.judged import Judged

CLIP = Geometry.of("480", 16)


def setting(scene: Scene, seed: int, geometry: Geometry = CLIP) -> Setting:
    assert scene.road_layout is not None
    layout = place(scene.road_layout, scene.camera_id)
    camera = camera_for(scene.camera_id, layout, geometry)
    return Setting(scene, layout, geometry, camera, np.random.default_rng(seed))


@cache
def _run(scene: Scene, seed: int) -> Judged:
    where = setting(scene, seed)
    run = simulate(staged(where), CLIP)
    return Judged.of(run, judged(where, run))


@pytest.fixture(scope="session")
def run_scene() -> Callable[[Scene, int], Judged]:
    """Simulates a scene (with its road_layout) and a seed once a session; runs are never changed."""
    return _run


@pytest.fixture(scope="session")
def setting_of() -> Callable[..., Setting]:
    return setting
