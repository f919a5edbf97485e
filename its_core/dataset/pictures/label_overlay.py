"""What is drawn over a frame: boxes with names, the point of impact, and a close-up of a small impact."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from PIL import Image, ImageDraw, ImageFont

from its_core.annotations import Annotations, Box, Point2
from its_core.taxonomy import Role
from its_core.video import Frame

Rgb = tuple[int, int, int]
AT_FAULT, NOT_AT_FAULT, BYSTANDER, IMPACT = (255, 122, 61), (79, 195, 247), (170, 176, 184), (255, 64, 96)
_COLOURS = {Role.AT_FAULT: AT_FAULT, Role.NOT_AT_FAULT: NOT_AT_FAULT, Role.BYSTANDER: BYSTANDER}
_INK = (12, 13, 16)
_SMOOTH = 4  # ImageDraw has no anti-aliasing of its own: curves are drawn this much larger
CHIP_HEIGHT = 30
_NAME_HEIGHT = 20
# An impact whose box takes a smaller share of the frame's width than this gets a close-up.
_SMALL_IMPACT = 0.3
_CLOSE_UP_SHARE = 0.34  # of the picture's width


@dataclass(frozen=True, slots=True)
class _Seen:
    """A track's visible box in the frame, in pixels."""

    box: Box
    name: str
    role: Role


@dataclass(slots=True)
class Picture:
    """A frame with its annotations; ``focus`` is the box of the impact, where the frame shows one."""

    image: Image.Image
    seen: list[_Seen]
    impact: Point2 | None = None
    focus: Box | None = None

    @classmethod
    def of(cls, frame: Frame, number: int, truth: Annotations | None) -> Self:
        seen = []
        for track in truth.tracks if truth else ():
            boxes = [entry.visible_box for entry in track.frames if entry.frame == number]
            if boxes and boxes[0] is not None:
                seen.append(_Seen(boxes[0], track.type, Role(track.role)))
        # Bystanders lie below, so that nothing covers the boxes that matter.
        seen.sort(key=lambda each: each.role is not Role.BYSTANDER)
        impact = truth.impact_point if truth and truth.accident_frame == number else None
        return cls(Image.fromarray(frame), seen, impact)

    def scaled(self, size: tuple[int, int]) -> Image.Image:
        return self.image.resize(size, Image.Resampling.LANCZOS)


def impact_picture(picture: Picture, size: tuple[int, int]) -> Image.Image:
    """The picture at ``size`` with boxes, names, the point of impact, and a close-up if that is small."""
    image = picture.scaled(size)
    scale_x, scale_y = size[0] / picture.image.width, size[1] / picture.image.height
    close_up = _close_up(picture, size)
    for seen in picture.seen:
        x1, y1, x2, y2 = seen.box
        box = (x1 * scale_x, y1 * scale_y, x2 * scale_x, y2 * scale_y)
        _frame(image, box, _COLOURS[seen.role], 1 if seen.role is Role.BYSTANDER else 2)
    if picture.impact is not None:
        ring(image, (picture.impact[0] * scale_x, picture.impact[1] * scale_y), max(7, size[0] // 70))
    _name_boxes(image, picture, scale_x, scale_y)
    if close_up is not None:
        image.paste(close_up[0], close_up[1])
    return image


def _frame(image: Image.Image, box: Box, colour: Rgb, width: int) -> None:
    x1, y1, x2, y2 = (round(value) for value in box)
    ImageDraw.Draw(image).rectangle((x1, y1, max(x1 + 2, x2 - 1), max(y1 + 2, y2 - 1)), outline=colour, width=width)


def _name_boxes(image: Image.Image, picture: Picture, scale_x: float, scale_y: float) -> None:
    """Names beside the boxes of those involved: above if there is room, else below, not over each other."""
    font = ImageFont.load_default(15)
    draw = ImageDraw.Draw(image)
    taken: list[Box] = []
    for seen in picture.seen:
        if seen.role is Role.BYSTANDER:
            continue
        text = f"{seen.name}, {seen.role.value.replace('_', ' ')}"
        width = draw.textlength(text, font) + 8
        x = min(max(0.0, seen.box[0] * scale_x), image.width - width)
        top, bottom = seen.box[1] * scale_y, seen.box[3] * scale_y + 1
        steps = range(len(taken) + 1)
        tops = [top - (step + 1) * _NAME_HEIGHT for step in steps] + [bottom + step * _NAME_HEIGHT for step in steps]
        candidates = [(x, y, x + width, y + _NAME_HEIGHT - 1) for y in tops if 0 <= y <= image.height - _NAME_HEIGHT]
        free = [each for each in candidates if not any(_overlap(each, other) for other in taken)]
        if not free:
            continue
        taken.append(free[0])
        draw.rectangle(free[0], fill=_COLOURS[seen.role])
        draw.text((free[0][0] + 4, free[0][1] + 1), text, _INK, font)


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _close_up(picture: Picture, size: tuple[int, int]) -> tuple[Image.Image, tuple[int, int]] | None:
    """The impact enlarged, and where to put it: the corner farthest from the impact."""
    if picture.focus is None:
        return None
    x1, y1, x2, y2 = picture.focus
    whole = picture.image
    if x2 - x1 >= _SMALL_IMPACT * whole.width:
        return None
    width = round(size[0] * _CLOSE_UP_SHARE)
    height = round(width * 0.75)
    centre_x, centre_y = (x1 + x2) / 2, (y1 + y2) / 2
    cut_width = max((x2 - x1) * 1.5, (y2 - y1) * 1.5 * width / height, width / 4)
    cut_height = cut_width * height / width
    left = min(max(0.0, centre_x - cut_width / 2), whole.width - cut_width)
    top = min(max(0.0, centre_y - cut_height / 2), whole.height - cut_height)
    cut = whole.resize((width, height), Image.Resampling.LANCZOS, (left, top, left + cut_width, top + cut_height))
    if picture.impact is not None:
        at = ((picture.impact[0] - left) * width / cut_width, (picture.impact[1] - top) * height / cut_height)
        ring(cut, at, max(9, width // 22))
    framed = Image.new("RGB", (width + 4, height + 4), (255, 255, 255))
    framed.paste(cut, (2, 2))
    margin = 10
    x = size[0] - width - 4 - margin if centre_x < whole.width / 2 else margin
    y = size[1] - height - 4 - margin - CHIP_HEIGHT if centre_y < whole.height / 2 else margin
    return framed, (x, y)


def ring(image: Image.Image, centre: tuple[float, float], radius: int) -> None:
    """A ring with a dot, dark-edged so that it shows on any ground, drawn smooth."""
    side = 2 * radius + 8
    tile = Image.new("RGBA", (side * _SMOOTH, side * _SMOOTH))
    draw = ImageDraw.Draw(tile)
    middle = side * _SMOOTH / 2
    for reach, width, colour in ((radius + 2, 6, (*_INK, 170)), (radius, 3, (*IMPACT, 255))):
        reach *= _SMOOTH
        draw.ellipse(
            (middle - reach, middle - reach, middle + reach, middle + reach), outline=colour, width=width * _SMOOTH
        )
    dot = 2.5 * _SMOOTH
    draw.ellipse((middle - dot, middle - dot, middle + dot, middle + dot), fill=(*IMPACT, 255))
    tile = tile.resize((side, side), Image.Resampling.LANCZOS)
    image.paste(tile, (round(centre[0] - side / 2), round(centre[1] - side / 2)), tile)


def chip(image: Image.Image, corner: tuple[int, int], text: str) -> None:
    """Text on a dark rectangle whose lower right corner is given. Cameras print their own text in the other corners."""
    font = ImageFont.load_default(20)
    x, y = corner
    draw = ImageDraw.Draw(image, "RGBA")
    width = draw.textlength(text, font)
    draw.rectangle((x - width - 20, y - CHIP_HEIGHT, x - 1, y - 1), fill=(*_INK, 190))
    draw.text((x - width - 10, y - CHIP_HEIGHT + 3), text, (240, 242, 245), font)
