"""How a dataset's build stands, from what lies beside its clips: what is made, what is left, what failed and why."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from its_core import storage
from its_core.clip import Outcome
from its_core.shards import build
from its_core.shards.build import Build
from its_core.shards.plan import PLAN_FILE
from its_core.shards.receipts import Attempt, Receipt, files_of


class Standing(StrEnum):
    """``unfinished`` builds go on when they are called again; ``beyond_help`` and ``wrong_input`` need a person."""

    NEVER_BUILT = "never built"
    RUNNING = "running"
    PUBLISHED = "published"
    UNFINISHED = "unfinished"
    BEYOND_HELP = "beyond help"
    WRONG_INPUT = "wrong input"


@dataclass(frozen=True, slots=True)
class Look:
    """A build at a moment. ``left`` clips are neither made nor known to be beyond help; ``failed`` are the receipts of
    clips whose last try failed; ``ends_in_s`` is an estimate, None where nothing runs or nothing is known."""

    standing: Standing
    why: str
    build: Build | None = None
    process: str | None = None
    made: int = 0
    left: int = 0
    failed: Sequence[Receipt] = ()
    ends_in_s: float | None = None


def look(work: Path, read: Callable[[Path], Iterable[Receipt]] | None = None) -> Look:
    """Reads how the build of a work folder stands. Raises StorageError when its published version cannot be reached.

    ``read`` gives the receipts of its planned clips that still hold; without it they are read from the disk.
    """
    last = build.read(work)
    if last is None:
        unread = f"{work / build.FILE} cannot be read; build again, and it is written anew"
        return Look(Standing.NEVER_BUILT, unread if (work / build.FILE).exists() else "")
    process = build.running(work)
    receipts = list((read or _receipts)(work))
    made = [receipt for receipt in receipts if receipt.outcome.made_a_clip]
    failed = [receipt for receipt in receipts if not receipt.outcome.made_a_clip]
    left = max(0, (last.clips or 0) - len(made) - sum(not receipt.can_be_retried for receipt in failed))
    standing, why = (Standing.RUNNING, f"by process {process}") if process else _of_ended(last, left)
    ends_in_s = _ends_in_s(last, made, left) if process else None
    return Look(standing, why, last, process, len(made), left, failed, ends_in_s)


def _of_ended(last: Build, left: int) -> tuple[Standing, str]:
    match last.state:
        case build.State.PUBLISHED:
            if last.marker is not None and storage.exists(last.marker):
                return Standing.PUBLISHED, last.url or ""
            return Standing.UNFINISHED, f"{last.url} was published and is not there any more"
        case build.State.RUNNING:
            return Standing.UNFINISHED, "ended without a word: killed, or its machine went down"
        case build.State.TOO_FEW_CLIPS if not left:
            return Standing.BEYOND_HELP, last.reason
        case build.State.WRONG_INPUT:
            return Standing.WRONG_INPUT, last.reason
    return Standing.UNFINISHED, f"{last.state}: {last.reason}"


def _receipts(work: Path) -> Iterator[Receipt]:
    return (receipt for clip_id in planned(work) if (receipt := files_of(work, clip_id).standing()))


def planned(work: Path) -> Iterator[str]:
    """The ids of the last plan's clips; earlier plans' clips may lie beside them."""
    try:
        file = pq.ParquetFile(work / PLAN_FILE)
    except (FileNotFoundError, pa.ArrowInvalid):  # not planned yet, or cut off by a power cut: to be planned anew
        return
    with file:
        for batch in file.iter_batches(columns=["clip_id"]):
            yield from batch.column(0).to_pylist()


def _ends_in_s(last: Build, made: Sequence[Receipt], left: int) -> float | None:
    """What is left, at the pace of this build so far; before its first clip, at that of all earlier clips in a row."""
    tries = [receipt.attempts[-1] for receipt in made]
    of_this = [attempt for attempt in tries if attempt.started_at >= last.started_at]
    if not left or not tries:
        return None
    if not of_this:
        return left * sum(attempt.duration_s for attempt in tries) / len(tries)
    elapsed_s = (datetime.now(UTC) - min(map(_began, of_this))).total_seconds()
    if elapsed_s <= 0:  # the clock was set back
        elapsed_s = sum(attempt.duration_s for attempt in of_this)
    return left * elapsed_s / len(of_this)


def _began(attempt: Attempt) -> datetime:
    return datetime.fromisoformat(attempt.started_at)


def count(receipts: Sequence[Receipt]) -> dict[Outcome, int]:
    """How many of each outcome."""
    outcomes = [receipt.outcome for receipt in receipts]
    return {outcome: outcomes.count(outcome) for outcome in sorted(set(outcomes))}
