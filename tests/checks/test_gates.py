"""Each gate, with clips that break only it; a real fixed camera passes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from its_core.checks import weather
from its_core.checks.measures import measure, table
from its_core.checks.suite import validate
from its_core.clip import Geometry, Scene
from its_core.quality_gates import Gates
from its_core.taxonomy import Light, Weather
from its_core.video import Frame, write_mp4

pytestmark = pytest.mark.slow

GEOMETRY = Geometry(width_px=320, height_px=192, fps=16, frames=33)


def scene(seed: int = 0) -> Frame:
    """A picture with edges of many sizes, larger than the frame."""
    generator = np.random.default_rng(seed)
    picture = np.zeros((256, 448, 1), np.float32)
    for size in (4, 16, 32):
        blocks = generator.integers(20, 75, (256 // size, 448 // size, 1)).astype(np.float32)
        picture += np.kron(blocks, np.ones((size, size, 1), np.float32))
    return np.clip(picture.repeat(3, axis=2), 25, 215).astype(np.uint8)


def street(picture: Frame | None = None) -> Iterator[Frame]:
    """A fixed camera: a car drives through."""
    whole = scene() if picture is None else picture
    for number in range(GEOMETRY.frames):
        frame = whole[:192, :320].copy()
        left = 8 * number
        frame[90:120, left : left + 50] = (210, 210, 205)
        yield frame


def drifting() -> Iterator[Frame]:
    """The camera pans by 32 pixels."""
    whole = scene()
    for number, frame in enumerate(street()):
        moved = whole[:192, number : number + 320].copy()
        moved[90:120, 8 * number : 8 * number + 50] = frame[100, min(8 * number, 319)]
        yield moved


def cut() -> Iterator[Frame]:
    other = street(scene(1))
    for number, frame in enumerate(street()):
        switched = next(other)
        yield switched if number in (14, 15) else frame  # between two frames that are looked at for drift


def flickering() -> Iterator[Frame]:
    for number, frame in enumerate(street()):
        yield np.clip(frame.astype(np.int16) + (14 if number % 2 else 0), 0, 255).astype(np.uint8)


def glaring() -> Iterator[Frame]:
    for frame in street():
        bright = frame.copy()
        bright[:80] = 255
        yield bright


def blurred() -> Iterator[Frame]:
    for frame in street():
        yield np.asarray(Image.fromarray(frame).filter(ImageFilter.GaussianBlur(9)))


def tinted() -> Iterator[Frame]:
    for frame in street():
        yield (frame * np.array([1.0, 0.2, 0.1], np.float32)).astype(np.uint8)


def captioned(frames: Iterator[Frame] | None = None) -> Iterator[Frame]:
    for frame in street() if frames is None else frames:
        picture = Image.fromarray(frame)
        ImageDraw.Draw(picture).text(
            (8, 6), "CAM 03 HARBOUR WAY", fill=(235, 235, 235), font=ImageFont.load_default(13), stroke_width=1,
            stroke_fill=(10, 10, 10),
        )  # fmt: skip
        yield np.asarray(picture)


def under_a_blue_sky() -> Iterator[Frame]:
    for frame in street():
        blue = frame.copy()
        blue[:60] = (120, 150, 190)
        yield blue


def precipitation(width_px: int, height_px: int, levels: int) -> Iterator[Frame]:
    """Drops or flakes, anywhere in every frame."""
    generator = np.random.default_rng(5)
    for frame in street():
        wet = frame.astype(np.int16)
        for row, column in zip(generator.integers(0, 180, 150), generator.integers(0, 316, 150), strict=True):
            wet[row : row + height_px, column : column + width_px] += levels
        yield np.clip(wet, 0, 255).astype(np.uint8)


def raining() -> Iterator[Frame]:
    return precipitation(1, 9, 40)


def snowing() -> Iterator[Frame]:
    return precipitation(3, 3, 60)


def misty() -> Iterator[Frame]:
    """Too soft to show a drop."""
    for frame in street():
        yield np.asarray(Image.fromarray(frame).filter(ImageFilter.GaussianBlur(2.5)))


def _reasons(path: Path, frames: Iterator[Frame], gates: Gates) -> tuple[str, ...]:
    write_mp4(path, frames, GEOMETRY)
    return validate(table({"clip": measure(path, GEOMETRY)}), ["clip"], GEOMETRY, gates=gates).reasons["clip"]


@pytest.mark.parametrize(
    ("frames", "gate", "word"),
    [
        (drifting, "camera_drift_share", "the camera moves"),
        (cut, "cuts", "cuts"),
        (flickering, "flicker_levels", "flickers"),
        (glaring, "clipped_share", "overexposed"),
        (blurred, "sharpness", "blurred"),
        (tinted, "colour_cast_levels", "colour cast"),
        (captioned, "text_characters", "burnt-in text that was not asked for: a line of 1"),
    ],
)
def test_a_clip_that_breaks_one_gate_breaks_only_that(tmp_path: Path, frames: object, gate: str, word: str) -> None:
    assert callable(frames)
    reasons = _reasons(tmp_path / "clip.mp4", frames(), Gates(sharpness=8.0, colour_cast_levels=40.0))

    assert [word in reason for reason in reasons] == [True], reasons
    off = Gates(sharpness=8.0, colour_cast_levels=40.0).model_copy(update={gate: None})
    assert _reasons(tmp_path / "again.mp4", frames(), off) == ()


def test_a_good_clip_breaks_none(tmp_path: Path) -> None:
    assert _reasons(tmp_path / "clip.mp4", street(), Gates(sharpness=8.0, colour_cast_levels=40.0)) == ()


def test_a_smooth_picture_under_changing_light_does_not_drift(tmp_path: Path) -> None:
    """Fog, snow, an empty car park: the correlation of two smooth pictures may peak anywhere."""
    generator = np.random.default_rng(3)
    coarse = Image.fromarray(generator.integers(90, 150, (6, 10), np.uint8)).resize(
        (320, 192), Image.Resampling.BICUBIC
    )
    smooth = np.asarray(coarse, np.float32)[..., None].repeat(3, axis=2)

    def frames() -> Iterator[Frame]:
        for number in range(GEOMETRY.frames):
            frame = smooth + number / 3 + generator.normal(0, 1.5, smooth.shape)
            frame[90:120, 8 * number : 8 * number + 50] = 210
            yield np.clip(frame, 0, 255).astype(np.uint8)

    assert _reasons(tmp_path / "clip.mp4", frames(), Gates(sharpness=None)) == ()


def dimmed() -> Iterator[Frame]:
    for frame in street():
        yield (frame * np.float32(0.25)).astype(np.uint8)


@pytest.mark.parametrize(
    ("frames", "asked", "other", "gate", "word"),
    [
        (street, {"light": Light.NIGHT}, {"light": Light.DAY}, "night_luma", "asked for at night"),
        (dimmed, {"light": Light.DAY}, {"light": Light.NIGHT}, "day_luma", "asked for by day"),
        (street, {"weather": Weather.FOG}, {"weather": Weather.CLEAR}, "fog_contrast", "asked for in fog"),
        (street, {"weather": Weather.RAIN}, {"weather": Weather.CLEAR}, "rain_permille", "asked for in rain"),
        (street, {"weather": Weather.SNOW}, {"weather": Weather.CLEAR}, "snow_permille", "asked for in snow"),
        (
            under_a_blue_sky,
            {"weather": Weather.OVERCAST, "light": Light.DAY},
            {"weather": Weather.OVERCAST, "light": Light.DUSK},
            "overcast_blue_share",
            "blue sky",
        ),
    ],
)
def test_light_and_weather_must_be_there_where_they_were_asked_for(
    tmp_path: Path, frames: object, asked: dict[str, Any], other: dict[str, Any], gate: str, word: str
) -> None:
    assert callable(frames)
    write_mp4(tmp_path / "clip.mp4", frames(), GEOMETRY)
    gates = Gates(night_luma=80, fog_contrast=25)

    def reasons(scene: Scene, held_to: Gates) -> tuple[str, ...]:
        measured = table({"clip": measure(tmp_path / "clip.mp4", GEOMETRY, scene=scene)})
        return validate(measured, ["clip"], GEOMETRY, gates=held_to).reasons["clip"]

    found = reasons(Scene("cam", **asked), gates)
    assert [word in reason for reason in found] == [True], found
    assert reasons(Scene("cam", **other), gates) == ()
    assert reasons(Scene("cam", **asked), gates.model_copy(update={gate: None})) == ()


@pytest.mark.parametrize(
    ("frames", "asked"),
    [(raining, Weather.RAIN), (snowing, Weather.SNOW), (street, Weather.OVERCAST), (misty, Weather.RAIN)],
)
def test_weather_that_is_there_passes(tmp_path: Path, frames: object, asked: Weather) -> None:
    assert callable(frames)
    write_mp4(tmp_path / "clip.mp4", frames(), GEOMETRY)
    measured = measure(tmp_path / "clip.mp4", GEOMETRY, scene=Scene("cam", weather=asked))

    assert validate(table({"clip": measured}), ["clip"], GEOMETRY).reasons["clip"] == ()


def test_text_that_was_asked_for_or_is_in_the_first_frame_passes(tmp_path: Path) -> None:
    write_mp4(tmp_path / "clip.mp4", captioned(), GEOMETRY)

    asked = measure(tmp_path / "clip.mp4", GEOMETRY, text_is_asked=True)
    conditioned = measure(tmp_path / "clip.mp4", GEOMETRY, next(captioned()))
    elsewhere = measure(tmp_path / "clip.mp4", GEOMETRY, np.roll(next(captioned()), 90, axis=0))
    verdict = validate(table({"asked": asked, "conditioned": conditioned}), ["asked", "conditioned"], GEOMETRY)

    assert asked.text_characters is not None
    assert asked.text_characters > 7
    assert (conditioned.text_characters, elsewhere.text_characters) == (0, asked.text_characters)
    assert verdict.reasons == {"asked": (), "conditioned": ()}


def test_rows_of_windows_are_no_text(tmp_path: Path) -> None:
    def facade() -> Iterator[Frame]:
        for frame in street():
            lit = frame.copy()
            for top in (10, 40, 70):
                for left in range(10, 300, 16):
                    lit[top : top + 14, left : left + 7] = 230
            yield lit

    write_mp4(tmp_path / "clip.mp4", facade(), GEOMETRY)

    assert measure(tmp_path / "clip.mp4", GEOMETRY).text_characters == 0


def test_the_first_frame_must_be_the_conditioning_frame(tmp_path: Path) -> None:
    write_mp4(tmp_path / "clip.mp4", street(), GEOMETRY)

    def reasons(conditioning: Frame, gates: Gates) -> tuple[str, ...]:
        measured = table({"clip": measure(tmp_path / "clip.mp4", GEOMETRY, conditioning)})
        return validate(measured, ["clip"], GEOMETRY, gates=gates).reasons["clip"]

    assert reasons(next(street()), Gates()) == ()
    (reason,) = reasons(next(street(scene(1))), Gates())
    assert "the first frame is not the conditioning frame" in reason
    assert reasons(next(street(scene(1))), Gates(first_frame_levels=None)) == ()


def test_thresholds_are_checked() -> None:
    with pytest.raises(ValueError, match="clipped_share"):
        Gates(clipped_share=1.5)


def test_a_cameras_blue_cast_is_no_blue_sky() -> None:
    frame = next(iter(street()))
    cool = np.clip(frame + np.asarray([0, 0, 20]), 0, 255).astype(np.uint8)
    assert weather.blue_sky_share(cool) == 0.0
    assert weather.blue_sky_share(next(under_a_blue_sky())) > 0.5
