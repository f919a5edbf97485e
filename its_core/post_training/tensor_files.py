"""Files of tensors, written whole or not at all, always the same bytes for the same tensors."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from its_core import storage


def write_safetensors(path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str] | None = None) -> None:
    """Raises DiskFull."""
    on_cpu = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with storage.replacing(path) as part, _os_errors():
        save_file(on_cpu, part, metadata=metadata)


def write_torch(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """A file for ``torch.load``. Raises DiskFull."""
    with storage.replacing(path) as part, _os_errors(), part.open("wb") as file:
        torch.save(dict(tensors), file)  # into an open file: else the name of the part would stand in it


@contextmanager
def _os_errors() -> Iterator[None]:
    """Both libraries hide what the operating system said in errors of their own."""
    try:
        yield
    except SafetensorError as error:
        if found := re.search(r"os error (\d+)", str(error)):
            raise OSError(int(found[1]), os.strerror(int(found[1]))) from None
        raise
    except RuntimeError as error:
        if isinstance(error.__context__, OSError):
            raise error.__context__ from None
        raise
