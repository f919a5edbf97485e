"""Cuts the clips that are missing into shards, each the work of one torchrun."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from its_core.shards.plan.planned import Plan


@dataclass(frozen=True, slots=True)
class Shard:
    """Clips that one torchrun makes, as indices of the plan's ``clip_ids``. The id follows from the clips."""

    shard_id: str
    indices: tuple[int, ...]


def shards(plan: Plan, missing: Sequence[int], size: int) -> list[Shard]:
    """The clips at ``missing`` indices (ascending) in shards of at most ``size`` clips."""
    return [_shard(plan, missing[start : start + size]) for start in range(0, len(missing), size)]


def shards_of_one_seed(plan: Plan, missing: Sequence[int], size: int) -> list[Shard]:
    """The same for a script that takes seed, guidance and negative prompt once a launch: a shard's clips share them."""
    alike: dict[tuple[int, float, str], list[int]] = defaultdict(list)
    for index, clip in zip(missing, plan.clips(missing), strict=True):
        request = clip.request
        alike[request.seed, request.guidance, request.negative_prompt].append(index)
    return [shard for indices in alike.values() for shard in shards(plan, indices, size)]


def _shard(plan: Plan, indices: Sequence[int]) -> Shard:
    digest = hashlib.sha256("".join(plan.clip_ids[index] for index in indices).encode())
    return Shard(digest.hexdigest()[:12], tuple(indices))
