"""A clip on its way into a published dataset: what was asked, what came, and where its files lie."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path

from its_core.annotations import Annotations
from its_core.checks.measures import Measures
from its_core.shards.plan import PlannedClip
from its_core.shards.receipts import ClipFiles, Receipt


@dataclass(frozen=True, slots=True)
class FinishedClip:
    """A clip that was made and passed its checks. ``files`` are its local ones, to be read and linked, not changed."""

    planned: PlannedClip
    receipt: Receipt
    files: ClipFiles
    measures: Measures

    @property
    def clip_id(self) -> str:
        return self.planned.request.clip_id

    @property
    def has_annotations(self) -> bool:
        return self.files.annotations.exists()

    def annotations(self) -> Annotations | None:
        """The ground truth, None from an engine without any. Raises pydantic's ValidationError when it is damaged."""
        return read_annotations(self.files.annotations) if self.has_annotations else None


def read_annotations(path: Path) -> Annotations:
    with gzip.open(path, "rb") as file:
        return Annotations.model_validate_json(file.read())
