"""A clip that was made and checked, before it is published: its request, receipt, measures and files."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from its_core.annotations import Annotations, AnnotationSummary
from its_core.observed import record as observed
from its_core.observed.record import Observation
from its_core.shards.plan import PlannedClip
from its_core.shards.receipts import ClipFiles, Receipt

if TYPE_CHECKING:
    from its_core.checks.measures import Measures  # brings pandas


@dataclass(frozen=True, slots=True)
class FailedClip:
    """A planned clip that was not made; its receipt says why."""

    planned: PlannedClip
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class FinishedClip:
    """A clip that was made and passed its checks. ``files`` are local and must not be changed.

    ``published_row`` has the labels of a clip that an earlier version holds: they are published again as they are.
    """

    planned: PlannedClip
    receipt: Receipt
    files: ClipFiles
    measures: Measures
    published_row: Mapping[str, Any] | None = None

    @property
    def clip_id(self) -> str:
        return self.planned.request.clip_id

    @property
    def has_annotations(self) -> bool:
        return self.files.annotations.exists()

    def annotations(self) -> Annotations | None:
        """The ground truth; None from an engine without any. Raises pydantic's ValidationError when it is damaged."""
        return Annotations.model_validate_json(self._unpacked()) if self.has_annotations else None

    def annotation_summary(self) -> AnnotationSummary | None:
        """The same without the frames of the tracks."""
        return AnnotationSummary.model_validate_json(self._unpacked()) if self.has_annotations else None

    def observation(self) -> Observation | None:
        """What a detector saw; None where none looked. Raises pydantic's ValidationError when it is damaged."""
        return observed.read(self.files.detections) if self.files.detections.exists() else None

    def _unpacked(self) -> bytes:
        with gzip.open(self.files.annotations, "rb") as file:
            return file.read()
