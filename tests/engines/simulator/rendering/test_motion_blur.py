"""Bodies smeared along their way in the picture while the shutter is open."""

from dataclasses import replace

import numpy as np
import pytest

from its_core.engines.simulator.optics.daylight import daylight
from its_core.engines.simulator.rendering.motion_blur import MotionBlur, Smear, smear
from its_core.engines.simulator.rendering.renderer import Renderer
from its_core.taxonomy import Colour, Light, ParticipantType, Weather
from tests.engines.simulator.rendering.test_renderer import beyond, scene, trace

pytestmark = pytest.mark.slow


def test_shutters_are_open_longer_in_the_dark() -> None:
    _, camera = scene()
    made = trace([(ParticipantType.SEDAN, Colour.WHITE, 0.0, 0.0, 0.0)], 1)
    open_s = [
        MotionBlur(made, camera, daylight(light, Weather.CLEAR, camera.camera_id)).open_s
        for light in (Light.DAY, Light.DUSK, Light.NIGHT)
    ]
    assert 1 / 500 <= open_s[0] < 1 / 120
    assert open_s[0] < open_s[1] <= open_s[2] <= 1 / 30


def test_a_body_is_spread_evenly_over_its_way_and_what_stands_before_it_is_not() -> None:
    still = np.full((9, 40, 3), 40, np.uint8)
    picture, ids = still.copy(), np.full((9, 40), 255, np.uint8)
    picture[3:6, 15:25], ids[3:6, 15:25] = 240, 0
    nearness = np.zeros((18, 80), np.float32)
    nearness[:, 54:] = 1.0  # a post before the body's way
    smear(picture, still, ids, nearness, Smear(0, (6.0, 0.0), (slice(0, 9), slice(10, 32)), 0.5))
    row = picture[4, :, 0].astype(int)
    assert row[10] == 40
    assert row[20] == 240
    assert np.all(np.diff(row[11:18]) > 0)
    assert row[25] > row[26] > 40
    assert np.all(row[27:] == 40)
    assert np.all(picture[[0, 1, 2, 6, 7, 8]] == 40)


def test_a_fast_car_at_night_is_smeared_and_the_truth_about_it_stays() -> None:
    here, camera = scene()
    x, y, heading = beyond(camera, *here.focus_m, 0.0)
    standing = trace([(ParticipantType.SEDAN, Colour.WHITE, x, y, heading + 90.0)], 1)
    moving = replace(standing, velocities=np.full((1, 1, 3), [22.0, 0.0, 0.0]))
    sharp, blurred = (
        next(iter(Renderer().frames(here, made, camera, Light.NIGHT, Weather.CLEAR, 3))) for made in (standing, moving)
    )
    assert blurred.visible_box == sharp.visible_box
    assert blurred.visible.tolist() == sharp.visible.tolist()
    changed = np.abs(blurred.image.astype(int) - sharp.image.astype(int)).max(axis=2) > 25
    assert changed.sum() > 8
