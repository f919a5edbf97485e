"""The numbers of a driver, side by side, so that compiled code takes those of all drivers at once."""

from __future__ import annotations

from array import array
from typing import Any

import numpy as np

# What a step changes; times are infinite where there is no danger.
_STATE = (
    "speed", "s_m", "aside_m", "slides_mps", "acceleration", "brake_lamps", "indicator", "danger_since_s",
    "danger_until_s", "is_committed", "waited_s",
)  # fmt: skip
# Where each drives and what is around it. ``first_cap`` and ``caps``: where among ``Network.flat_caps`` those of its
# way stand, and how many.
_PLACE = (
    "way", "first_cap", "caps", "caution_mps", "makes_room", "lets_by", "hard_from_s", "hard_to_s", "hard_mps2",
    "crawls_from_m", "crawls_mps",
)  # fmt: skip
# What is planned. ``later_m`` and ``soon_m``: where beside the way's middle one means to be. ``forced_mps2``: the foot
# does this, whatever is ahead (NaN: nothing does); ``shift``: the indicator of a move to the side. ``chased``: place in
# order of the one that is chased (−1: somebody on foot, who arrives in ``chased_s``; −2: nobody).
PLAN = (
    "later_m", "soon_m", "forced_mps2", "is_blind", "is_careless", "ignores_signal", "reaction_s", "hazards_s", "shift",
    "skids", "chased", "chased_s", "chase_m", "chased_m", "chase_mps2",
)  # fmt: skip
# ``acts``: decides at all; who does not has the acceleration ``then_mps2`` from their turn on.
_LASTING = (
    "acts", "then_mps2", "desired_mps", "headway_s", "gap_m", "pulls_mps2", "brakes_mps2", "amber_mps2",
    "hardest_mps2", "front_m", "rear_m", "half_length_m", "half_width_m", "wheelbase_m",
)  # fmt: skip
_NAMES = (*_STATE, *_PLACE, *PLAN, *_LASTING)
DRIVER = np.dtype([(name, np.float64) for name in _NAMES])
WIDTH = len(_NAMES)
AT = {name: at for at, name in enumerate(_NAMES)}
PLANNED = slice(AT[PLAN[0]], AT[PLAN[-1]] + 1)
NOBODY = -2.0


def empty_row() -> array[float]:
    return array("d", bytes(8 * WIDTH))


def cell(name: str) -> Any:
    """A property: this number of whatever has a ``row``."""
    at = AT[name]

    def read(driver: Any) -> float:
        return driver.row[at]  # type: ignore[no-any-return]

    def write(driver: Any, value: float) -> None:
        driver.row[at] = value

    return property(read, write)
