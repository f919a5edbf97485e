"""The sizes of the network, without torch: options are checked against them before anything is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ModelSize = Literal["2B", "14B", "tiny"]


@dataclass(frozen=True, slots=True)
class NetworkShape:
    """What differs between the sizes of the network; ``rope_ratio`` stretches positions in t, h, w."""

    width: int
    blocks: int
    heads: int
    rope_ratio: tuple[float, float, float]
    text_width: int = 1024
    adaln_rank: int = 256


SHAPES: dict[ModelSize, NetworkShape] = {
    "2B": NetworkShape(width=2048, blocks=28, heads=16, rope_ratio=(1.0, 3.0, 3.0)),
    "14B": NetworkShape(width=5120, blocks=36, heads=40, rope_ratio=(20 / 24, 2.0, 2.0)),
    "tiny": NetworkShape(width=64, blocks=2, heads=4, rope_ratio=(1.0, 3.0, 3.0), text_width=32, adaln_rank=8),
}
