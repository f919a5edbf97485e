"""The processes of a launch: groups that hold different clips, each of context-parallel ranks that share one."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from its_core.engines.cosmos.model.parallel import ALONE, GroupShare, SequenceShare
from its_core.post_training.errors import PostTrainingError

PATIENCE = timedelta(minutes=30)  # rank 0 writes checkpoints and samples clips while the others wait

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TrainingGroup:
    """This process's part: ``clip_group`` counts the groups that hold different clips."""

    rank: int = 0
    ranks: int = 1
    ranks_per_clip: int = 1
    share: SequenceShare = ALONE

    @property
    def clip_group(self) -> int:
        return self.rank // self.ranks_per_clip

    @property
    def clip_groups(self) -> int:
        return self.ranks // self.ranks_per_clip

    @property
    def leads(self) -> bool:
        """Whether this is the process that writes and reports."""
        return self.rank == 0

    @property
    def leads_clip(self) -> bool:
        return self.rank % self.ranks_per_clip == 0

    def mine_of(self, count: int) -> list[int]:
        """Which of ``count`` pieces of work are this group's: as many for each group, so that all of them call the
        network equally often, as one that is spread over them needs; the last ones may be done twice."""
        rounds = -(-count // self.clip_groups)
        return [(self.clip_group + n * self.clip_groups) % count for n in range(rounds)]

    def sum_over_all(self, tensor: Tensor) -> None:
        """Adds up, in place, what all processes hold."""
        if self.ranks > 1:
            dist.all_reduce(tensor)

    def sum_over_clip(self, tensor: Tensor) -> None:
        """Adds up, in place, what the processes that share a clip hold."""
        if isinstance(self.share, GroupShare):
            dist.all_reduce(tensor, group=self.share.group)

    def everyones(self, mine: T) -> list[T]:
        """What every process holds, in their order."""
        if self.ranks == 1:
            return [mine]
        objects: list[T] = [mine] * self.ranks
        dist.all_gather_object(objects, mine)
        return objects

    def first(self, mine: T) -> T:
        """What rank 0 holds."""
        if self.ranks == 1:
            return mine
        objects = [mine]
        dist.broadcast_object_list(objects, src=0)
        return objects[0]

    def leave(self) -> None:
        if dist.is_initialized():
            dist.destroy_process_group()


def join(ranks_per_clip: int, device: torch.device, latent_frames: int, heads: int) -> TrainingGroup:
    """This process's part in the launch that torchrun's variables tell of; every process must call it.

    Raises PostTrainingError where processes, frames or heads do not divide.
    """
    rank, ranks = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    if ranks % ranks_per_clip:
        raise PostTrainingError(
            f"context_parallel {ranks_per_clip}: does not divide the {ranks} processes", code="post_training.processes"
        )
    if latent_frames % ranks_per_clip or heads % ranks_per_clip:
        possible = [str(n) for n in range(1, heads + 1) if latent_frames % n == 0 and heads % n == 0]
        raise PostTrainingError(
            f"context_parallel {ranks_per_clip}: must divide {latent_frames} latent frames and {heads} heads; "
            f"use {', '.join(possible)}",
            code="post_training.processes",
        )
    if ranks == 1:
        return TrainingGroup()
    if not dist.is_initialized():
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=PATIENCE)
    share: SequenceShare = ALONE
    if ranks_per_clip > 1:
        for first in range(0, ranks, ranks_per_clip):
            members = list(range(first, first + ranks_per_clip))
            group = dist.new_group(members)
            if rank in members:
                share = GroupShare(group)
    return TrainingGroup(rank, ranks, ranks_per_clip, share)
