"""Reads a whole manifest to say what a build would make of it, without building."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from its_core.scenarios.manifest.columns import KNOWN
from its_core.scenarios.manifest.parquet.listing import some_of
from its_core.scenarios.manifest.suggestions import nearest
from its_core.scenarios.prompts.compose import lint
from its_core.scenarios.scenario import Batch, Rejection, Remark


@dataclass(slots=True)
class Survey:
    """What a build would make of a manifest.

    Attributes:
        carried: columns that are copied to the labels, each with the known column that it may have been meant for.
        left_out: columns that cannot be, with the reason.
        from_folders: columns that the names of folders say.
        not_read: files beside the manifest's.
        rejections: rows that cannot be made.
        remarks: on rows that are made all the same: parts that a prompt lacks, values that a label cannot carry.
    """

    rows: int = 0
    scenarios: int = 0
    clips: int = 0
    carried: dict[str, str | None] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    from_folders: tuple[str, ...] = ()
    not_read: tuple[str, ...] = ()
    rejections: list[Rejection] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)


def announced(batches: Iterable[Batch], not_read: Sequence[str], say: Callable[[str], None]) -> Iterator[Batch]:
    """Passes the batches on, and says in a line each what a build does not use of the manifest."""
    if not_read:
        say(not_read_line(not_read))
    said: set[str] = set()
    lost: Counter[str] = Counter()
    for batch in batches:
        for name in batch.left_out.keys() - said:
            say(left_out_line(name, batch.left_out[name]))
        said |= batch.left_out.keys()
        lost.update(remark.column or "" for remark in batch.remarks)
        yield batch
    for name, count in lost.items():
        say(f"column {name}: {count:,} values are left out of the labels; its check says which and why")


def not_read_line(not_read: Sequence[str]) -> str:
    what = "1 file beside the manifest is" if len(not_read) == 1 else f"{len(not_read):,} files beside the manifest are"
    return f"{what} not read: {some_of(not_read)}"


def left_out_line(name: str, reason: str) -> str:
    return f"column {name} is left out of the labels: {reason}"


def survey(batches: Iterable[Batch], not_read: Sequence[str] = ()) -> Survey:
    found = Survey(not_read=tuple(not_read))
    for batch in batches:
        found.rows += len(batch.scenarios) + len(batch.rejections)
        found.scenarios += len(batch.scenarios)
        found.rejections += batch.rejections
        found.remarks += batch.remarks
        found.left_out |= batch.left_out
        found.from_folders = tuple(dict.fromkeys((*found.from_folders, *batch.from_folders)))
        for name in set(batch.carried) - found.carried.keys():
            found.carried[name] = nearest(name, KNOWN)
        for scenario in batch.scenarios:
            found.clips += scenario.variants
            if scenario.prompt is not None and (missing := lint(scenario.prompt)):
                reason = f"says nothing of the {', '.join(missing)}"
                at = scenario.row, scenario.scenario_id
                found.remarks.append(Remark(*at, "prompt", scenario.prompt, reason, "prompt.part_missing"))
    return found
