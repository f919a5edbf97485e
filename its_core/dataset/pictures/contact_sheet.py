"""``contact_sheet.png``: start, impact and end of each clip in one picture."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from its_core.annotations import Annotations, Box
from its_core.clip import Geometry
from its_core.dataset.pictures.label_overlay import (
    AT_FAULT,
    BYSTANDER,
    IMPACT,
    NOT_AT_FAULT,
    Picture,
    chip,
    impact_picture,
    ring,
)
from its_core.shards import processors
from its_core.video import read_frames_numbered

FILE_NAME = "contact_sheet.png"
MOST_CLIPS = 24
_WIDTH, _MARGIN, _GUTTER, _GAP = 2400, 60, 40, 4
_HEADER, _CAPTION, _ROW_GAP = 150, 84, 34
_GROUND, _TEXT, _MUTED = (20, 22, 26), (232, 234, 237), (148, 155, 164)


@dataclass(frozen=True, slots=True)
class Entry:
    """A clip to show; ``title`` and ``details`` are the two lines of its caption."""

    video: Path
    annotations: Annotations | None
    title: str
    details: str


@dataclass(frozen=True, slots=True)
class _Shown:
    """A clip's pictures in the sizes of the sheet, and what the large one shows."""

    impact: Image.Image
    start: Image.Image
    end: Image.Image
    moment: str


def choose(kinds: Sequence[str | None]) -> list[int]:
    """Which clips to show, at most 24, in order: of every kind (incident) in turn, so that none is missing."""
    by_kind: dict[str | None, list[int]] = {}
    for index, kind in enumerate(kinds):
        by_kind.setdefault(kind, []).append(index)
    in_turn = [index for indices in zip_longest(*by_kind.values()) for index in indices if index is not None]
    return sorted(in_turn[:MOST_CLIPS])


def draw(entries: Sequence[Entry], title: str, subtitle: str, geometry: Geometry) -> Image.Image:
    """The sheet, 2400 pixels wide, two clips abreast up to twelve clips and three beyond."""
    columns = 2 if len(entries) <= MOST_CLIPS // 2 else 3
    card_width = (_WIDTH - 2 * _MARGIN - (columns - 1) * _GUTTER) // columns
    small = _size((card_width - _GAP) // 3, geometry)
    large = (card_width - _GAP - small[0], 2 * small[1] + _GAP)
    rows = -(-len(entries) // columns)
    row_height = large[1] + _CAPTION + _ROW_GAP
    sheet = Image.new("RGB", (_WIDTH, _MARGIN + _HEADER + rows * row_height + _MARGIN - _ROW_GAP), _GROUND)
    _draw_header(sheet, title, subtitle)
    with ThreadPoolExecutor(processors.available()) as pool:  # every clip is decoded
        shown = pool.map(lambda entry: _show(entry, geometry.frames, large, small), entries)
        for index, (entry, pictures) in enumerate(zip(entries, shown, strict=True)):
            x = _MARGIN + index % columns * (card_width + _GUTTER)
            y = _MARGIN + _HEADER + index // columns * row_height
            _draw_card(sheet, (x, y), entry, pictures)
    return sheet


def _size(width: int, geometry: Geometry) -> tuple[int, int]:
    return width, round(width * geometry.height_px / geometry.width_px)


def _draw_header(sheet: Image.Image, title: str, subtitle: str) -> None:
    draw = ImageDraw.Draw(sheet)
    draw.text((_MARGIN, _MARGIN - 14), title, _TEXT, ImageFont.load_default(52))
    draw.text((_MARGIN, _MARGIN + 58), subtitle, _MUTED, ImageFont.load_default(26))
    font = ImageFont.load_default(24)
    x, y = _WIDTH - _MARGIN, _MARGIN + 58
    for label, colour in (
        ("point of impact", IMPACT),
        ("bystander", BYSTANDER),
        ("not at fault", NOT_AT_FAULT),
        ("at fault", AT_FAULT),
    ):
        x -= round(draw.textlength(label, font))
        draw.text((x, y), label, _MUTED, font)
        x -= 36
        if colour == IMPACT:
            ring(sheet, (x + 12, y + 14), 10)
        else:
            draw.rectangle((x, y + 4, x + 22, y + 24), outline=colour, width=3)
        x -= 34


def _show(entry: Entry, frames: int, large: tuple[int, int], small: tuple[int, int]) -> _Shown:
    start, middle, end, moment = _pictures(entry, frames)
    return _Shown(impact_picture(middle, large), start.scaled(small), end.scaled(small), moment)


def _draw_card(sheet: Image.Image, at: tuple[int, int], entry: Entry, shown: _Shown) -> None:
    x, y = at
    right, bottom = x + shown.impact.width, y + shown.impact.height
    beside, edge = right + _GAP, right + _GAP + shown.start.width
    sheet.paste(shown.impact, at)
    sheet.paste(shown.start, (beside, y))
    sheet.paste(shown.end, (beside, y + shown.start.height + _GAP))
    chip(sheet, (right, bottom), shown.moment)
    chip(sheet, (edge, y + shown.start.height), "start")
    chip(sheet, (edge, bottom), "end")
    draw = ImageDraw.Draw(sheet)
    width = edge - x
    below = bottom + 12
    for text, size, colour in ((entry.title, 30, _TEXT), (entry.details, 23, _MUTED)):
        font = ImageFont.load_default(size)
        draw.text((x, below), _fitted(text, width, font), colour, font)
        below += 38


def _fitted(text: str, width: int, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text.rstrip() + "…"


def _pictures(entry: Entry, frames: int) -> tuple[Picture, Picture, Picture, str]:
    """Start, impact (or the middle of what is unusual, or of the clip) and end of a clip of ``frames`` frames, and what
    the middle one is called."""
    truth = entry.annotations
    middle, moment = frames // 2, "middle"
    impact_box: Box | None = None
    if truth is not None and truth.accident_frame is not None:
        middle, impact_box = truth.accident_frame, truth.impact_box
        moment = f"impact · {truth.accident_time_s:.2f} s · frame {middle}"
    elif truth is not None and truth.anomaly_start is not None and truth.anomaly_end is not None:
        middle = (truth.anomaly_start + truth.anomaly_end - 1) // 2
        moment = f"incident · {middle / truth.fps:.2f} s · frame {middle}"
    numbers = (0, middle, frames - 1)
    pictures = read_frames_numbered(entry.video, numbers)
    shown = [Picture.of(pictures[number], number, truth) for number in numbers]
    shown[1].focus = impact_box
    return shown[0], shown[1], shown[2], moment
