"""Pictures on a run's page are small enough to be stored and sent."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from its_tasks.reporting.run_page import data_url_of
from PIL import Image


def _png(picture: Image.Image) -> bytes:
    packed = io.BytesIO()
    picture.save(packed, "PNG")
    return packed.getvalue()


def _noise(width_px: int, height_px: int) -> Image.Image:
    """What JPEG packs worst."""
    return Image.fromarray(np.random.default_rng(1).integers(0, 255, (height_px, width_px, 3), np.uint8))


@pytest.mark.parametrize(
    ("picture", "width_px"), [(Image.new("RGB", (2400, 3000)), 1280), (Image.new("RGB", (640, 400)), 640)]
)
def test_a_picture_that_fits_keeps_its_width_up_to_1280(picture: Image.Image, width_px: int) -> None:
    _, _, packed = data_url_of(_png(picture)).partition(",")

    assert Image.open(io.BytesIO(base64.b64decode(packed))).size == (
        width_px,
        picture.height * width_px // picture.width,
    )


@pytest.mark.parametrize("size_px", [(1400, 1500), (320, 9000), (64, 66_000)], ids=str)
def test_a_large_picture_becomes_smaller_until_it_fits(size_px: tuple[int, int]) -> None:
    head, _, packed = data_url_of(_png(_noise(*size_px))).partition(",")

    jpeg = base64.b64decode(packed)
    assert head == "data:image/jpeg;base64"
    assert len(jpeg) <= 256 * 1024
    width_px, height_px = Image.open(io.BytesIO(jpeg)).size
    assert size_px[0] / 8 < width_px < size_px[0]
    assert height_px / width_px == pytest.approx(size_px[1] / size_px[0], rel=0.1)
