"""How a video says that its frames are to be shown: turned, mirrored, with pixels that are not square."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from fractions import Fraction
from typing import cast

import av
import numpy as np
from av.sidedata.sidedata import SideData
from numpy.typing import NDArray

from its_core.mp4 import UnreadableVideo

# Wider pixels than anamorphic film has are a mistake in the file.
_WIDEST_PIXEL = Fraction(4)


@dataclass(frozen=True, slots=True)
class Display:
    """From a stored frame to the one that is shown: first stretched, then transposed, then mirrored.

    Attributes:
        pixel_aspect: width ÷ height of a stored pixel.
        transposed: rows become columns.
        mirrored, upside_down: after that, left and right, top and bottom change places.
    """

    pixel_aspect: Fraction = Fraction(1)
    transposed: bool = False
    mirrored: bool = False
    upside_down: bool = False

    @classmethod
    def of(cls, stream: av.VideoStream, frame: av.VideoFrame) -> Display:
        """What the container and the frame say. Raises UnreadableVideo for what is no picture's place on a screen."""
        aspect = Fraction(stream.sample_aspect_ratio or 1)
        if aspect <= 0:
            aspect = Fraction(1)
        if not 1 / _WIDEST_PIXEL <= aspect <= _WIDEST_PIXEL:
            raise UnreadableVideo(f"has pixels of {aspect.numerator}:{aspect.denominator}, which no camera has")
        matrix = cast(SideData | None, frame.side_data.get("DISPLAYMATRIX"))
        if matrix is None:
            return cls(aspect)
        # Rows of a 3×3 matrix, [x y 1] × matrix; 16.16 fixed point in the first two columns (ISO/IEC 14496-12, 8.3.2).
        a, b, _, c, d, _, _, _, _ = struct.unpack("=9i", bytes(matrix))
        if b == c == 0 and a and d:
            return cls(aspect, False, mirrored=a < 0, upside_down=d < 0)
        if a == d == 0 and b and c:
            return cls(aspect, True, mirrored=c < 0, upside_down=b < 0)
        raise UnreadableVideo("is to be shown turned by an angle that is no multiple of 90°; save it upright")

    @property
    def changes(self) -> bool:
        """Whether anything is shown otherwise than it is stored."""
        return self != Display()

    def square(self, width_px: int, height_px: int) -> tuple[int, int]:
        """A stored frame's width and height with square pixels: the side that is too short is stretched."""
        if self.pixel_aspect >= 1:
            return round(width_px * self.pixel_aspect), height_px
        return width_px, round(height_px / self.pixel_aspect)

    def turned(self, frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A frame with square pixels, H×W×3, as it is shown."""
        shown = frame.swapaxes(0, 1) if self.transposed else frame
        return np.ascontiguousarray(shown[:: -1 if self.upside_down else 1, :: -1 if self.mirrored else 1])
