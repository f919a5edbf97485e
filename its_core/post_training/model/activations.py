"""Where what backward needs lies until then: on the device, or in the main memory of the host."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

SMALL_BYTES = 64 << 20  # what is smaller stays on the device


class Activations(ABC):
    """Keeps tensors from a forward pass for its backward pass, which asks for each once, about in reverse order."""

    @abstractmethod
    def put(self, tensor: Tensor) -> Any: ...

    @abstractmethod
    def get(self, handle: Any) -> Tensor: ...


class OnDevice(Activations):
    """Keeps them where they are."""

    def put(self, tensor: Tensor) -> Tensor:
        return tensor

    def get(self, handle: Tensor) -> Tensor:
        return handle


@dataclass(slots=True, eq=False)
class _Away:
    """A tensor in the host's memory, and on its way to or from it."""

    host: Tensor
    position: int  # in the order of puts
    left: torch.cuda.Event | None
    back: Tensor | None = None
    arrived: torch.cuda.Event | None = None


class OnHost(Activations):
    """Copies large tensors to page-locked host memory while the device computes on, and brings them back ahead of time.

    The buffers are kept from one iteration to the next. Takes as much host memory as all that is put at a time.
    """

    AHEAD = 2  # tensors that are on their way back before they are asked for

    def __init__(self, device: torch.device, small_bytes: int = SMALL_BYTES) -> None:
        self._device = device
        self._small_bytes = small_bytes
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None  # type: ignore[no-untyped-call]
        self._free: dict[tuple[object, ...], list[Tensor]] = defaultdict(list)
        self._kept: list[_Away] = []

    def put(self, tensor: Tensor) -> Tensor | _Away:
        if tensor.numel() * tensor.element_size() < self._small_bytes:
            return tensor
        buffers = self._free[_layout(tensor)]
        host = buffers.pop() if buffers else self._new_buffer(tensor)
        if self._stream is None:
            host.copy_(tensor)
            away = _Away(host, len(self._kept), None)
        else:
            self._stream.wait_stream(torch.cuda.current_stream(self._device))
            with torch.cuda.stream(self._stream):
                host.copy_(tensor, non_blocking=True)
            tensor.record_stream(self._stream)
            away = _Away(host, len(self._kept), self._stream.record_event())
        self._kept.append(away)
        return away

    def get(self, handle: Tensor | _Away) -> Tensor:
        if isinstance(handle, Tensor):
            return handle
        self._bring(handle)
        for earlier in self._kept[max(0, handle.position - self.AHEAD) : handle.position]:
            self._bring(earlier)
        if handle.arrived is not None:
            torch.cuda.current_stream(self._device).wait_event(handle.arrived)
        tensor, handle.back = handle.back, None
        assert tensor is not None
        self._free[_layout(tensor)].append(handle.host)
        del self._kept[handle.position :]
        return tensor

    def _bring(self, away: _Away) -> None:
        if away.back is not None:
            return
        away.back = torch.empty_like(away.host, device=self._device, pin_memory=False)
        if self._stream is None:
            away.back.copy_(away.host)
            return
        self._stream.wait_stream(torch.cuda.current_stream(self._device))  # the new tensor's memory was in use before
        with torch.cuda.stream(self._stream):
            away.back.copy_(away.host, non_blocking=True)
        away.back.record_stream(self._stream)
        away.arrived = self._stream.record_event()

    def _new_buffer(self, tensor: Tensor) -> Tensor:
        return torch.empty_like(tensor, device="cpu", pin_memory=self._stream is not None)


def _layout(tensor: Tensor) -> tuple[object, ...]:
    return (tensor.shape, tensor.stride(), tensor.dtype)
