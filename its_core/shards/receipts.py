"""One receipt a clip: how it ended, why, and what ran. It is written last: a receipt means that its files are whole."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from its_core import storage
from its_core.clip import ClipRequest, Outcome
from its_core.errors import FactoryError
from its_core.provenance import code_version
from its_core.text import one_line

LAUNCH = "ITS_LAUNCH"  # environment variable: the launch that a worker is part of
QUARANTINE_AFTER = 3  # ranks that a clip may break before it is left alone


class Attempt(BaseModel):
    """One try at a clip. ``launch`` names the torchrun it was part of; ``host`` the machine;
    ``started_at`` is ISO 8601 in UTC; ``broke_rank`` says that the process which had the clip in hand died of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    outcome: Outcome
    reason: str
    started_at: str
    duration_s: float
    rank: int | None
    launch: str
    code_version: str
    host: str = ""  # older receipts have none
    broke_rank: bool = False

    @field_validator("reason")
    @classmethod
    def _in_a_line(cls, reason: str) -> str:
        return one_line(reason)  # it may quote what a script, a library or a file said


def found_by(outcome: Outcome, reason: str, by: str) -> Attempt:
    """An attempt that no launch made: what a check or a reuse (``by``) found, now."""
    return Attempt(
        outcome=outcome,
        reason=reason,
        started_at=utc_now(),
        duration_s=0.0,
        rank=None,
        launch=by,
        code_version=code_version(),
        host=socket.gethostname(),
    )


class Receipt(BaseModel):
    """How a clip stands after its last attempt. ``record`` is the engine's own account of what ran."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    clip_id: str
    scenario_id: str
    variant: int
    attempts: tuple[Attempt, ...]
    clip_sha256: str | None = None
    clip_bytes: int | None = None
    record: dict[str, Any] = {}

    @property
    def outcome(self) -> Outcome:
        return self.attempts[-1].outcome

    @property
    def reason(self) -> str:
        return self.attempts[-1].reason

    @property
    def quarantined(self) -> bool:
        """Whether the clip broke so many ranks that it is not tried again until its receipt is deleted."""
        return not self.outcome.made_a_clip and sum(try_.broke_rank for try_ in self.attempts) >= QUARANTINE_AFTER

    @property
    def can_be_retried(self) -> bool:
        return self.outcome.can_be_retried and not self.quarantined


class TooFewClips(FactoryError, RuntimeError):
    """Too few clips were made to publish a dataset; the message says which failed and why."""

    default_code = "build.too_few_clips"


@dataclass(frozen=True, slots=True)
class ClipFiles:
    """Where a clip and what belongs to it lie: beside each other, told apart by suffix."""

    video: Path

    @property
    def annotations(self) -> Path:
        return self.video.with_suffix(".annotations.json.gz")

    @property
    def receipt(self) -> Path:
        return self.video.with_suffix(".receipt.json")

    @property
    def measures(self) -> Path:
        return self.video.with_suffix(".measures.json")

    def read_receipt(self) -> Receipt | None:
        """The receipt, or None where there is none that can be read."""
        try:
            return Receipt.model_validate_json(self.receipt.read_bytes())
        except (FileNotFoundError, ValidationError):
            return None

    def add_attempt(
        self,
        request: ClipRequest,
        attempt: Attempt,
        *,
        clip_sha256: str | None = None,
        record: dict[str, Any] | None = None,
    ) -> Receipt:
        """Writes the receipt anew with one more attempt at its end; the engine's record is the latest one known."""
        before = self.read_receipt()
        receipt = Receipt(
            clip_id=request.clip_id,
            scenario_id=request.scenario_id,
            variant=request.variant,
            attempts=(*(before.attempts if before else ()), attempt),
            clip_sha256=clip_sha256,
            clip_bytes=self.video.stat().st_size if clip_sha256 else None,
            record=record or (before.record if before else {}),
        )
        if attempt.broke_rank and receipt.quarantined:
            told = f"{attempt.reason}; quarantined: it broke its rank {QUARANTINE_AFTER} times, delete {self.receipt} "
            last = attempt.model_copy(update={"reason": told + "to have it tried again"})
            receipt = receipt.model_copy(update={"attempts": (*receipt.attempts[:-1], last)})
        with storage.replacing(self.receipt) as part:
            part.write_text(receipt.model_dump_json(indent=1), encoding="utf-8")
        return receipt

    def standing(self) -> Receipt | None:
        """The receipt, unless it speaks of a clip that no longer lies there at its full length."""
        receipt = self.read_receipt()
        return receipt if receipt is not None and self.bears_out(receipt) else None

    def bears_out(self, receipt: Receipt) -> bool:
        """Whether what lies here is what the receipt says: the clip at its full length, where it says one was made."""
        try:
            return not receipt.outcome.made_a_clip or self.video.stat().st_size == receipt.clip_bytes
        except FileNotFoundError:
            return False

    def made(self) -> Receipt | None:
        """The receipt of a clip that was made and still lies there."""
        receipt = self.standing()
        return receipt if receipt is not None and receipt.outcome.made_a_clip else None


def files_of(work: Path, clip_id: str) -> ClipFiles:
    """A clip's files in a work folder, spread over 256 folders by the first digits of its id."""
    return ClipFiles(work / "clips" / clip_id[:2] / f"{clip_id}.mp4")


def utc_now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
