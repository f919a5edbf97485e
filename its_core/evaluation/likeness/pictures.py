"""Pairs of clips to look at: a sheet of their middle frames, and both clips side by side in one video."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from its_core.clip import Geometry
from its_core.evaluation.likeness.versions import Compared, Pair, local_pair
from its_core.video import Frame, probe, read_frames, write_mp4

AMPLIFIED = 4  # times, the difference of two frames
_WIDTH_PX, _GAP_PX, _CAPTION_PX = 480, 6, 34
_GROUND, _TEXT = (20, 22, 26), (232, 234, 237)


def sheet(compared: Sequence[Compared]) -> Image.Image:
    """A row a pair: the middle frames before and after, and their difference, amplified, on grey."""
    rows = []
    for each in compared:
        with ExitStack() as stack:
            before, after = (_middle(path) for path in local_pair(each.pair, stack))
        changed = 128 + AMPLIFIED * (after.astype(np.int16) - before)
        difference = np.clip(changed, 0, 255).astype(np.uint8)
        rows.append([Image.fromarray(picture) for picture in (before, after, difference)])
    height = max(round(_WIDTH_PX * row[0].height / row[0].width) for row in rows)
    size = (3 * _WIDTH_PX + 2 * _GAP_PX, len(rows) * (height + _CAPTION_PX))
    page = Image.new("RGB", size, _GROUND)
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(20)
    for number, (each, pictures) in enumerate(zip(compared, rows, strict=True)):
        y = number * (height + _CAPTION_PX)
        for column, picture in enumerate(pictures):
            page.paste(picture.resize((_WIDTH_PX, height)), (column * (_WIDTH_PX + _GAP_PX), y + _CAPTION_PX))
        draw.text((4, y + 5), caption(each), _TEXT, font)
    return page


def caption(compared: Compared) -> str:
    """A pair's scenario and measures in a line."""
    measured = compared.likeness
    if measured is None:
        return f"{compared.pair.scenario}: {compared.reason}"
    score = "" if compared.vmaf is None else f", VMAF {compared.vmaf:.1f}"
    return f"{compared.pair.scenario}: PSNR {measured.psnr_db:.1f} dB, SSIM {measured.ssim:.3f}{score}"


def side_by_side(pair: Pair, path: Path) -> None:
    """Writes a video of both clips, the one before on the left. Both must have the same size, length and rate.

    Raises UnreadableVideo; ValueError for clips of different lengths.
    """
    with ExitStack() as stack:
        before, after = local_pair(pair, stack)
        size = probe(before)
        geometry = Geometry(2 * size.width_px, size.height_px, round(size.fps or 1), size.declared_frames)
        write_mp4(path, _joined(before, after), geometry)


def _joined(before: Path, after: Path) -> Iterator[Frame]:
    for one, other in zip(read_frames(before), read_frames(after), strict=True):
        yield np.concatenate([one, other], axis=1)


def _middle(path: Path) -> Frame:
    frames = list(read_frames(path))
    return frames[len(frames) // 2]
