from typing import Any

import numpy as np
import pytest

from its_core.engines.simulator.optics import sensor
from its_core.engines.simulator.optics.daylight import daylight
from its_core.engines.simulator.optics.osd import Overlay
from its_core.engines.simulator.optics.quality import Recorder, grade, quality_of
from its_core.engines.simulator.optics.sensor import Look, traits
from its_core.taxonomy import CameraWord, ImageQuality, Light, Weather

DAY = daylight(Light.DAY, Weather.CLEAR, "x")
DUSK = daylight(Light.DUSK, Weather.CLEAR, "x")
CAMERAS = [f"camera-{number}" for number in range(300)]


def test_cameras_differ_in_quality_and_keep_their_look() -> None:
    looks = [traits(camera_id, DAY, quality_of(camera_id)) for camera_id in CAMERAS]
    assert traits("camera-3", DAY, quality_of("camera-3")) == looks[3]
    noise = [look.noise for look in looks]
    assert max(noise) > 3 * min(noise)
    assert max(look.softness_px for look in looks) > 1.2 > 0.4 > min(look.softness_px for look in looks)


def test_more_light_is_never_darker() -> None:
    look = Look("x", DAY, 64, 36, seed=1)
    levels = [
        look.exposed(np.full((36, 64, 3), light, np.float32))[18, 32].astype(int) for light in np.linspace(0, 4, 99)
    ]
    grey = np.array(levels).sum(axis=1)
    assert (np.diff(grey) >= 0).all()
    assert grey[-1] - grey[0] > 400


def test_noise_is_mild_changes_by_the_frame_and_never_wraps() -> None:
    look = Look("x", DUSK, 128, 72, seed=1)
    for level in (0, 128, 255):
        flat = np.full((72, 128, 3), level, np.uint8)
        one, other = look.noisy(flat), look.noisy(flat)
        assert not np.array_equal(one, other)
        assert one.std() > 0.3
        assert np.abs(one.astype(int) - level).max() < 64


def test_noise_follows_the_seed() -> None:
    flat = np.full((36, 64, 3), 90, np.uint8)
    one, same, other = (Look("x", DAY, 64, 36, seed).noisy(flat) for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("camera_id", [f"camera-{number}" for number in range(12)])
def test_the_clock_is_written_legibly_and_ticks(camera_id: str) -> None:
    pictures = []
    for time_s in (0.0, 1.0):
        picture = np.full((432, 768, 3), 120, np.uint8)
        Overlay(camera_id, DAY, 768, 432, seed=1).written(picture, time_s)
        pictures.append(picture)
    changed = (pictures[0] != 120).any(axis=2)
    assert 0.003 < changed.mean() < 0.12
    assert pictures[0].max() > 200
    ticked = (pictures[0] != pictures[1]).any(axis=2)
    assert 0 < ticked.mean() < changed.mean()


def test_dusk_is_lit_and_day_is_not() -> None:
    assert DUSK.lit
    assert not DAY.lit
    assert DAY.casts_shadows
    assert not daylight(Light.DAY, Weather.OVERCAST, "x").casts_shadows
    suns = {daylight(Light.DAY, Weather.CLEAR, f"site-{number}").sun for number in range(6)}
    assert len(suns) == 6
    assert all(np.linalg.norm(sun) == pytest.approx(1.0) and sun[2] > 0.4 for sun in suns)


def test_two_thirds_of_all_cameras_are_poor_and_words_decide() -> None:
    poor = {ImageQuality.POOR, ImageQuality.VERY_POOR}
    grades = [grade(quality_of(camera_id)) for camera_id in CAMERAS]
    assert set(grades) == set(ImageQuality)
    assert 0.6 < sum(each in poor for each in grades) / len(grades) < 0.75
    for first in range(0, 300, 40):  # few cameras are poor as often as many
        assert 0.5 < sum(each in poor for each in grades[first : first + 40]) / len(grades[first : first + 40]) < 0.8
    assert {grade(quality_of(camera_id, (CameraWord.SHARP,))) for camera_id in CAMERAS} == set(ImageQuality) - poor
    assert {grade(quality_of(camera_id, (CameraWord.POOR,))) for camera_id in CAMERAS} == poor


def test_an_old_recorder_takes_detail_and_a_good_one_nothing() -> None:
    rng = np.random.default_rng(1)
    picture = rng.integers(60, 200, (64, 96, 3), dtype=np.uint8)
    assert Recorder("x", 0.8).played(picture) is picture
    played = Recorder("x", 0.0).played(picture)
    assert played.shape == picture.shape
    assert played.std() < 0.6 * picture.std()


def test_exposure_steps_in_a_quarter_of_the_clips() -> None:
    flat = np.full((36, 64, 3), 120, np.uint8)
    stepping = 0
    for seed in range(60):
        look = Look("x", DAY, 64, 36, seed)
        levels = [look.noisy(flat).mean() for _ in range(93)]
        stepping += abs(levels[-1] - levels[0]) > 2.5
    assert 5 < stepping < 27


def test_the_clock_agrees_with_the_sun() -> None:
    for light, hours in ((Light.DAWN, (5, 9)), (Light.DAY, (8, 17)), (Light.DUSK, (16, 21))):
        for number in range(20):
            sky = daylight(light, Weather.SNOW if number % 2 else Weather.CLEAR, f"c{number}")
            assert hours[0] <= sky.hour < hours[1], (light, sky.hour)
            assert sky.winter == bool(number % 2)
    nights = [daylight(Light.NIGHT, Weather.CLEAR, f"c{number}").hour for number in range(20)]
    assert all(hour > 21 for hour in nights)


def test_a_red_lamp_far_brighter_than_the_picture_stays_red() -> None:
    palest = min(CAMERAS, key=lambda camera_id: traits(camera_id, DUSK, quality_of(camera_id)).saturation)
    look = Look(palest, DUSK, 64, 36, seed=1)
    lamp = np.full((36, 64, 3), (15.0, 0.2, 0.15), np.float32) / np.float32(look.level)
    red, green, blue = look.exposed(lamp)[18, 32].astype(int)
    assert red > max(green, blue) + 60


def test_dirt_is_whole_where_it_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def dirt() -> list[np.ndarray[Any, np.dtype[np.float32]]]:
        return [sensor._dirt(camera_id, 320, 180) for camera_id in CAMERAS[:20]]

    found = dirt()
    assert sum(bool((each < 1.0).any()) for each in found) > 2
    monkeypatch.setattr(sensor, "_within", lambda *_: slice(None))
    assert all(np.array_equal(one, other) for one, other in zip(found, dirt(), strict=True))
