"""One clip shared among several processes: guidance halves first, then the sequence.

``SequenceShare`` splits a clip's latent frames among the processes of a group; around self-attention an all-to-all
trades tokens for heads (DeepSpeed-Ulysses, arXiv:2309.14509), so every process attends over all tokens with its part of
the heads. On one process every method returns what it got.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as dist
from einops import rearrange
from torch import Tensor

CPU = torch.device("cpu")
PATIENCE = timedelta(minutes=30)  # the first rank decodes and encodes while the others wait

T = TypeVar("T")


class SequenceShare:
    """This process's share of one clip's sequence: the whole of it."""

    rank = 0
    size = 1

    def rehearsal(self) -> SequenceShare:
        """A share that takes the same memory and talks to nobody; its results mean nothing."""
        return self

    def mine(self, x: Tensor, dim: int) -> Tensor:  # noqa: ARG002
        return x

    def everyones(self, x: Tensor, dim: int) -> Tensor:  # noqa: ARG002
        return x

    def heads_for_tokens(self, *each_BLhd: Tensor) -> tuple[Tensor, ...]:
        return each_BLhd

    def tokens_for_heads(self, out_BLhd: Tensor) -> Tensor:
        return out_BLhd


ALONE = SequenceShare()


class GroupShare(SequenceShare):
    """The share of one process in a group that splits the sequence evenly."""

    def __init__(self, group: dist.ProcessGroup) -> None:
        self.group = group
        self.rank = dist.get_rank(group)
        self.size = dist.get_world_size(group)

    def rehearsal(self) -> SequenceShare:
        return _Rehearsal(self.group)

    def mine(self, x: Tensor, dim: int) -> Tensor:
        return x.chunk(self.size, dim=dim)[self.rank]

    def everyones(self, x: Tensor, dim: int) -> Tensor:
        parts = [torch.empty_like(x) for _ in range(self.size)]
        dist.all_gather(parts, x.contiguous(), group=self.group)
        return torch.cat(parts, dim=dim)

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def heads_for_tokens(self, *each_BLhd: Tensor) -> tuple[Tensor, ...]:
        """From some tokens of all heads to all tokens of some heads: of queries, keys and values, together."""
        sent = rearrange(list(each_BLhd), "qkv b l (n h) d -> n qkv b l h d", n=self.size).contiguous()
        return rearrange(self._trade(sent), "n qkv b l h d -> qkv b (n l) h d").unbind(0)

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def tokens_for_heads(self, out_BLhd: Tensor) -> Tensor:
        """The way back, for attention's output."""
        sent = rearrange(out_BLhd, "b (n l) h d -> n b l h d", n=self.size).contiguous()
        return rearrange(self._trade(sent), "n b l h d -> b l (n h) d")

    def _trade(self, sent: Tensor) -> Tensor:
        received = torch.empty_like(sent)
        dist.all_to_all_single(received, sent, group=self.group)
        return received


class _Rehearsal(GroupShare):
    def everyones(self, x: Tensor, dim: int) -> Tensor:
        return torch.cat([x] * self.size, dim=dim)

    def _trade(self, sent: Tensor) -> Tensor:
        return sent.clone()


@dataclass(slots=True)
class ClipGroup:
    """Who renders one clip together, and this process's part in it.

    ``pair`` joins the two processes that hold the same part of the sequence with and without the prompt (None when one
    process does both); ``is_first`` marks the process that decodes and hands out the frames.
    """

    ranks: int = 1
    is_first: bool = True
    guidance_half: int | None = None  # 0: the prompt, 1: the negative prompt
    pair: dist.ProcessGroup | None = None
    everyone: dist.ProcessGroup | None = None
    share: SequenceShare = ALONE
    abandoned: bool = False

    def both_halves(self, mine: Tensor) -> tuple[Tensor, Tensor]:
        """This half's prediction and the other's, in the order prompt, negative prompt."""
        parts = [torch.empty_like(mine), torch.empty_like(mine)]
        dist.all_gather(parts, mine.contiguous(), group=self.pair)
        return parts[0], parts[1]

    def everyones_object(self, mine: T) -> list[T]:
        """What every process of the group holds, in their order."""
        if self.everyone is None:
            return [mine]
        objects: list[T] = [mine] * self.ranks
        dist.all_gather_object(objects, mine, group=self.everyone)
        return objects

    def abandon(self) -> None:
        """The others may be waiting in the middle of an exchange: say no orderly goodbye."""
        self.abandoned = True

    def leave(self) -> None:
        if self.ranks > 1 and not self.abandoned and dist.is_initialized():
            dist.destroy_process_group()


def join_clip_group(ranks_per_clip: int, device: torch.device = CPU) -> ClipGroup:
    """Splits the launch's processes into groups of ``ranks_per_clip``; torchrun's variables say who they are.

    Every process must call it, with the same number. Within a group the first half of the ranks holds the prompt and
    the second half the negative prompt when the number is even; neighbours share the sequence.
    """
    if ranks_per_clip == 1:
        return ClipGroup()
    if not dist.is_initialized():
        backend = "nccl" if device.type == "cuda" else "gloo"
        dist.init_process_group(backend, timeout=PATIENCE)
    halves = guidance_halves(ranks_per_clip)
    sequence = ranks_per_clip // halves
    me, world = dist.get_rank(), dist.get_world_size()
    everyone = pair = line = None
    for first in range(0, world, ranks_per_clip):
        members = list(range(first, first + ranks_per_clip))
        group = dist.new_group(members)
        everyone = group if me in members else everyone
        for half in range(halves):
            part = members[half * sequence : (half + 1) * sequence]
            group = dist.new_group(part)
            line = group if me in part else line
        for place in range(sequence):
            part = members[place::sequence]
            group = dist.new_group(part)
            pair = group if me in part else pair
    if line is None or everyone is None:
        raise ValueError(f"{world} processes cannot be split into groups of {ranks_per_clip}")
    place = me % ranks_per_clip
    return ClipGroup(
        ranks=ranks_per_clip,
        is_first=place == 0,
        guidance_half=place // sequence if halves == 2 else None,
        pair=pair if halves == 2 else None,
        everyone=everyone,
        share=GroupShare(line) if sequence > 1 else ALONE,
    )


def guidance_halves(ranks_per_clip: int) -> int:
    return 2 if ranks_per_clip % 2 == 0 else 1
