"""What a run says of itself while it trains: a line an iteration, and TensorBoard's files."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import torch

from its_core import storage
from its_core.post_training.metrics import read_lines
from its_core.post_training.run_folder import RunFolder
from its_core.post_training.training.validation import Validation


class RunLog:
    """Written by one process. Lines of iterations that a resumed run does again are taken out first."""

    def __init__(self, run: RunFolder, first_iteration: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._path = run.metrics
        _cut(self._path, first_iteration)
        self._file = self._path.open("a", encoding="utf-8")
        self._board = SummaryWriter(str(run.tensorboard), purge_step=first_iteration)

    def step(self, iteration: int, values: dict[str, Any]) -> None:
        """``iteration`` counts the steps that are done."""
        self._write({"iteration": iteration, "time": time.time(), **values})
        for name in ("loss", "learning_rate", "gradient_norm", "seconds", "memory_bytes"):
            if values.get(name) is not None:
                self._scalar(f"train/{name}", values[name], iteration)

    def validation(self, iteration: int, found: Validation, average: bool = False) -> None:
        name = "validation_average" if average else "validation"
        self._write({"iteration": iteration, "time": time.time(), name: found.as_json()})
        self._scalar(f"{name}/loss", found.loss, iteration)
        for sigma, loss in found.by_sigma.items():
            self._scalar(f"{name}/sigma_{sigma:.3g}", loss, iteration)

    def close(self) -> None:
        self._file.close()
        self._board.close()

    def _write(self, line: dict[str, Any]) -> None:
        with storage.room_for(str(self._path), self._path.parent):
            self._file.write(json.dumps(line) + "\n")
            self._file.flush()

    def _scalar(self, name: str, value: float, iteration: int) -> None:
        self._board.add_scalar(name, value, iteration)


def _cut(path: Path, first_iteration: int) -> None:
    """Keeps the lines up to an iteration: what was written after the checkpoint that a run goes on from, and a line
    that a kill cut off, are dropped."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = [line for line in read_lines(path) if line["iteration"] <= first_iteration]
    with storage.replacing(path) as part:
        part.write_text("".join(json.dumps(line) + "\n" for line in kept), encoding="utf-8")


def memory_bytes(device: torch.device) -> int | None:
    """The most GPU memory in use since this was last asked; None on a CPU."""
    if device.type != "cuda":
        return None
    peak = torch.cuda.max_memory_allocated(device)
    torch.cuda.reset_peak_memory_stats(device)
    return peak
