"""What may start a clip, and how it is brought to the clip's size."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from its_core.clip import Geometry, Outcome
from its_core.engines.cosmos.conditioning import read_conditioning, scale_and_crop
from its_core.engines.engine import EngineFailure

HD = Geometry.of("720", 16)


def write_video(path: Path, frames: int, size: tuple[int, int] = (320, 180)) -> None:
    """Grey frames, each 10 levels brighter than the one before."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for i in range(frames):
            level = np.full((size[1], size[0], 3), 40 + 10 * i, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(level, "rgb24")))
        container.mux(stream.encode())


@pytest.mark.parametrize("name", ["frame.png", "frame.jpg", "frame.jpeg", "frame.webp", "FRAME.PNG"])
def test_an_image_starts_a_clip(tmp_path: Path, name: str) -> None:
    Image.new("RGB", (640, 360), (200, 30, 60)).save(tmp_path / name)
    frames = read_conditioning(str(tmp_path / name), 1, HD)
    assert frames.shape == (1, 704, 1280, 3)
    assert np.abs(frames.astype(int) - (200, 30, 60)).max() <= 6


def test_grey_and_transparent_images_become_rgb(tmp_path: Path) -> None:
    for mode in ("L", "RGBA", "P"):
        Image.new(mode, (128, 72)).save(tmp_path / f"{mode}.png")
        assert read_conditioning(str(tmp_path / f"{mode}.png"), 1, HD).shape == (1, 704, 1280, 3)


def test_a_video_starts_a_clip_with_its_last_frames(tmp_path: Path) -> None:
    write_video(tmp_path / "v.mp4", frames=8)
    five = read_conditioning(str(tmp_path / "v.mp4"), 5, HD)
    assert five.shape == (5, 704, 1280, 3)
    assert np.abs(five.mean(axis=(1, 2, 3)) - [70, 80, 90, 100, 110]).max() < 3
    one = read_conditioning(str(tmp_path / "v.mp4"), 1, HD)
    assert abs(one.mean() - 110) < 3


def test_scaling_covers_the_target_and_crops_around_the_centre() -> None:
    wide = np.zeros((1, 1080, 1620, 3), np.uint8)  # 3:2: loses height
    wide[:, 95:985] = 255  # what remains of 1080 rows when 1280×704 is cut out of 1280×854
    assert scale_and_crop(wide, 1280, 704)[:, 2:-2].min() > 250
    ramp = np.broadcast_to(np.linspace(0, 255, 1280).astype(np.uint8)[None, None, :, None], (1, 720, 1280, 3))
    assert np.array_equal(scale_and_crop(np.ascontiguousarray(ramp), 1280, 704), ramp[:, 8:712])


def refusal(path: Path | str | None, count: int = 1) -> str:
    with pytest.raises(EngineFailure) as caught:
        read_conditioning(None if path is None else str(path), count, HD)
    assert caught.value.outcome is Outcome.REJECTED_INPUT
    return caught.value.reason


def test_inputs_that_cannot_start_a_clip(tmp_path: Path) -> None:
    Image.new("RGB", (64, 64)).save(tmp_path / "ok.png")
    (tmp_path / "text.jpg").write_text("no image")
    (tmp_path / "cut.png").write_bytes((tmp_path / "ok.png").read_bytes()[:60])
    (tmp_path / "text.mp4").write_text("no video")
    (tmp_path / "gif.gif").write_bytes(b"GIF89a")
    Image.new("RGB", (1, 6000)).save(tmp_path / "narrow.png")
    write_video(tmp_path / "four.mp4", frames=4)
    assert "no input: Video2World starts from an image or a video" in refusal(None)
    assert "no such file" in refusal(tmp_path / "none.png")
    assert "text.jpg: is not a PNG, JPEG or WebP image" in refusal(tmp_path / "text.jpg")
    assert "cut.png: cannot be decoded" in refusal(tmp_path / "cut.png")
    assert "text.mp4: cannot be decoded" in refusal(tmp_path / "text.mp4")
    assert "gif.gif: is a .gif" in refusal(tmp_path / "gif.gif")
    assert "narrow.png: is 1×6000 pixels" in refusal(tmp_path / "narrow.png")
    assert "--num_conditional_frames 5 needs a video (.mp4), this is an image" in refusal(tmp_path / "ok.png", 5)
    assert "four.mp4: has 4 frames; 5 are needed" in refusal(tmp_path / "four.mp4", 5)
