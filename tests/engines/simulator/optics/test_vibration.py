from dataclasses import replace

import numpy as np
import pytest

from its_core.clip import Geometry
from its_core.engines.simulator.optics.camera import camera_for
from its_core.engines.simulator.optics.vibration import margin_px, mast, shifts_px
from its_core.engines.simulator.roads.registry import place
from its_core.taxonomy import Colour, ParticipantType, RoadLayout
from tests.engines.simulator.rendering.test_renderer import scene, trace

GEOMETRY = Geometry.of("720", 16)


def test_some_masts_shake_and_none_in_a_tunnel() -> None:
    layout = place(RoadLayout.HIGHWAY, "a")
    camera = camera_for("a", layout, GEOMETRY)
    masts = [mast(replace(camera, camera_id=f"mast-{number}"), layout) for number in range(200)]
    assert 0.2 < np.mean([each is not None for each in masts]) < 0.4
    tunnel = place(RoadLayout.TUNNEL, "a")
    assert not any(mast(replace(camera, camera_id=f"mast-{number}"), tunnel) for number in range(40))


def test_a_mast_swings_at_its_own_frequency_and_a_lorry_swings_it_more() -> None:
    layout, camera = scene()
    camera = replace(camera, width_px=1280, height_px=704)
    shaking = next(found for number in range(99) if (found := mast(replace(camera, camera_id=f"m-{number}"), layout)))
    alone = trace([(ParticipantType.SEDAN, Colour.RED, 0.0, 0.0, 0.0)], 93)
    shifts = shifts_px(shaking, camera, alone, 7)
    assert np.array_equal(shifts, shifts_px(shaking, camera, alone, 7))
    assert not np.array_equal(shifts, shifts_px(shaking, camera, alone, 8))
    assert np.abs(shifts).max() + 2 <= margin_px(camera)
    power = np.abs(np.fft.rfft(shifts[:, 0] - shifts[:, 0].mean())) ** 2
    assert np.argmax(power) * 16 / 93 == pytest.approx(shaking.frequency_hz, abs=0.5)
    x, y = camera.position_m[:2]
    lorry = trace([(ParticipantType.TRUCK, Colour.RED, x + 5.0, y, 0.0)], 93)
    lorry = replace(lorry, velocities=np.full(lorry.velocities.shape, 16.0))
    assert np.abs(shifts_px(shaking, camera, lorry, 7)).max() > np.abs(shifts).max()
