"""Which tokens each block of a sparse network attends to, without torch: costs and options are computed from it.

NVIDIA's checkpoints ``model-720p-{10,16}fps-natten.pt`` were trained with generalized neighbourhood attention
(arXiv:2504.16922): a token attends to a window of rows and columns around it, in all frames. The windows of a block
are those of cosmos-predict2's ``config_natten.py``, the rules for other grids those of its ``neighborhood_attn.py``.
"""

from __future__ import annotations

from dataclasses import dataclass

from its_core.engines.cosmos.shapes import ModelSize

BASE_ROWS, BASE_COLUMNS = 44, 80  # tokens of a clip of 1280×704: the grid that windows are given for

Pair = tuple[int, int]  # rows, columns


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """A window in tokens. Tokens that are ``dilation`` apart see each other; of those, ``stride`` neighbours share one
    window."""

    window: Pair
    stride: Pair = (1, 1)
    dilation: Pair = (1, 1)

    def on(self, rows: int, columns: int) -> Neighbourhood:
        """The same on a grid of another size: scaled, the window at least 2 and within the grid."""
        axes = [
            _scaled(length, length / base, *axis)
            for length, base, axis in zip(
                (rows, columns),
                (BASE_ROWS, BASE_COLUMNS),
                zip(self.window, self.stride, self.dilation, strict=True),
                strict=True,
            )
        ]
        (window_r, stride_r, dilation_r), (window_c, stride_c, dilation_c) = axes
        return Neighbourhood((window_r, window_c), (stride_r, stride_c), (dilation_r, dilation_c))

    def density(self, rows: int, columns: int) -> float:
        """The share of all tokens that a token attends to."""
        window_rows, window_columns = self.on(rows, columns).window
        return window_rows * window_columns / (rows * columns)


def _scaled(length: int, scale: float, window: int, stride: int, dilation: int) -> tuple[int, int, int]:
    window = min(max(2, round(window * scale)), length)
    return window, min(max(1, round(stride * scale)), window), min(max(1, round(dilation * scale)), length // window)


_EVERYWHERE = Neighbourhood((4, 16), dilation=(11, 5))  # 1.8 % of the tokens, spread over the picture
_WIDE = Neighbourhood((12, 16), stride=(4, 1), dilation=(1, 5))  # 5.5 %, spread over the columns
_SMALL = Neighbourhood((12, 24), stride=(4, 8))  # 8.2 %
_MEDIUM = Neighbourhood((20, 40), stride=(4, 8))  # 22.7 %
_LARGE = Neighbourhood((28, 56), stride=(4, 8))  # 44.5 %

# Block by block; None: all tokens.
NEIGHBOURHOODS: dict[ModelSize, tuple[Neighbourhood | None, ...]] = {
    "2B": (
        *[_EVERYWHERE] * 2, _WIDE, _SMALL, _SMALL, _WIDE, *[_SMALL] * 4, _WIDE,
        *[_MEDIUM] * 12, _LARGE, *[_MEDIUM] * 3, _SMALL,
    ),
    "14B": (
        *[_EVERYWHERE] * 11, *[_WIDE] * 2, *[_SMALL] * 10,
        _MEDIUM, _LARGE, _MEDIUM, _LARGE, None, _LARGE, _MEDIUM, _MEDIUM, _LARGE, _LARGE, _MEDIUM, _LARGE, _MEDIUM,
    ),
    "tiny": (_EVERYWHERE, _SMALL),
}  # fmt: skip
