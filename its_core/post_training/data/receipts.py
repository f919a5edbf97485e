"""What became of each clip of a training set, a small file each: nothing is dropped silently."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from its_core import storage


class ClipReceipt(BaseModel):
    """``prepared``: ``windows`` are the first frames of its windows. ``refused``: ``code`` and ``reason`` say why.

    ``fps`` is the file's rate; a resampled clip was brought from it to the model's.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    outcome: Literal["prepared", "refused"]
    code: str = ""
    reason: str = ""
    video_sha256: str | None = None
    windows: tuple[int, ...] = ()
    fps: float | None = None
    size_px: tuple[int, int] | None = None
    resampled: bool = False
    seconds: dict[str, float] = {}
    origin: dict[str, Any] = {}


def path_of(folder: Path, name: str) -> Path:
    return folder / f"{hashlib.sha256(name.encode()).hexdigest()[:24]}.json"


def write(folder: Path, receipt: ClipReceipt) -> None:
    with storage.replacing(path_of(folder, receipt.name)) as part:
        part.write_text(receipt.model_dump_json(), encoding="utf-8")


def read(folder: Path, name: str) -> ClipReceipt | None:
    try:
        return ClipReceipt.model_validate_json(path_of(folder, name).read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
