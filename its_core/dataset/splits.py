"""Assigns clips to splits so that no camera and no pair is in two of them.

Rows that share a camera or a pair, directly or through others, form a group, and a group goes to one split. A group
whose rows name a split goes there. The first groups without one (in the order of their first rows) give each split a
group of its own, largest share first; all later ones are drawn by a hash of their first camera against the shares. So
rows added at the end move no earlier group, unless they tie two groups together or name a split themselves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from its_core.taxonomy import Split

_ORDER = tuple(Split)
_MOST_NAMED = 4  # cameras and pairs named in a reason


def assign(
    cameras: Sequence[str],
    pairs: Sequence[str | None],
    requested: Sequence[Split | None],
    shares: Mapping[Split, float],
) -> list[Split | str]:
    """The split of each row, or the reason why it can have none: rows of its group name two splits.

    ``shares`` are ≥ 0 and sum to 1; a split without a share only gets rows that name it.
    """
    if not cameras:
        return []
    camera_codes, camera_names = pd.factorize(np.asarray(cameras, dtype=object))
    pair_codes, pair_names = pd.factorize(np.asarray(pairs, dtype=object))
    group_of_camera = _groups(camera_codes, len(camera_names), pair_codes, len(pair_names))
    groups = group_of_camera[camera_codes]
    bits = {None: 0} | {split: 1 << index for index, split in enumerate(_ORDER)}
    asked = np.zeros(int(groups.max()) + 1, np.uint8)
    np.bitwise_or.at(asked, groups, np.fromiter((bits[split] for split in requested), np.uint8, len(cameras)))

    rows_by_group = np.argsort(groups, kind="stable")
    sizes = np.bincount(groups)
    ends = np.cumsum(sizes)
    first_rows = rows_by_group[ends - sizes]
    answers: list[Split | str] = [Split.TRAIN] * len(asked)
    seeds = [split for split, share in sorted(shares.items(), key=lambda item: -item[1]) if share > 0]
    for group in np.argsort(first_rows):
        named = [split for split in _ORDER if asked[group] & bits[split]]
        if len(named) > 1:
            rows = rows_by_group[ends[group] - sizes[group] : ends[group]]
            tied = np.unique(pair_codes[rows])
            answers[group] = _conflict(named, camera_names[np.unique(camera_codes[rows])], pair_names[tied[tied >= 0]])
        elif named:
            answers[group] = named[0]
        else:
            answers[group] = seeds.pop(0) if seeds else _drawn(cameras[first_rows[group]], shares)
    return [answers[group] for group in groups]


def _groups(
    camera_codes: NDArray[np.intp], cameras: int, pair_codes: NDArray[np.intp], pairs: int
) -> NDArray[np.int32]:
    """The group of each camera: connected components of the graph whose edges are the rows with a pair."""
    tied = pair_codes >= 0
    rows, columns = camera_codes[tied], cameras + pair_codes[tied]
    graph = coo_array((np.ones(len(rows)), (rows, columns)), shape=(cameras + pairs, cameras + pairs))
    labels: NDArray[np.int32] = connected_components(graph, directed=False)[1]
    return np.unique(labels[:cameras], return_inverse=True)[1].astype(np.int32)


def _drawn(camera: str, shares: Mapping[Split, float]) -> Split:
    """A split by the camera's name alone: the same in every build and on every machine."""
    point = int.from_bytes(hashlib.sha256(camera.encode()).digest()[:8], "big") / 2**64
    for split in _ORDER:
        point -= shares.get(split, 0.0)
        if point < 0:
            return split
    return max(_ORDER, key=lambda split: shares.get(split, 0.0))


def _conflict(named: Sequence[Split], cameras: NDArray[np.object_], pairs: NDArray[np.object_]) -> str:
    tie = f"camera{'s' if len(cameras) > 1 else ''} {_listed(cameras)}"
    if len(cameras) > 1:
        tie += f", tied together by pair_id {_listed(pairs)},"
    return f"rows of {tie} ask for {' and for '.join(named)}; splits never share a camera or a pair, so name one"


def _listed(names: NDArray[np.object_]) -> str:
    more = len(names) - _MOST_NAMED
    shown = ", ".join(repr(name) for name in names[:_MOST_NAMED])
    return f"{shown} and {more} more" if more > 0 else shown
