"""Likeness of two videos: known noise, known flicker, and what cannot be compared."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from its_core.clip import Geometry
from its_core.evaluation.likeness.measures import NotComparable, likeness, psnr_db, ssim
from its_core.video import Frame, write_mp4

SIZE = Geometry(width_px=96, height_px=64, fps=16, frames=9)


def written(path: Path, geometry: Geometry = SIZE, noise: float = 0.0, blink: int = 0) -> Path:
    """A wall of blocks; ``blink`` levels brighter in every second frame."""
    rng = np.random.default_rng(0)
    blocks = rng.integers(60, 190, (geometry.height_px // 8, geometry.width_px // 8, 1))
    wall = np.kron(blocks, np.ones((8, 8, 1))).repeat(3, axis=2)

    def frames() -> Iterator[Frame]:
        for number in range(geometry.frames):
            grain = rng.normal(size=(*wall.shape[:2], 1)) * noise
            yield (wall + grain + blink * (number % 2)).clip(0, 255).astype(np.uint8)

    write_mp4(path, frames(), geometry, crf=1)
    return path


def test_a_clip_is_like_itself(tmp_path: Path) -> None:
    clip = written(tmp_path / "a.mp4")
    same = likeness(clip, clip)
    assert (same.psnr_db, same.ssim) == (100.0, 1.0)
    assert same.flicker_before == same.flicker_after < 0.3


def test_noise_lowers_psnr_and_ssim(tmp_path: Path) -> None:
    clean, little, much = (written(tmp_path / f"{n}.mp4", noise=n) for n in (0, 4, 16))
    small, large = likeness(clean, little), likeness(clean, much)
    # Grain of 4 levels in RGB is 4 × 219/255 in luma: 37.4 dB.
    assert small.psnr_db == pytest.approx(37.4, abs=0.7)
    assert large.psnr_db == pytest.approx(small.psnr_db - 12, abs=1.0)
    assert large.ssim < small.ssim < 1


def test_flicker_is_of_the_clip_that_flickers(tmp_path: Path) -> None:
    still, blinking = written(tmp_path / "a.mp4"), written(tmp_path / "b.mp4", blink=10)
    found = likeness(still, blinking)
    # Ten levels back and forth are ten levels of change, 219/255 of them in luma.
    assert found.flicker_after == pytest.approx(10 * 219 / 255, abs=0.7)
    assert found.flicker_before < 0.3


def test_psnr_and_ssim_of_even_pictures_are_as_defined() -> None:
    assert psnr_db(255.0**2 / 1e4) == 40.0
    one, other = np.full((32, 32), 100, np.float32), np.full((32, 32), 120, np.float32)
    assert ssim(one, other) == pytest.approx((2 * 100 * 120 + 2.55**2) / (100**2 + 120**2 + 2.55**2), abs=1e-4)


@pytest.mark.parametrize("other", [Geometry(96, 64, 16, 13), Geometry(128, 64, 16, 9)], ids=["longer", "wider"])
def test_other_lengths_and_sizes_cannot_be_compared(tmp_path: Path, other: Geometry) -> None:
    with pytest.raises(NotComparable) as raised:
        likeness(written(tmp_path / "a.mp4"), written(tmp_path / "b.mp4", other))
    assert raised.value.code == "likeness.not_comparable"
    assert {"longer": "9 frames", "wider": "128×64"}["longer" if other.frames == 13 else "wider"] in str(raised.value)
