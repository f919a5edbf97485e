"""One self-attention whose backward pass needs neither its inputs kept nor its forward pass done again.

Attention's own backward needs queries, keys, values, its output and the logarithms of its sums. The first three are
cheap to compute again from the block's input, so only the last two are kept: one tensor of the tokens' size instead of
four. Attention is five sixths of a forward pass at 84,480 tokens, and is computed once.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.graph import GradientEdge, get_gradient_edge, saved_tensors_hooks
from torch.nn.functional import scaled_dot_product_attention

from its_core.post_training.model.activations import Activations


def attention(q_BLhd: Tensor, k_BLhd: Tensor, v_BLhd: Tensor) -> Tensor:
    """The same without a backward pass to come."""
    q, k, v = (each.transpose(1, 2) for each in (q_BLhd, k_BLhd, v_BLhd))
    return scaled_dot_product_attention(q, k, v).transpose(1, 2)


class _Entry(torch.autograd.Function):
    """A tensor as the beginning of a graph that does not hold it."""

    @staticmethod
    def forward(ctx: Any, anchor: Tensor, tensor: Tensor) -> Tensor:  # noqa: ARG004
        return tensor.view_as(tensor)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[None, None]:  # noqa: ARG004
        return None, None


class AttentionTape:
    """``forward`` once, then ``output`` and ``backward``, once. Tensors are B L h d."""

    def __init__(self, activations: Activations) -> None:
        self._activations = activations
        self._inputs_BhLd: tuple[Tensor, ...] = ()
        self._entries: list[GradientEdge] = []
        self._end: GradientEdge | None = None
        self._output: Any = None  # its handle
        self._output_BhLd: Tensor | None = None

    def forward(self, q_BLhd: Tensor, k_BLhd: Tensor, v_BLhd: Tensor) -> Tensor:
        """Attention's output. Which kernel computes it, and its gradients later, is decided as always by PyTorch."""
        inputs = tuple(each.transpose(1, 2) for each in (q_BLhd, k_BLhd, v_BLhd))
        known = [(each.data_ptr(), each.shape) for each in inputs]  # no tensor: autograd holds on to ``pack``
        kept: dict[int, Any] = {}  # handles of what attention keeps beside its inputs, by address

        def pack(tensor: Tensor) -> Any:
            if (tensor.data_ptr(), tensor.shape) in known:
                return known.index((tensor.data_ptr(), tensor.shape))
            kept[tensor.data_ptr()] = handle = self._activations.put(tensor)
            return (handle,)

        def unpack(packed: Any) -> Tensor:
            if isinstance(packed, int):
                return self._inputs_BhLd[packed]
            handle = packed[0]
            return self._fetched() if handle is self._output else self._activations.get(handle)

        anchor = torch.zeros((), device=q_BLhd.device, requires_grad=True)
        with torch.enable_grad(), saved_tensors_hooks(pack, unpack):
            entered: list[Tensor] = [_Entry.apply(anchor, each) for each in inputs]  # type: ignore[no-untyped-call]
            q, k, v = entered
            out = scaled_dot_product_attention(q, k, v)
            del q, k, v
        self._entries = [get_gradient_edge(each) for each in entered]
        self._end = get_gradient_edge(out)
        out = out.detach()
        self._output = kept[out.data_ptr()] if out.data_ptr() in kept else self._activations.put(out)
        return out.transpose(1, 2)

    def output(self) -> Tensor:
        """What ``forward`` returned."""
        return self._fetched().transpose(1, 2)

    def backward(self, grad_BLhd: Tensor, q_BLhd: Tensor, k_BLhd: Tensor, v_BLhd: Tensor) -> tuple[Tensor, ...]:
        """The gradients of queries, keys and values, which must be what ``forward`` was given."""
        assert self._end is not None
        self._inputs_BhLd = tuple(each.transpose(1, 2) for each in (q_BLhd, k_BLhd, v_BLhd))
        grads = torch.autograd.grad([self._end], self._entries, [grad_BLhd.transpose(1, 2)])
        self._inputs_BhLd, self._output_BhLd, self._end = (), None, None
        return tuple(each.transpose(1, 2) for each in grads)

    def _fetched(self) -> Tensor:
        if self._output_BhLd is None:
            fetched: Tensor = self._activations.get(self._output)
            self._output_BhLd = fetched
        return self._output_BhLd
