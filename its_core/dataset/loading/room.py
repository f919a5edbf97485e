"""Room for a clip's frames: taken once, filled picture by picture, handed to the training process as it is."""

from __future__ import annotations

import math
import os

import numpy as np
import torch
from numpy.typing import NDArray
from torch.multiprocessing import get_sharing_strategy
from torch.utils.data import get_worker_info

from its_core.dataset.loading.files import LoadError


class Room:
    """Attributes:
    frames: uint8, [frames, height, width, 3]; what was not put is not defined. In a DataLoader's worker it is shared
        memory from the start: to hand it to the training process then copies nothing.
    """

    def __init__(self, frames: int, height: int, width: int) -> None:
        """Raises LoadError where shared memory is full."""
        shape = frames, height, width, 3
        self._file: int | None = None
        if get_worker_info() is None:
            # NumPy asks for huge pages where torch does not: a large clip is there after a few hundred page faults.
            self.frames = torch.from_numpy(np.empty(shape, np.uint8))
            return
        try:
            storage = torch.UntypedStorage._new_shared(math.prod(shape), device="cpu")  # type: ignore[no-untyped-call]
        except RuntimeError as error:
            raise LoadError(
                f"no shared memory for a clip of {math.prod(shape)} bytes: {error}", code="load.shared_memory"
            ) from None
        self.frames = torch.empty(0, dtype=torch.uint8).set_(storage, 0, shape)  # type: ignore[call-overload]
        if get_sharing_strategy() == "file_descriptor":  # type: ignore[no-untyped-call]
            self._file = storage._share_fd_cpu_()[0]

    def put(self, place: int, picture: NDArray[np.uint8]) -> None:
        if self._file is None:
            np.copyto(self.frames[place].numpy(), picture)
            return
        # Written, not copied in: a page that is written whole need not be faulted in first.
        _write(self._file, np.ascontiguousarray(picture), place * picture.nbytes)


def _write(file: int, picture: NDArray[np.uint8], offset: int) -> None:
    """The whole picture, from byte ``offset`` of the file on."""
    left = picture.reshape(-1).data
    while left:
        done = os.pwrite(file, left, offset)
        left, offset = left[done:], offset + done
