"""The order in which clips are drawn: by kind in the mixture's proportions, anew each epoch, from a seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np

from its_core.post_training.data.clips import Kind
from its_core.post_training.model.draws import generator


class Mixture:
    """An epoch is as many draws as there are clips. Each kind gets its share of them, and goes through all of its clips
    before it comes to one again; a rare kind is thus seen more often, not left out.

    ``kinds`` and ``windows`` are each clip's kind and count of windows. Raises ValueError where a kind that is to be
    drawn has no clip.
    """

    def __init__(self, kinds: Sequence[Kind], windows: Sequence[int], weights: Mapping[Kind, float], seed: int) -> None:
        self._windows, self._seed = windows, seed
        self._clips = {kind: [i for i, each in enumerate(kinds) if each == kind] for kind in weights}
        drawn = {kind: weight for kind, weight in weights.items() if weight > 0}
        if empty := [kind for kind in drawn if not self._clips[kind]]:
            raise ValueError(f"no clip of kind {empty[0]}, which the mixture gives a weight of {drawn[empty[0]]:g}")
        self._size = sum(len(self._clips[kind]) for kind in drawn)
        self._quotas = _shares(drawn, self._size)
        self._order = lru_cache(maxsize=2)(self._draw_order)

    @property
    def epoch_size(self) -> int:
        return self._size

    def draw(self, sample: int) -> tuple[int, int]:
        """The clip of the run's ``sample``-th draw, counted from 0, and which of its windows."""
        epoch, place = divmod(sample, self._size)
        clip = int(self._order(epoch)[place])
        window = int(generator(self._seed, "window", sample).integers(self._windows[clip]))
        return clip, window

    def _draw_order(self, epoch: int) -> np.ndarray:
        drawn = []
        for kind, quota in self._quotas.items():
            clips = np.array(self._clips[kind])
            rounds = -(-quota // len(clips))
            shuffled = [generator(self._seed, "order", epoch, kind, n).permutation(clips) for n in range(rounds)]
            drawn.append(np.concatenate(shuffled)[:quota])
        return generator(self._seed, "mix", epoch).permutation(np.concatenate(drawn))


def _shares(weights: Mapping[Kind, float], size: int) -> dict[Kind, int]:
    """Whole numbers in the weights' proportions that add up to ``size``: the largest remainders are rounded up."""
    exact = {kind: size * weight / sum(weights.values()) for kind, weight in weights.items()}
    shares = {kind: int(value) for kind, value in exact.items()}
    for kind in sorted(exact, key=lambda kind: shares[kind] - exact[kind])[: size - sum(shares.values())]:
        shares[kind] += 1
    return shares
