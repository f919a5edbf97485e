"""One receipt a clip: how it ended, why, and what ran. It is written last: a receipt means that its files are whole."""

from __future__ import annotations

import glob
import socket
from collections.abc import Collection, Iterator
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
    """One attempt to make a clip.

    ``launch`` names the torchrun it was part of; ``host`` the machine; ``started_at`` is ISO 8601 in UTC;
    ``duration_s`` is the clip's own time, not its launch's; ``broke_rank`` says that the process which was rendering
    the clip died of it; ``is_final``: the engine is deterministic and its code is that of this attempt, so that
    another attempt would end the same way.
    """

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
    is_final: bool = False

    @field_validator("reason")
    @classmethod
    def _in_a_line(cls, reason: str) -> str:
        return one_line(reason)  # it may quote what a script, a library or a file said


def synthetic_attempt(outcome: Outcome, reason: str, by: str, *, is_final: bool = False) -> Attempt:
    """An attempt that no launch made: the result of a check or of a reuse (``by``), now."""
    return Attempt(
        outcome=outcome,
        reason=reason,
        started_at=utc_now(),
        duration_s=0.0,
        rank=None,
        launch=by,
        code_version=code_version(),
        host=socket.gethostname(),
        is_final=is_final,
    )


class MadeFrom(BaseModel):
    """What a clip is made from: the request with the digest of its input, the engine's fingerprint and settings, and
    the hash of its weights."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    request: ClipRequest
    fingerprint: str
    settings: dict[str, Any]
    weights_sha256: str | None = None

    def differences(self, other: MadeFrom, reads: Collection[str]) -> list[str]:
        """What is not the same for an engine that looks at ``reads`` (``EngineIdentity.reads``), in words.

        Weights that are not known on one side are taken to be the same.
        """
        ours, theirs = self.request, other.request
        weights = {self.weights_sha256, other.weights_sha256}
        parts = {
            "engine": self.fingerprint == other.fingerprint,
            "weights": None in weights or len(weights) == 1,
            "seed": ours.seed == theirs.seed,
            "size": ours.geometry == theirs.geometry,
            "prompt": ours.prompt == theirs.prompt or "prompt" not in reads,
            "negative prompt": ours.negative_prompt == theirs.negative_prompt or "negative_prompt" not in reads,
            "guidance": ours.guidance == theirs.guidance or "guidance" not in reads,
            "scene": ours.scene == theirs.scene or "scene" not in reads,
            "input": ours.input_sha256 == theirs.input_sha256 or "input" not in reads,
        }
        return [part for part, is_same in parts.items() if not is_same]


class Receipt(BaseModel):
    """The state of a clip after its last attempt; ``attempts`` is empty while the first one runs.

    ``record`` is the engine's own account of what ran; ``made_from`` is None in older receipts, and where a script made
    the clip.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    clip_id: str
    scenario_id: str
    variant: int
    attempts: tuple[Attempt, ...]
    clip_sha256: str | None = None
    clip_bytes: int | None = None
    record: dict[str, Any] = {}
    made_from: MadeFrom | None = None

    @property
    def outcome(self) -> Outcome:
        return self.attempts[-1].outcome

    @property
    def reason(self) -> str:
        return self.attempts[-1].reason

    @property
    def quarantined(self) -> bool:
        """Whether the clip broke so many ranks that it is not tried again until its receipt is deleted."""
        return not self.outcome.made_a_clip and sum(each.broke_rank for each in self.attempts) >= QUARANTINE_AFTER

    @property
    def can_be_retried(self) -> bool:
        last = self.attempts[-1]
        is_final = last.is_final and last.code_version == code_version()
        return self.outcome.can_be_retried and not (is_final or self.quarantined)


class TooFewClips(FactoryError, RuntimeError):
    """Too few clips were made to publish a dataset; the message says which failed and why."""

    default_code = "build.too_few_clips"


DETECTIONS_SUFFIX = ".detections.json.gz"


@dataclass(frozen=True, slots=True)
class ClipFiles:
    """A clip's files: beside each other, distinguished by suffix."""

    video: Path

    @property
    def annotations(self) -> Path:
        return self.video.with_suffix(".annotations.json.gz")

    @property
    def detections(self) -> Path:
        """What a detector and a tracker observed; made when a clip is checked, not by its engine."""
        return self.video.with_suffix(DETECTIONS_SUFFIX)

    @property
    def receipt(self) -> Path:
        return self.video.with_suffix(".receipt.json")

    @property
    def measures(self) -> Path:
        return self.video.with_suffix(".measures.json")

    def beside(self) -> Iterator[tuple[str, Path]]:
        """Control videos and arrays that the engine made beside the clip, and detections, by suffix."""
        for ending in ("mp4", "npz"):
            for path in sorted(self.video.parent.glob(f"{glob.escape(self.video.stem)}.*.{ending}")):
                yield path.name.removeprefix(self.video.stem), path
        if self.detections.exists():
            yield DETECTIONS_SUFFIX, self.detections

    def read_receipt(self) -> Receipt | None:
        """The receipt, or None where there is none that can be read, or no attempt has ended."""
        receipt = self._receipt_of_any_kind()
        return receipt if receipt is not None and receipt.attempts else None

    def has_receipt(self) -> bool:
        """Whether a receipt says that the files beside it are ours, if only of an attempt that was interrupted."""
        return self._receipt_of_any_kind() is not None

    def _receipt_of_any_kind(self) -> Receipt | None:
        try:
            return Receipt.model_validate_json(self.receipt.read_bytes())
        except (FileNotFoundError, ValidationError):
            return None

    def begin(self, made_from: MadeFrom, reads: Collection[str]) -> None:
        """Writes a receipt without an attempt, unless there is one of the same clip: from now on these files are ours.

        Attempts at another clip, to which this path belonged before, are forgotten.
        """
        before = self._receipt_of_any_kind()
        if before is not None and before.made_from and not before.made_from.differences(made_from, reads):
            return
        request = made_from.request
        self._write(
            Receipt(
                clip_id=request.clip_id,
                scenario_id=request.scenario_id,
                variant=request.variant,
                attempts=(),
                made_from=made_from,
            )
        )

    def add_attempt(
        self,
        request: ClipRequest,
        attempt: Attempt,
        *,
        clip_sha256: str | None = None,
        record: dict[str, Any] | None = None,
        made_from: MadeFrom | None = None,
    ) -> Receipt:
        """Writes the receipt anew with one more attempt at its end; the engine's record is the latest one known."""
        before = self._receipt_of_any_kind()
        receipt = Receipt(
            clip_id=request.clip_id,
            scenario_id=request.scenario_id,
            variant=request.variant,
            attempts=(*(before.attempts if before else ()), attempt),
            clip_sha256=clip_sha256,
            clip_bytes=self.video.stat().st_size if clip_sha256 else None,
            record=record or (before.record if before else {}),
            made_from=made_from or (before.made_from if before else None),
        )
        if attempt.broke_rank and receipt.quarantined:
            reason = (
                f"{attempt.reason}; quarantined: it broke its rank {QUARANTINE_AFTER} times, "
                f"delete {self.receipt} to have it tried again"
            )
            last = attempt.model_copy(update={"reason": reason})
            receipt = receipt.model_copy(update={"attempts": (*receipt.attempts[:-1], last)})
        self._write(receipt)
        return receipt

    def _write(self, receipt: Receipt) -> None:
        with storage.replacing(self.receipt) as part:
            part.write_text(receipt.model_dump_json(indent=1), encoding="utf-8")

    def valid_receipt(self) -> Receipt | None:
        """The receipt, unless it says that a clip was made which is no longer there at its full length."""
        receipt = self.read_receipt()
        return receipt if receipt is not None and self.matches(receipt) else None

    def matches(self, receipt: Receipt) -> bool:
        """Whether the files are what the receipt says: the clip at its full length, where it says one was made."""
        try:
            return not receipt.outcome.made_a_clip or self.video.stat().st_size == receipt.clip_bytes
        except FileNotFoundError:
            return False

    def success_receipt(self) -> Receipt | None:
        """The receipt of a clip that was made and is still there."""
        receipt = self.valid_receipt()
        return receipt if receipt is not None and receipt.outcome.made_a_clip else None


def clip_files(work: Path, clip_id: str) -> ClipFiles:
    """A clip's files in a work folder, spread over 256 folders by the first digits of its id."""
    return ClipFiles(work / "clips" / clip_id[:2] / f"{clip_id}.mp4")


def utc_now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
