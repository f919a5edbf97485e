"""Measures of one clip, taken from all its decoded frames. ``suite`` says which values are accepted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from itertools import islice
from pathlib import Path

import av
import numpy as np
import pandas as pd
from PIL import Image, ImageOps

from its_core.checks.burnt_in_text import text_lines
from its_core.checks.gates import GateMeter
from its_core.checks.motion import Blocks, Luma, MotionMeter, block_means
from its_core.checks.weather import blue_sky_share
from its_core.clip import Geometry, Scene
from its_core.video import Frame, Probe, StoredFrame, decoder_complaints, opened

# Of a clip longer than asked this many frames more are decoded: enough to say that it is too long, and bounded.
EXTRA_FRAMES = 16
LUMA_BLACK, LUMA_RANGE = 16.0, 219.0  # BT.709's limited range: what black is stored as, and white above it
NEARLY_BLACK = LUMA_BLACK + 0.05 * LUMA_RANGE
BLACK_SHARE = 0.98  # of a frame's pixels
_DARK = 60.0  # mean luma; a frame with so many black pixels is darker
FLAT_LEVELS = 2.0  # standard deviation of block means below which a frame shows nothing


MAY_BE_NULL = frozenset({"problem", "first_frame_difference", "asked_light", "asked_weather"})


@dataclass(frozen=True, slots=True)
class Measures:
    """Measures of a clip. A field is None where the file could not be read far enough.

    ``problem`` says why, and why decoding ended early. ``duration_s`` is what the file declares, ``missing_bytes`` what
    it promises beyond its end, ``decode_errors`` how often the decoder complained. ``mean_luma`` is 0 (black) to 255.
    ``still_frames`` counts the longest run in which nothing moves, ``frozen_frames`` the longest that began or ended
    too abruptly to be a scene at rest. ``first_frame_difference`` is the mean difference of small blocks from the
    conditioning frame, in levels of 255, None without one. The last ones are described in ``gates`` and ``weather``,
    but for what was asked for: ``asked_light`` and ``asked_weather``, None where the row leaves them open, and
    ``text_is_asked``, where the engine writes into its pictures. Text of the conditioning frame is not counted.
    """

    problem: str | None
    codec: str | None = None
    pix_fmt: str | None = None
    width_px: int | None = None
    height_px: int | None = None
    fps: float | None = None
    duration_s: float | None = None
    size_bytes: int | None = None
    faststart: bool | None = None
    bt709: bool | None = None
    declared_frames: int | None = None
    missing_bytes: int | None = None
    decoded_frames: int | None = None
    decode_errors: int | None = None
    mean_luma: float | None = None
    black_frames: int | None = None
    flat_frames: int | None = None
    still_frames: int | None = None
    frozen_frames: int | None = None
    first_frame_difference: float | None = None
    camera_drift_px: float | None = None
    cuts: int | None = None
    flicker_levels: float | None = None
    crushed_share: float | None = None
    clipped_share: float | None = None
    sharpness: float | None = None
    colour_cast_levels: float | None = None
    contrast_levels: float | None = None
    perceptual_hash: str | None = None
    precipitation_permille: float | None = None
    blue_sky_share: float | None = None
    text_characters: int | None = None
    asked_light: str | None = None
    asked_weather: str | None = None
    text_is_asked: bool | None = None


_DTYPES = {"str": "string", "int": "Int64", "float": "Float64", "bool": "boolean"}


def table(measures: Mapping[str, Measures]) -> pd.DataFrame:
    """One row a clip, ``clip_id`` first; nullable types, so that a column keeps its type whatever is missing."""
    dtypes = {field.name: _DTYPES[str(field.type).split(" ")[0]] for field in fields(Measures)}
    rows = [{"clip_id": clip_id} | asdict(measured) for clip_id, measured in measures.items()]
    return pd.DataFrame(rows, columns=["clip_id", *dtypes]).astype({"clip_id": "string"} | dtypes)


def measure(
    path: Path,
    geometry: Geometry,
    conditioning: Frame | None = None,
    scene: Scene | None = None,
    text_is_asked: bool = False,
) -> Measures:
    """Decodes every frame of a clip and measures it. It never raises for a bad file: ``problem`` says what is wrong.

    ``conditioning`` is the H×W×3 RGB picture that the first frame should look like, of any size: it is scaled to cover
    the geometry and cropped to its middle. ``scene`` is what the clip should show; ``text_is_asked`` says that text may
    be burnt in.
    """
    sums = _FrameSums()
    probed: Probe | None = None
    problem: str | None = None
    with decoder_complaints() as complaints:
        try:
            with opened(path) as (probed, frames):
                for frame in islice(frames, geometry.frames + EXTRA_FRAMES):
                    sums.add(frame)
        except (av.FFmpegError, OSError, ValueError) as error:
            problem = f"decoding stopped after {sums.count} frames: {error}" if probed else str(error)
    if probed is None:
        return Measures(problem=problem)
    if problem is None and complaints.lines:
        problem = f"the decoder complained: {complaints.lines[0]}"
    measured = sums.measures(probed, problem, len(complaints.lines), _expected_start(conditioning, geometry))
    measured = replace(measured, text_is_asked=text_is_asked)
    if scene is not None:
        measured = replace(measured, asked_light=scene.light, asked_weather=scene.weather)
    if conditioning is not None and measured.first_frame_difference is None and measured.problem is None:
        # Great Expectations lets a null pass: a comparison that could not be made must not count as one that was good.
        return replace(measured, problem="the first frame could not be compared with the conditioning frame")
    return measured


class _FrameSums:
    """Sums over a clip's frames."""

    def __init__(self) -> None:
        self.count = 0
        self._luma_sum = 0.0
        self._black = 0
        self._flat = 0
        self._motion = MotionMeter()
        self._gates = GateMeter()
        self._first: Luma | None = None
        self._colour_cast: float | None = None
        self._blue_sky: float | None = None

    def add(self, frame: StoredFrame) -> None:
        luma = frame.luma()
        if self._first is None:
            self._first = luma.copy()
            picture = frame.rgb()
            self._colour_cast, self._blue_sky = _colour_cast(picture), blue_sky_share(picture)
        self.count += 1
        blocks = block_means(luma)
        mean = float(blocks.mean())
        self._luma_sum += mean
        self._black += mean <= _DARK and _is_black(luma)
        self._flat += _is_flat(blocks, mean)
        self._motion.add(blocks)
        self._gates.add(luma, blocks)

    def measures(self, probed: Probe, problem: str | None, errors: int, expected_start: Luma | None) -> Measures:
        gates = self._gates.measures([] if expected_start is None else text_lines(expected_start))
        return Measures(
            problem=problem,
            codec=probed.codec,
            pix_fmt=probed.pix_fmt,
            width_px=probed.width_px,
            height_px=probed.height_px,
            fps=probed.fps,
            duration_s=probed.duration_s,
            size_bytes=probed.size_bytes,
            faststart=probed.faststart,
            bt709=probed.colours.is_bt709,
            declared_frames=probed.declared_frames,
            missing_bytes=probed.missing_bytes,
            decoded_frames=self.count,
            decode_errors=errors,
            mean_luma=_full_range(self._luma_sum / self.count) if self.count else None,
            black_frames=self._black,
            flat_frames=self._flat,
            still_frames=self._motion.still_frames,
            frozen_frames=self._motion.frozen_frames,
            cuts=self._motion.cuts if self.count else None,
            first_frame_difference=_difference(self._first, expected_start),
            colour_cast_levels=self._colour_cast,
            blue_sky_share=self._blue_sky,
            **(asdict(gates) if gates else {}),
        )


def _is_flat(blocks: Blocks, mean: float) -> bool:
    """Whether the blocks' standard deviation is small; a tenth of the time of ``std``."""
    beside = (blocks - np.float32(mean)).ravel()
    return bool(beside @ beside < FLAT_LEVELS**2 * beside.size)


def _is_black(luma: Luma) -> bool:
    sparse = luma[::2, ::2]
    return bool(np.count_nonzero(sparse <= NEARLY_BLACK) >= BLACK_SHARE * sparse.size)


def _colour_cast(frame: Frame) -> float:
    """How far a colour channel's mean is beside the mean of all three, in levels of 255."""
    means = frame[::4, ::4].reshape(-1, 3).mean(axis=0)
    return round(float(np.abs(means - means.mean()).max()), 2)


def _full_range(luma: float) -> float:
    return round(min(255.0, max(0.0, (luma - LUMA_BLACK) * 255 / LUMA_RANGE)), 3)


def _expected_start(conditioning: Frame | None, geometry: Geometry) -> Luma | None:
    if conditioning is None:
        return None
    size = (geometry.width_px, geometry.height_px)
    picture = np.asarray(ImageOps.fit(Image.fromarray(conditioning), size, Image.Resampling.BICUBIC), np.float32)
    full = picture @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    return np.asarray(np.rint(LUMA_BLACK + full * (LUMA_RANGE / 255)), np.uint8)


def _difference(first: Luma | None, expected: Luma | None) -> float | None:
    """Mean difference of block means, in levels of 255. Noise, sharpness and coding hardly change it."""
    if first is None or expected is None or first.shape != expected.shape:
        return None
    difference = float(np.abs(block_means(first) - block_means(expected)).mean())
    return round(difference * 255 / LUMA_RANGE, 3)
