"""How a camera renders light: exposure, tone, colour cast, softness, sensor noise — its own for each camera_id."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.compilation import inline, kernel
from its_core.engines.simulator.meshes.noise import blurred, white_noise
from its_core.engines.simulator.optics.daylight import Daylight
from its_core.engines.simulator.optics.softening import Softening
from its_core.engines.simulator.portable_math import cos, exp, power, sin
from its_core.engines.simulator.randomness import normal, rng_of

F32 = NDArray[np.float32]
Frame = NDArray[np.uint8]

_STEPS = 4096
_BRIGHTEST = 4.0
_FULL = 2.0  # a pixel is full before colours are mixed: else bright red lamps would turn white
_BANK_MARGIN_PX = 64
_LONGEST_CLIP = 512  # frames
_GAIN_BITS = 22  # of a gain's fraction: with more, a byte times a gain would not fit 32 bits
_STEPPING = 0.25  # of all clips, in which the exposure changes
_DIRTY = 0.3  # of all cameras
_METERED_PX = 4  # every so many pixels are metered
_METERED_SHARE, _BRIGHT_SHARE = 0.6, 0.98  # of the ground is darker than what is metered
_GROUND_LIGHT, _BRIGHT_LIGHT = 0.08, 0.40  # of that in the picture: about 88 and 175 of 255 at most
_PICTURE_LIGHT = 0.065  # of half of the whole picture
_INDOORS = 1.9  # times as bright is the picture of a tunnel
_GAINS = {True: (1.1, 6.0), False: (1.1, 3.2)}  # least and most exposure by night, at dusk and dawn


@dataclass(frozen=True, slots=True)
class Traits:
    """``gain`` and ``cast`` scale light, ``contrast`` bends the tone curve, ``lift`` raises black; ``saturation``;
    ``softness_px`` blurs, ``halo`` sharpens (0 to 1), ``noise`` is its strength in grey levels, ``coarse`` its grain in
    pixels; ``shading`` how much the corners lose."""

    gain: float
    cast: tuple[float, float, float]
    contrast: float
    lift: float
    saturation: float
    softness_px: float
    halo: float
    noise: float
    coarse: float
    shading: float


def traits(camera_id: str, daylight: Daylight, quality: float) -> Traits:
    """The look of a camera of a ``quality`` from 0 (poor) to 1."""
    rng = rng_of("look", camera_id)
    warmth, green = normal(rng, 0.0, 0.045), normal(rng, 0.0, 0.02)
    dark = 1.3 + 0.1 * daylight.exposure if daylight.lamps >= 1.0 else 1.35 if daylight.lit else 1.0
    return Traits(
        gain=float(rng.uniform(0.86, 1.22)),
        cast=(1.0 + warmth, 1.0 + green, 1.0 - warmth),
        contrast=float(rng.uniform(0.75, 1.25)),
        lift=float(rng.uniform(0.0, 0.035)),
        saturation=float(rng.uniform(0.72, 1.12)),
        softness_px=float(1.75 - 1.7 * quality + rng.uniform(0.0, 0.25)),
        halo=float(rng.uniform(0.0, 0.9)) * (not daylight.lit),
        noise=float((4.2 - 3.0 * quality) * rng.uniform(0.75, 1.25) * dark),
        coarse=float(1.3 - 0.8 * quality),
        shading=float(rng.uniform(0.0, 0.26)),
    )


def metered(radiance: F32, ground_share: F32, daylight: Daylight) -> float:
    """The exposure that a camera with automatic gain chooses for a view in which nothing moves.

    After sunset it brightens the ground in the picture to a dark grey, as far as its gain reaches; by day it keeps that
    of the daylight.

    Args:
        radiance: H×W×3.
        ground_share: H×W, how much of each pixel is ground.
        daylight: under which the view lies.
    """
    if not daylight.lit:
        return daylight.exposure
    seen = radiance[::_METERED_PX, ::_METERED_PX]
    ground = ground_share[::_METERED_PX, ::_METERED_PX] > 0.5
    if not ground.any():
        return daylight.exposure
    grey = seen[..., 0] * np.float32(0.25) + seen[..., 1] * np.float32(0.60) + seen[..., 2] * np.float32(0.15)
    levels = np.sort(grey[ground])
    typical, bright = (float(levels[int(share * (len(levels) - 1))]) for share in (_METERED_SHARE, _BRIGHT_SHARE))
    low, high = _GAINS[daylight.lamps >= 1.0]
    middle = float(np.sort(grey, axis=None)[grey.size // 2])
    wanted = min(
        _GROUND_LIGHT / max(typical, 1e-4), _BRIGHT_LIGHT / max(bright, 1e-4), _PICTURE_LIGHT / max(middle, 1e-4)
    )
    if daylight.indoors:
        wanted *= _INDOORS
    return min(max(wanted, low), high)


class Tone(NamedTuple):
    """How light becomes bytes, as compiled code reads it: ``cast`` scales each colour of it."""

    cast: tuple[float, float, float]
    saturation: float


@inline
def steps_of(red: float, green: float, blue: float, exposure: float, tone: Tone) -> tuple[float, float, float]:
    """Of linear light, the steps of the tone curve: cut off to whole numbers, its indices."""
    red, green, blue = red * exposure * tone.cast[0], green * exposure * tone.cast[1], blue * exposure * tone.cast[2]
    red, green, blue = min(red, _FULL), min(green, _FULL), min(blue, _FULL)
    grey = red * 0.25 + green * 0.60 + blue * 0.15
    scale = (_STEPS - 1) / _BRIGHTEST
    red = (grey + tone.saturation * (red - grey)) * scale
    green = (grey + tone.saturation * (green - grey)) * scale
    blue = (grey + tone.saturation * (blue - grey)) * scale
    most = _STEPS - 1.0
    return min(max(red, 0.0), most), min(max(green, 0.0), most), min(max(blue, 0.0), most)


@inline
def _toned(
    red: float, green: float, blue: float, row: int, column: int, tone: Tone, exposure_at: F32, curve: Frame,
    picture: Frame,
) -> None:  # fmt: skip
    """Writes a pixel of linear light. ``exposure_at`` H×W scales it; ``curve`` has the byte of each step of light."""
    steps = steps_of(red, green, blue, exposure_at[row, column], tone)
    for channel in range(3):
        picture[row, column, channel] = curve[int(steps[channel])]


@kernel
def _toned_all(radiance: F32, tone: Tone, exposure_at: F32, curve: Frame, picture: Frame) -> None:
    for row in range(picture.shape[0]):
        for column in range(picture.shape[1]):
            _toned(
                radiance[row, column, 0], radiance[row, column, 1], radiance[row, column, 2], row, column, tone,
                exposure_at, curve, picture,
            )  # fmt: skip


@kernel
def _toned_windows(
    windows: NDArray[np.int32], radiance: F32, tone: Tone, exposure_at: F32, curve: Frame, picture: Frame
) -> None:
    for number in range(len(windows)):
        top, low, left, right = windows[number]
        for row in range(top, low):
            for column in range(left, right):
                _toned(
                    radiance[row, column, 0], radiance[row, column, 1], radiance[row, column, 2], row, column, tone,
                    exposure_at, curve, picture,
                )  # fmt: skip


class Look:
    """Turns linear light into the camera's pixels."""

    def __init__(
        self, camera_id: str, daylight: Daylight, width_px: int, height_px: int, seed: int, quality: float = 0.55
    ) -> None:
        self._traits = traits(camera_id, daylight, quality)
        self._scale = width_px / 1280.0
        self._rng = rng_of("noise", camera_id, seed)
        self._bank = self._noise_bank(width_px, height_px)
        self._margin = int(np.abs(self._bank.view(np.int8)).max(initial=0))
        self._curve = self._tone_curve()
        self._level = daylight.exposure * self._traits.gain
        self._exposure = self._shaded_exposure(width_px, height_px)
        self._exposure *= _dirt(camera_id, width_px, height_px)
        self._steps = _exposure_steps(rng_of("exposure", camera_id, seed))
        self._frame = 0

    def _tone_curve(self) -> Frame:
        """Bytes of linear light from 0 to ``_BRIGHTEST``; room is left at both ends for the noise."""
        light = np.linspace(0.0, _BRIGHTEST, _STEPS)
        film = 1.0 - exp(-1.25 * light - 0.25 * light * light)
        tone = power(film, 1.0 / 2.2)
        bend = self._traits.contrast
        tone = tone + 0.16 * bend * (tone - 0.42) * tone * (1.0 - tone) * 4.0
        tone = self._traits.lift + (1.0 - self._traits.lift) * tone
        room = self._margin
        curve: Frame = np.clip(np.round(tone * 255.0), room, 255 - room).astype(np.uint8)
        return curve

    def _shaded_exposure(self, width_px: int, height_px: int) -> F32:
        x: F32 = np.linspace(-1.0, 1.0, width_px, dtype=np.float32)
        y: F32 = np.linspace(-1.0, 1.0, height_px, dtype=np.float32) * np.float32(height_px / width_px)
        corner = (x[None, :] * x[None, :] + y[:, None] * y[:, None]) / np.float32(1.3)
        exposure = np.float32(self._level) * (1 - np.float32(self._traits.shading) * corner)
        return exposure.astype(np.float32)

    def _noise_bank(self, width_px: int, height_px: int) -> Frame:
        """Signed noise as wrapped bytes, larger than a frame, so that each frame can take another part of it."""
        rng = np.random.default_rng(int(self._rng.integers(1 << 31)))
        rows, columns = height_px + _BANK_MARGIN_PX, width_px + _BANK_MARGIN_PX
        luma = blurred(white_noise(rng, (rows, columns)), 0.55 * self._traits.coarse * self._scale)
        luma *= np.float32(self._traits.noise) / luma.std()
        small = white_noise(rng, (rows // 3 + 1, columns // 3 + 1, 3)) * np.float32(0.35 * self._traits.noise)
        bank = np.empty((rows, columns, 3), np.int8)
        _bank_of(luma, small, np.float32(3.0 * self._traits.noise), bank)
        return bank.view(np.uint8)

    @property
    def tone(self) -> Tone:
        return Tone(self._traits.cast, self._traits.saturation)

    @property
    def exposure(self) -> F32:
        """H×W: by how much the camera multiplies light."""
        return self._exposure

    @property
    def level(self) -> float:
        """By how much the camera multiplies light in the middle of the picture, dirt left out."""
        return self._level

    @property
    def curve(self) -> Frame:
        """The byte of each step of light."""
        return self._curve

    def exposed(self, radiance: F32) -> Frame:
        """H×W×3 bytes of linear light."""
        picture = np.empty(radiance.shape, np.uint8)
        _toned_all(radiance, self.tone, self._exposure, self._curve, picture)
        return picture

    def expose(self, radiance: F32, windows: NDArray[np.int32], picture: Frame) -> None:
        """``exposed`` for parts of a picture alone (K×4: top, low, left, right)."""
        _toned_windows(windows, radiance, self.tone, self._exposure, self._curve, picture)

    @property
    def softening(self) -> Softening:
        """Lens and compression blur, then the camera's own sharpening (which leaves halos)."""
        halo = self._traits.halo
        gain = 1.0 + 0.7 * halo if halo > 0.2 else 1.0
        return Softening(0.75 * self._traits.softness_px * self._scale, 1.5 * self._scale, gain)

    def noisy(self, picture: Frame) -> Frame:
        """The next frame with its exposure and sensor noise. ``picture`` keeps clear of both ends of the scale by
        the noise's strength."""
        row, column = (int(value) for value in self._rng.integers(_BANK_MARGIN_PX, size=2))
        gain = float(self._steps[min(self._frame, len(self._steps) - 1)])
        self._frame += 1
        scale, least = np.int32(round(gain * (1 << _GAIN_BITS))), np.uint8(self._margin)
        return _noised(picture, scale, least, np.uint8(255 - least), self._bank, row, column)


@kernel
def _bank_of(luma: F32, chroma: F32, limit: np.float32, bank: NDArray[np.int8]) -> None:
    """Adds both kinds of noise up; ``chroma``'s grains are three pixels wide and tall."""
    for row in range(bank.shape[0]):
        for column in range(bank.shape[1]):
            for channel in range(3):
                value = np.rint(luma[row, column] + chroma[row // 3, column // 3, channel])
                bank[row, column, channel] = np.int8(min(max(value, -limit), limit))


@kernel
def _noised(
    picture: Frame, scale: np.int32, least: np.uint8, most: np.uint8, bank: Frame, first_row: int, first_column: int
) -> Frame:
    """Each byte times ``scale`` (in units of 2 to the power of minus ``_GAIN_BITS``), kept within bounds, and noise
    (wrapped bytes) added, from that row and column of the bank on."""
    height, width, _ = picture.shape
    made = np.empty((height, width, 3), np.uint8)
    # The three channels of a row one after another: loops over them are compiled for many values at once.
    lines, noised = picture.reshape(height, 3 * width), made.reshape(height, 3 * width)
    bank_lines = bank.reshape(bank.shape[0], 3 * bank.shape[1])
    half, bits, one = np.int32(1 << (_GAIN_BITS - 1)), np.int32(_GAIN_BITS), np.int32(1 << _GAIN_BITS)
    low, high = (
        np.int32(least),
        np.int32(most),
    )  # 32 bits, as all that is computed with them: 64 are half as many at once
    for row in range(height):
        line, target = lines[row], noised[row]
        noise = bank_lines[row + first_row, 3 * first_column : 3 * (first_column + width)]
        if scale == one:
            for i in range(3 * width):
                target[i] = min(max(line[i], least), most) + noise[i]
        else:
            for i in range(3 * width):
                brighter = np.int32(np.int32(np.int32(line[i]) * scale + half) >> bits)
                target[i] = np.uint8(min(max(brighter, low), high)) + noise[i]
    return made


def _exposure_steps(rng: np.random.Generator) -> NDArray[np.float64]:
    """By frame, how much brighter than at first the automatic exposure makes the picture: some cameras step once."""
    steps = np.ones(_LONGEST_CLIP)
    if rng.random() < _STEPPING:
        at, gain = int(rng.integers(6, 80)), 1.0 + float(rng.uniform(0.035, 0.09)) * (1 if rng.random() < 0.5 else -1)
        steps[at:] = gain
        steps[at - 3 : at] = np.linspace(1.0, gain, 5)[1:-1]
    return steps


def _dirt(camera_id: str, width_px: int, height_px: int) -> F32:
    """H×W: how much light a dirty dome lets through, 1 where it is clean."""
    rng = rng_of("dirt", camera_id)
    clean: F32 = np.ones((height_px, width_px), np.float32)
    if rng.random() >= _DIRTY:
        return clean
    x = np.linspace(0.0, 1.0, width_px, dtype=np.float32)
    y = np.linspace(0.0, height_px / width_px, height_px, dtype=np.float32)
    smallest = float(rng.choice((0.003, 0.008, 0.018)))  # grains on one lens, drops or smears on another
    for _ in range(int(rng.integers(3, 7 if smallest > 0.01 else 22))):
        at_x, at_y, spread, dark = rng.uniform((0.0, 0.0, 1.0, 0.04), (1.0, height_px / width_px, 5.0, 0.24))
        turn, longer, soft = rng.uniform((0.0, 1.0, 1.1), (np.pi, 3.5 if smallest > 0.005 else 1.4, 3.0))
        cos_turn, sin_turn = np.float32(cos(float(turn))), np.float32(sin(float(turn)))
        radius = smallest * float(spread)
        reach = 1.01 * radius * float(longer)  # beyond it a grain takes nothing
        rows, columns = _within(y, float(at_y), reach), _within(x, float(at_x), reach)
        dx, dy = x[columns] - np.float32(at_x), y[rows, None] - np.float32(at_y)
        along = (dx * cos_turn + dy * sin_turn) / np.float32(radius * longer)
        across = (dy * cos_turn - dx * sin_turn) / np.float32(radius)
        away = along * along + across * across
        clean[rows, columns] *= 1.0 - np.float32(dark) * np.clip(np.float32(soft) * (1.0 - away), 0.0, 1.0)
    return clean


def _within(line: F32, middle: float, reach: float) -> slice:
    """Those of a line's rising steps that lie no farther than that from its middle."""
    return slice(*np.searchsorted(line, (middle - reach, middle + reach)).tolist())
