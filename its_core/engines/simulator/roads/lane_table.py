"""What drivers must know of the lanes of a place, packed for compiled code."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.roads.layouts import Lane

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

STRAIGHT, RIGHT, LEFT = 0, 1, -1  # movements, as an indicator shows them; U-turns go to the left
NONE = -1  # no signal, no lane
# Arc lengths are infinite where there is no such place. ``gives_way``: lanes cross it that have the right of way.
LANE = np.dtype(
    [
        ("line_m", "f8"), ("exit_m", "f8"), ("signal", "i8"), ("movement", "i8"), ("turns_from_m", "f8"),
        ("turned_m", "f8"), ("gives_way", "i8"), ("merges_with", "i8"), ("merge_from_m", "f8"), ("merge_to_m", "f8"),
        ("joins", "i8"),
    ]
)  # fmt: skip


class Record(Protocol):
    """One record of a table, as compiled code has it."""

    def __getattr__(self, name: str) -> float: ...

    def __setattr__(self, name: str, value: float) -> None: ...


class LaneTable(NamedTuple):
    """``lanes``: a record of each way. ``rights`` C×3: a way that has the right of way over another, the arc length at
    which this one comes near it, and that at which it comes near this one; those over way w stand from ``first[w]`` to
    ``first[w + 1]``."""

    lanes: NDArray[np.void]
    first: Ints
    rights: Floats


Meeting = Callable[[int, int], tuple[float, float] | None]


def lane_table(
    lanes: Sequence[Lane], exits_m: Sequence[float], index: Mapping[str, int], meeting: Meeting
) -> LaneTable:
    """``index`` by a lane's name; ``meeting``: as ``Network.meeting``."""
    records = np.array([_record(*each, index) for each in zip(lanes, exits_m, strict=True)], LANE)
    rights: list[tuple[float, float, float]] = []
    first = [0]
    for way, lane in enumerate(lanes):
        for other in [index[name] for name in lane.conflicts if name in index]:
            near = meeting(way, other)
            if near is not None:
                rights.append((other, *near))
        first.append(len(rights))
    return LaneTable(records, np.array(first, np.int64), np.array(rights, np.float64).reshape(-1, 3))


def _record(lane: Lane, exit_m: float, index: Mapping[str, int]) -> tuple[float, ...]:
    movement = {"straight": STRAIGHT, "right": RIGHT}.get(lane.movement, LEFT)
    merge = lane.merge
    return (
        np.inf if lane.stop_s_m is None else lane.stop_s_m,
        exit_m,
        NONE if lane.signal is None else lane.signal,
        movement,
        -np.inf if lane.turns_from_m is None else lane.turns_from_m,
        np.inf if lane.turned_s_m is None else lane.turned_s_m,
        bool(lane.conflicts),
        NONE if merge is None else index.get(merge.other, NONE),
        np.inf if merge is None else merge.from_m,
        -np.inf if merge is None else merge.to_m,
        merge is not None and merge.joins,
    )
