"""What a launch is to make: its clips, and the engine that they were planned for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from its_core.clip import ClipRequest, Fps, Resolution
from its_core.errors import FactoryError
from its_core.shards.receipts import ClipFiles


class BatchError(FactoryError, ValueError):
    """Clips that cannot be asked for; the message names the file, the entry, the key and what would be right."""

    default_code = "batch"


@dataclass(frozen=True, slots=True)
class Job:
    """A clip to make and where it goes."""

    request: ClipRequest
    files: ClipFiles


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """The engine of a batch and its options.

    ``fingerprint`` is ``EngineIdentity.fingerprint`` of the engine that the clips are named for, ``weights_sha256`` its
    weights'. Both are None in a batch that was typed by hand, and so may be ``resolution`` and ``fps``: then the
    command line says them.
    """

    name: str
    options: dict[str, Any]
    resolution: Resolution | None = None
    fps: Fps | None = None
    fingerprint: str | None = None
    weights_sha256: str | None = None
