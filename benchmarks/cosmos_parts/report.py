"""Tables of the Cosmos benchmarks, and how seconds are measured."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import torch


@dataclass
class Report:
    """What was measured: titled tables of rows, and the numbers for a machine."""

    lines: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)

    def table(self, title: str, head: list[str], rows: list[list[Any]]) -> None:
        self.lines += ["", f"## {title}", "", f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
        self.lines += [f"| {' | '.join(str(cell) for cell in row)} |" for row in rows]
        self.figures[title] = [dict(zip(head, row, strict=True)) for row in rows]
        print("\n".join(self.lines[-len(rows) - 4 :]), flush=True)

    def note(self, text: str) -> None:
        self.lines += ["", text]
        print(text, flush=True)

    def write(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "cosmos.md").write_text("\n".join(self.lines) + "\n", encoding="utf-8")
        (folder / "cosmos.json").write_text(json.dumps(self.figures, indent=1), encoding="utf-8")


def machine(device: torch.device) -> str:
    """The card, its driver, the versions and the day: what a figure holds for."""
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    if device.type == "cpu":
        return f"{day}, CPU, torch {torch.__version__}"
    asked = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    driver = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.split("\n")[0].strip()
    total = torch.cuda.get_device_properties(device).total_memory / 2**30
    return (
        f"{day}, {torch.cuda.device_count()}× {torch.cuda.get_device_name(device)}, {total:.0f} GiB each, driver "
        f"{driver or 'unknown'}, torch {torch.__version__}, CUDA {torch.version.cuda}, cuDNN "
        f"{torch.backends.cudnn.version()}"
    )


def seconds(work: Callable[[], Any], device: torch.device, runs: int = 3, warm_ups: int = 1) -> float:
    """Median of ``runs`` after the warm-ups."""
    spent = []
    for _ in range(runs + warm_ups):
        synchronize(device)
        since = time.perf_counter()
        work()
        synchronize(device)
        spent.append(time.perf_counter() - since)
    return median(spent[warm_ups:])


def synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def peak_gib(device: torch.device) -> float:
    return torch.cuda.max_memory_allocated(device) / 2**30 if device.type == "cuda" else 0.0


def relative(output: torch.Tensor, reference: torch.Tensor) -> float:
    return float((output.float() - reference.float()).norm() / reference.float().norm())
