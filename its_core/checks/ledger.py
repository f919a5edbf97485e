"""A clip's measures, stored beside it, so that no clip is decoded twice for the same measures."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, ValidationError

from its_core.checks.measures import Measures
from its_core.shards.receipts import ClipFiles, Receipt
from its_core.storage import replacing

# Raised when measures are added: what was measured before is measured again.
MEASURED_AS = 4


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    clip_sha256: str
    measured_as: int = 1
    measures: Measures


def write(files: ClipFiles, receipt: Receipt, measures: Measures) -> None:
    """Stores the measures of a clip that passed, with the SHA-256 from its receipt."""
    entry = _Entry(clip_sha256=receipt.clip_sha256 or "", measured_as=MEASURED_AS, measures=measures)
    with replacing(files.measures) as part:
        part.write_text(entry.model_dump_json(), encoding="utf-8")


def read(files: ClipFiles, receipt: Receipt) -> Measures | None:
    """The measures of exactly the clip of ``receipt``; None when it was not checked yet."""
    try:
        entry = _Entry.model_validate_json(files.measures.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
    current = entry.measured_as == MEASURED_AS and entry.clip_sha256 == receipt.clip_sha256
    return entry.measures if current else None
