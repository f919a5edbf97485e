"""How a dataset's build is doing, from the files beside its clips: what is made, what is left, what failed and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from its_core import storage
from its_core.clip import Outcome
from its_core.shards import build
from its_core.shards.build import Build, BuildState
from its_core.shards.plan import planned_clip_ids
from its_core.shards.receipts import Attempt, Receipt, clip_files


class BuildPhase(StrEnum):
    """``unfinished`` builds go on when they are called again; ``not_retriable`` and ``wrong_input`` need a person."""

    NEVER_BUILT = "never_built"
    RUNNING = "running"
    PUBLISHED = "published"
    UNFINISHED = "unfinished"
    NOT_RETRIABLE = "not_retriable"
    WRONG_INPUT = "wrong_input"

    @property
    def words(self) -> str:
        return self.value.replace("_", " ")


@dataclass(frozen=True, slots=True)
class BuildStatus:
    """A build at a moment. ``left`` clips are neither made nor known to be not retriable; ``failed`` are the receipts
    of clips whose last attempt failed; ``ends_in_s`` is an estimate, None where nothing runs or nothing is known."""

    phase: BuildPhase
    reason: str
    build: Build | None = None
    process: str | None = None
    made: int = 0
    left: int = 0
    failed: Sequence[Receipt] = ()
    ends_in_s: float | None = None


def read_status(
    work: Path, read: Callable[[Path], Iterable[Receipt]] | None = None, folder: Path | None = None
) -> BuildStatus:
    """Reads the status of a work folder's build.

    Args:
        work: the work folder.
        read: gives the valid receipts of its planned clips; without it they are read from the disk.
        folder: of the definition whose build it must be.

    Raises:
        DefinitionError: it is another dataset's.
        StorageError: its published version cannot be reached.
    """
    if folder is not None:
        build.refuse_other_dataset(work, folder)
    last = build.read(work)
    if last is None:
        unreadable = f"{work / build.FILE} cannot be read; build again, and it is written anew"
        return BuildStatus(BuildPhase.NEVER_BUILT, unreadable if (work / build.FILE).exists() else "")
    process = build.running(work)
    receipts = list((read or _receipts)(work))
    made = [receipt for receipt in receipts if receipt.outcome.made_a_clip]
    failed = [receipt for receipt in receipts if not receipt.outcome.made_a_clip]
    left = max(0, (last.clips or 0) - len(made) - sum(not receipt.can_be_retried for receipt in failed))
    phase, reason = (BuildPhase.RUNNING, f"by process {process}") if process else _phase_of_ended(last, left)
    ends_in_s = _ends_in_s(last, made, left) if process else None
    return BuildStatus(phase, reason, last, process, len(made), left, failed, ends_in_s)


def _phase_of_ended(last: Build, left: int) -> tuple[BuildPhase, str]:
    match last.state:
        case BuildState.PUBLISHED:
            if last.marker is not None and storage.exists(last.marker):
                return BuildPhase.PUBLISHED, last.url or ""
            return BuildPhase.UNFINISHED, f"{last.url} was published and is not there any more"
        case BuildState.RUNNING:
            return BuildPhase.UNFINISHED, "ended without a report: killed, or its machine went down"
        case BuildState.TOO_FEW_CLIPS if not left:
            return BuildPhase.NOT_RETRIABLE, last.reason
        case BuildState.WRONG_INPUT:
            return BuildPhase.WRONG_INPUT, last.reason
    return BuildPhase.UNFINISHED, f"{last.state}: {last.reason}"


def _receipts(work: Path) -> Iterator[Receipt]:
    clip_ids = planned_clip_ids(work)
    return (receipt for clip_id in clip_ids if (receipt := clip_files(work, clip_id).valid_receipt()))


def _ends_in_s(last: Build, made: Sequence[Receipt], left: int) -> float | None:
    """What is left, at the pace of this build so far; before its first clip, at that of all earlier clips in a row."""
    attempts = [receipt.attempts[-1] for receipt in made]
    of_this = [attempt for attempt in attempts if attempt.started_at >= last.started_at]
    if not left or not attempts:
        return None
    if not of_this:
        return left * sum(attempt.duration_s for attempt in attempts) / len(attempts)
    elapsed_s = (datetime.now(UTC) - min(map(_started, of_this))).total_seconds()
    if elapsed_s <= 0:  # the clock was set back
        elapsed_s = sum(attempt.duration_s for attempt in of_this)
    return left * elapsed_s / len(of_this)


def _started(attempt: Attempt) -> datetime:
    return datetime.fromisoformat(attempt.started_at)


def count(receipts: Sequence[Receipt]) -> dict[Outcome, int]:
    """How many of each outcome."""
    return dict(sorted(Counter(receipt.outcome for receipt in receipts).items()))
