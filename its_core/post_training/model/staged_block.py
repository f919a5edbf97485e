"""A block of the network in training: forward in stages, backward without most of what autograd would keep.

Kept a block: its input and attention's output. Backward computes queries, keys and values again from the one and the
rest of the block from the other, but never attention itself. What comes after attention treats each token alone, so it
goes through a few frames at a time and its widest tensors (the MLP's) are never whole. At 84,480 tokens × 2,048 in
bfloat16 a block keeps 0.65 GiB, and its backward pass needs about 5 GiB beside.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from its_core.engines.cosmos.model.network import Block, Rope, Time
from its_core.engines.cosmos.model.parallel import SequenceShare
from its_core.post_training.model.activations import Activations
from its_core.post_training.model.attention_tape import AttentionTape, attention

TOKENS_AT_ONCE = 16_384


class StagedBlock(nn.Module):
    """A block whose weights with gradients accumulate them in ``.grad`` during the backward pass.

    It is no part of autograd's graph of these weights: ``torch.autograd.grad`` with respect to them finds nothing.
    """

    def __init__(self, block: Block, activations: Activations) -> None:
        super().__init__()
        self.block = block
        self.activations = activations

    def forward(self, x_BTSD: Tensor, time: Time, text_BND: Tensor, rope: Rope, share: SequenceShare) -> Tensor:
        anchor = torch.zeros((), device=x_BTSD.device, requires_grad=torch.is_grad_enabled())
        output: Tensor = _Staged.apply(anchor, x_BTSD, self, time, text_BND, rope, share)  # type: ignore[no-untyped-call]
        return output


class _Staged(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        anchor: Tensor,  # noqa: ARG004
        x_BTSD: Tensor,
        staged: StagedBlock,
        time: Time,
        text_BND: Tensor,
        rope: Rope,
        share: SequenceShare,
    ) -> Tensor:
        block = staged.block
        ctx.staged, ctx.time, ctx.text, ctx.rope, ctx.share = staged, time, text_BND, rope, share
        q, k, v = share.heads_for_tokens(*block.before_attention(x_BTSD, time, rope))
        if ctx.needs_input_grad[0]:
            ctx.x = staged.activations.put(x_BTSD)
            ctx.tape = AttentionTape(staged.activations)
            out_BLhd = share.tokens_for_heads(ctx.tape.forward(q, k, v))
        else:
            out_BLhd = share.tokens_for_heads(attention(q, k, v))
        del q, k, v
        y_BTSD = torch.empty_like(x_BTSD)
        for frames, tokens in _parts(x_BTSD):
            y_BTSD[:, frames] = block.after_attention(
                x_BTSD[:, frames], out_BLhd[:, tokens], _at(time, frames), text_BND
            )
        return y_BTSD

    @staticmethod
    def backward(ctx: Any, grad_BTSD: Tensor) -> tuple[None, Tensor, None, None, None, None, None]:
        block, share, tape = ctx.staged.block, ctx.share, ctx.tape
        out_BLhd = share.tokens_for_heads(tape.output())
        x_BTSD = ctx.staged.activations.get(ctx.x)
        grad_x_BTSD, grad_out_BLhd = torch.empty_like(x_BTSD), torch.empty_like(out_BLhd)
        for frames, tokens in _parts(x_BTSD):
            x, out = _leaf(x_BTSD[:, frames]), _leaf(out_BLhd[:, tokens])
            with torch.enable_grad():
                y = block.after_attention(x, out, _at(ctx.time, frames), ctx.text)
            torch.autograd.backward(y, grad_BTSD[:, frames])
            assert x.grad is not None
            assert out.grad is not None
            grad_x_BTSD[:, frames], grad_out_BLhd[:, tokens] = x.grad, out.grad
        del out_BLhd, x, out, y

        x = _leaf(x_BTSD)
        with torch.enable_grad():
            projected = block.before_attention(x, ctx.time, ctx.rope)
        q, k, v = share.heads_for_tokens(*(each.detach() for each in projected))
        (grad_heads,) = share.heads_for_tokens(grad_out_BLhd)
        del grad_out_BLhd
        grads = [share.tokens_for_heads(each) for each in tape.backward(grad_heads, q, k, v)]
        del q, k, v, grad_heads
        torch.autograd.backward(projected, grads)
        assert x.grad is not None
        return None, grad_x_BTSD.add_(x.grad), None, None, None, None, None


def _parts(x_BTSD: Tensor) -> Iterator[tuple[slice, slice]]:
    """Runs of frames of about TOKENS_AT_ONCE tokens, all alike where they can be, and where their tokens are."""
    _, frames, tokens_a_frame, _ = x_BTSD.shape
    at_once = max(
        n for n in range(1, frames + 1) if frames % n == 0 and (n == 1 or n * tokens_a_frame <= TOKENS_AT_ONCE)
    )
    for first in range(0, frames, at_once):
        yield slice(first, first + at_once), slice(first * tokens_a_frame, (first + at_once) * tokens_a_frame)


def _at(time: Time, frames: slice) -> Time:
    return time[0][:, frames], time[1][:, frames]


def _leaf(tensor: Tensor) -> Tensor:
    return tensor.detach().requires_grad_()
