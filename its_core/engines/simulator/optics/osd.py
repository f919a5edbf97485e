"""The text that a recorder burns into its pictures: the camera's name and the clock."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from its_core.engines.simulator.compilation import kernel
from its_core.engines.simulator.optics.daylight import Daylight
from its_core.engines.simulator.randomness import rng_of

Frame = NDArray[np.uint8]
Shares = NDArray[np.uint16]  # H×3W: the three channels of a row one after another
Block = tuple[int, int, Shares, Shares]  # top and left (px), what to keep and what to add

_STREETS = (
    "MAIN ST", "5TH AVE", "STATION RD", "HARBOUR WAY", "OAK ST", "MARKET SQ", "KING ST", "MILL LANE", "PARK AVE",
    "RIVERSIDE", "CANAL ST", "CHURCH RD", "NORTH RING", "HIGH ST", "LINCOLN BLVD", "VICTORIA RD",
)  # fmt: skip
_CLOCKS = ("%Y-%m-%d %H:%M:%S", "%d/%m/%Y %H:%M:%S", "%m-%d-%Y %a %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%d %b %Y %H:%M:%S")


class Overlay:
    """One camera's text. Its clock shows an hour at which the sun stands as it does, on a day of that season."""

    def __init__(
        self, camera_id: str, daylight: Daylight, width_px: int, height_px: int, seed: int, in_town: bool = True
    ) -> None:
        rng = rng_of("overlay", camera_id)
        size = max(9, round(width_px * float(rng.uniform(0.0145, 0.021))))
        self._font = ImageFont.load_default(size)
        self._format = _CLOCKS[int(rng.integers(len(_CLOCKS)))]
        number = int(rng.integers(1, 64))
        first, second = (int(value) for value in rng.choice(len(_STREETS), 2, replace=False))
        where = f"{_STREETS[first]} / {_STREETS[second]}" if in_town else _on_a_highway(rng)
        self._name = f"CAM {number:02d}  {where}"
        self._style = str(rng.choice(["outline", "outline", "shadow", "bar"]))
        self._together = bool(rng.random() < 0.4)
        self._low_name = bool(rng.random() < 0.5)
        self._size, self._frame_px = size, (width_px, height_px)
        self._start = _moment(daylight, rng_of("clock", camera_id, seed))
        self._shown: tuple[str, list[Block]] | None = None

    def written(self, picture: Frame, time_s: float) -> None:
        """Writes name and clock into the picture, in place."""
        clock = (self._start + timedelta(seconds=time_s)).strftime(self._format)
        if self._shown is None or self._shown[0] != clock:
            self._shown = (clock, self._blocks(clock))
        for block in self._shown[1]:
            _write(picture, *block)

    def _blocks(self, clock: str) -> list[Block]:
        width, height = self._frame_px
        edge, line = round(0.6 * self._size), round(1.5 * self._size)
        if self._together:
            return [self._block(f"{self._name}   {clock}", edge, edge)]
        name_y = height - edge - line if self._low_name else edge
        clock_x = edge if self._low_name else width - edge - round(self._font.getlength(clock)) - 4
        return [self._block(self._name, edge, name_y), self._block(clock, clock_x, edge)]

    def _block(self, text: str, x: int, y: int) -> Block:
        """Where the text goes, what to keep of the picture (of 256) and what to add (256 times)."""
        width, height = self._frame_px
        x, y = max(x, 0), max(y, 0)
        wide = min(round(self._font.getlength(text)) + 8, width - x)
        tall = min(round(1.5 * self._size), height - y)
        ink, rim = Image.new("L", (wide, tall)), Image.new("L", (wide, tall))
        ImageDraw.Draw(ink).text((3, 1), text, fill=255, font=self._font)
        if self._style == "outline":
            ImageDraw.Draw(rim).text(
                (3, 1), text, fill=235, font=self._font, stroke_width=max(1, self._size // 14), stroke_fill=235
            )
        elif self._style == "shadow":
            ImageDraw.Draw(rim).text((4, 2), text, fill=220, font=self._font)
        else:
            rim.paste(130, (0, 0, wide, tall))
        inked = np.asarray(ink, np.float32).repeat(3, axis=1) / 255.0
        dark = np.maximum(np.asarray(rim, np.float32).repeat(3, axis=1) / 255.0, inked)
        keep = np.round(256.0 * (1.0 - dark)).astype(np.uint16)
        add = np.round(256.0 * 232.0 * inked).astype(np.uint16)
        return y, x, keep, add


@kernel
def _write(picture: Frame, top: int, left: int, keep: Shares, add: Shares) -> None:
    height, width, _ = picture.shape
    lines, bits = picture.reshape(height, 3 * width), np.uint16(8)
    for row in range(keep.shape[0]):
        shown, kept, added = lines[top + row, 3 * left :], keep[row], add[row]
        for i in range(len(kept)):
            shown[i] = np.uint16(np.uint16(shown[i]) * kept[i] + added[i]) >> bits


def _on_a_highway(rng: np.random.Generator) -> str:
    road = f"{('A', 'M', 'I-', 'E', 'B')[int(rng.integers(5))]}{int(rng.integers(2, 99))}"
    return f"{road} KM {int(rng.integers(20, 1800)) / 10} {('N', 'S', 'E', 'W')[int(rng.integers(4))]}B"


def _moment(daylight: Daylight, rng: np.random.Generator) -> datetime:
    """A day of winter or of the time when trees have leaves, at about the daylight's hour."""
    month = (12, 1, 2)[int(rng.integers(3))] if daylight.winter else int(rng.integers(5, 10))
    day = datetime(int(rng.integers(2022, 2026)), month, int(rng.integers(1, 29)))
    off = timedelta(seconds=int(rng.integers(-600, 600)), milliseconds=int(rng.integers(1000)))
    return day + timedelta(hours=daylight.hour) + off
