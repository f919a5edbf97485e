"""Compiled passes over whole frames, against the plain formulas that they stand for."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from its_core.engines.simulator.optics.daylight import daylight
from its_core.engines.simulator.optics.precipitation import Precipitation
from its_core.engines.simulator.optics.quality import Recorder
from its_core.engines.simulator.optics.sensor import Look
from its_core.taxonomy import Light, Weather

WIDTH_PX, HEIGHT_PX = 70, 36


def any_picture(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (HEIGHT_PX, WIDTH_PX, 3), dtype=np.uint8)


def test_an_old_recorder_halves_and_doubles_as_pillow_does() -> None:
    recorder, picture = Recorder("recorder", quality=0.0), any_picture(1)
    memory = BytesIO()
    Image.fromarray(picture).reduce(2).save(memory, "JPEG", quality=recorder._jpeg_quality)
    expected = Image.open(memory).resize((WIDTH_PX, HEIGHT_PX), Image.Resampling.BILINEAR)

    np.testing.assert_array_equal(recorder.played(picture), np.asarray(expected))


@pytest.mark.parametrize("weather", [Weather.RAIN, Weather.SNOW])
def test_what_falls_brightens_by_its_share_of_what_is_missing_to_white(weather: Weather) -> None:
    sky = daylight(Light.DAY, weather, "fall")
    fall = Precipitation("fall", sky, WIDTH_PX, HEIGHT_PX, seed=3)
    black = np.zeros((HEIGHT_PX, WIDTH_PX, 3), np.uint8)
    again = Precipitation("fall", sky, WIDTH_PX, HEIGHT_PX, seed=3)
    for frame in range(4):
        picture, strength = any_picture(frame), black.copy()
        expected = picture.astype(int)

        fall.fallen(picture)
        again.fallen(strength)  # on black it is the strength itself

        assert strength.any()
        assert (strength[..., :1] == strength).all()
        np.testing.assert_array_equal(picture, expected + (255 - expected) * strength // 255)


def test_noise_is_a_part_of_one_bank_and_never_wraps() -> None:
    sky = daylight(Light.DAY, Weather.CLEAR, "noise")
    look = Look("noise", sky, WIDTH_PX, HEIGHT_PX, seed=1, quality=0.0)
    look._steps[:] = 1.0  # no change of the exposure
    margin, bank = look._margin, look._bank.view(np.int8)
    picture = any_picture(2)
    kept = np.clip(picture.astype(int), margin, 255 - margin)

    noise = look.noisy(picture) - kept

    assert 0 < np.abs(noise).max() <= margin
    rows, columns = bank.shape[0] - HEIGHT_PX, bank.shape[1] - WIDTH_PX
    assert any(
        (bank[row : row + HEIGHT_PX, column : column + WIDTH_PX] == noise).all()
        for row in range(rows)
        for column in range(columns)
        if bank[row, column, 0] == noise[0, 0, 0] and (bank[row, column] == noise[0, 0]).all()
    )
