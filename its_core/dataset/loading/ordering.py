"""In which order items are taken: the same for the same seed, on any number of ranks and workers.

One global order a seed and epoch. Rank r of R takes its items r, r + R, r + 2R …, so that the ranks' items, one from
each in turn, are the global order again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence

import numpy as np
import torch
from torch.utils.data import Sampler, get_worker_info


def global_order(items: int, *, seed: int, epoch: int, shuffle: bool, groups: Sequence[Hashable] | None) -> list[int]:
    """The items of an epoch, all ranks together.

    With ``groups`` (one value an item) every value comes equally often, give or take one: items of rare values are
    repeated, some of frequent ones are left out this epoch, others the next. The length stays ``items``.
    """
    rng = np.random.default_rng([seed, epoch])
    if groups is None:
        return rng.permutation(items).tolist() if shuffle else list(range(items))
    members: dict[str, list[int]] = defaultdict(list)
    for item, value in enumerate(groups):
        members[repr(value)].append(item)
    each = -(-items // len(members)) if members else 0
    chosen: list[int] = []
    for value in sorted(members):
        rounds = -(-each // len(members[value]))
        drawn = [int(item) for _ in range(rounds) for item in rng.permutation(members[value])]
        chosen += drawn[:each]
    order = [chosen[place] for place in rng.permutation(len(chosen))][:items]
    return order if shuffle else sorted(order)


def of_rank(order: list[int], rank: int, ranks: int, *, even: bool) -> list[int]:
    """A rank's items. ``even``: all ranks get equally many, the first items of the order being taken again; a rank that
    ends early would leave the others waiting in a training step."""
    if even and ranks > 1 and order:
        missing = -len(order) % ranks
        order = order + (order * ranks)[:missing]
    return order[rank::ranks]


def of_worker(order: list[int], batch_size: int) -> Iterator[int]:
    """In a DataLoader's worker: its share of a rank's items, whole batches in turn, so that the loader, which takes a
    batch from each worker in turn, restores the order. Elsewhere: all."""
    worker = get_worker_info()
    number, workers = (0, 1) if worker is None else (worker.id, worker.num_workers)
    for start in range(number * batch_size, len(order), workers * batch_size):
        yield from order[start : start + batch_size]


def rank_and_ranks(rank: int | None, ranks: int | None) -> tuple[int, int]:
    """As given; else of torch.distributed where it is initialised; else the only one."""
    if rank is not None and ranks is not None:
        if not 0 <= rank < ranks:
            raise ValueError(f"rank {rank} of {ranks}: ranks count from 0 to ranks - 1")
        return rank, ranks
    if rank is not None or ranks is not None:
        raise ValueError("rank and ranks go together: give both or none")
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank(), torch.distributed.get_world_size()
    return 0, 1


class Epoch:
    """The number of the epoch, in memory that a DataLoader's standing workers share."""

    def __init__(self) -> None:
        self._number = torch.zeros(1, dtype=torch.int64)
        self._number.share_memory_()  # type: ignore[no-untyped-call]

    def __int__(self) -> int:
        return int(self._number[0])

    def set(self, number: int) -> None:
        self._number[0] = number


class OrderedSampler(Sampler[int]):
    """For a DataLoader over the map dataset: this rank's items of the epoch. Call ``set_epoch`` before each."""

    def __init__(
        self, items: int, groups: Sequence[Hashable] | None, *, seed: int, shuffle: bool, rank: int, ranks: int
    ) -> None:
        self._items, self._groups = items, groups
        self._seed, self._shuffle = seed, shuffle
        self._rank, self._ranks = rank, ranks
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        self._epoch = epoch

    def __iter__(self) -> Iterator[int]:
        return iter(self._order())

    def __len__(self) -> int:
        return len(self._order())

    def _order(self) -> list[int]:
        order = global_order(
            self._items, seed=self._seed, epoch=self._epoch, shuffle=self._shuffle, groups=self._groups
        )
        return of_rank(order, self._rank, self._ranks, even=self._shuffle)
