"""What ``its status`` shows: all builds, what runs, what is left, what failed and why, and when it may end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from its_core import definition as definitions
from its_core.definition import DefinitionError
from its_core.shards.status import BuildStatus, count, read_status
from its_core.storage.errors import StorageError

_REASONS_SHOWN = 5  # a dataset; --json has all


@dataclass(frozen=True, slots=True)
class DatasetStatus:
    """A dataset and the status of its build, or the ``error`` for which it cannot be read."""

    folder: Path
    build: BuildStatus | None
    error: str = ""


def survey(folder: str) -> list[DatasetStatus]:
    """The status of every definition in a folder. Raises DefinitionError when there is none."""
    return [_status(each) for each in definitions.find(folder)]


def _status(folder: Path) -> DatasetStatus:
    try:
        definition = definitions.load(folder)
        return DatasetStatus(folder, read_status(definition.work_path, folder=definition.folder))
    except (DefinitionError, StorageError, OSError) as error:
        return DatasetStatus(folder, None, str(error))


def as_json(statuses: Sequence[DatasetStatus]) -> str:
    """Everything, an object a dataset."""
    return orjson.dumps([_as_dict(status) for status in statuses], option=orjson.OPT_INDENT_2).decode()


def _as_dict(status: DatasetStatus) -> dict[str, Any]:
    now = status.build
    if now is None:
        return {"dataset": str(status.folder), "phase": "unknown", "reason": status.error}
    return {
        "dataset": str(status.folder),
        "phase": now.phase,
        "reason": now.reason,
        "build": now.build.model_dump(mode="json") if now.build else None,
        "process": now.process,
        "made": now.made,
        "left": now.left,
        "ends_in_s": now.ends_in_s,
        "failed": [
            {
                "clip_id": receipt.clip_id,
                "scenario_id": receipt.scenario_id,
                "variant": receipt.variant,
                "outcome": receipt.outcome,
                "reason": receipt.reason,
                "tried_again": receipt.can_be_retried,
                "attempts": [attempt.model_dump(mode="json") for attempt in receipt.attempts],
            }
            for receipt in now.failed
        ],
    }


def show(statuses: Sequence[DatasetStatus], console: Console) -> None:
    """Prints a line a dataset, then for each the reason and what failed."""
    table = Table(box=None, pad_edge=False)
    for column in ("dataset", "state", "made", "left", "failed", "ends in", "last build"):
        table.add_column(column, overflow="fold", justify="right" if column in {"made", "left", "failed"} else "left")
    for status in statuses:
        table.add_row(*(Text(cell) for cell in _cells(status)))
    console.print(table)
    for status in statuses:
        _show_why(status, console)


def _cells(status: DatasetStatus) -> tuple[str, ...]:
    now = status.build
    name = status.folder.name
    if now is None:
        return (name, "unknown", "", "", "", "", "")
    if now.build is None:
        return (name, now.phase.words, "", "", "", "", "")
    made = f"{now.made:,} of {now.build.clips:,}" if now.build.clips is not None else ""
    ends_in = f"about {timedelta(seconds=round(now.ends_in_s))}" if now.ends_in_s is not None else ""
    began = now.build.started_at[:16].replace("T", " ") + " UTC"
    return (name, now.phase.words, made, f"{now.left:,}", f"{len(now.failed):,}", ends_in, began)


def _show_why(status: DatasetStatus, console: Console) -> None:
    now = status.build
    parts = [status.error if now is None else now.reason]
    failed = () if now is None else now.failed
    parts += [f"{number:,} {outcome}" for outcome, number in count(failed).items()]
    if not any(parts):
        return
    line = f"\n{status.folder.name}: {', '.join(part for part in parts if part)}"
    console.print(line, highlight=False, markup=False, soft_wrap=True)
    for receipt in failed[:_REASONS_SHOWN]:
        tries = f"{len(receipt.attempts)} attempts" if len(receipt.attempts) > 1 else "1 attempt"
        again = "" if not receipt.can_be_retried else ", to be tried again"
        clip = f"{receipt.scenario_id} v{receipt.variant} ({receipt.clip_id})"
        line = f"  {clip}: {receipt.outcome}: {receipt.reason} ({tries}{again})"
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    if len(failed) > _REASONS_SHOWN:
        console.print(f"  … and {len(failed) - _REASONS_SHOWN:,} more (--json has all)", highlight=False)
