"""Where a model is while it works and while it waits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch


@contextmanager
def on_device(model: Any, device: torch.device, offload: bool) -> Iterator[None]:
    """The model is on ``device`` inside; with ``offload`` it goes back to the CPU after."""
    model.to(device)
    try:
        yield
    finally:
        if offload:
            model.to("cpu")
