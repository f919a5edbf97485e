"""What differs between two versions: clips, labels and quality."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
from pyarrow import BufferReader

from its_core import storage
from its_core.dataset.layout import MEASURES_FILE, REPORT_FOLDER
from its_core.dataset.reader import Version

# Names of files and of versions of the code say nothing about what a clip shows.
_IGNORED = {"file_name", "annotations_path"}


@dataclass(frozen=True, slots=True)
class Change:
    """A value of a scenario's clip in both versions."""

    scenario: str
    column: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Difference:
    """``added`` and ``removed`` are scenarios with their variant; ``measures`` are the means of both versions."""

    added: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    changed: list[Change] = field(default_factory=list)
    measures: dict[str, tuple[float | None, float | None]] = field(default_factory=dict)

    @property
    def changes_by_column(self) -> Counter[str]:
        return Counter(change.column for change in self.changed)


def compare(before: Version, after: Version) -> Difference:
    """Compares scenario by scenario and variant by variant, whatever the clips are called."""
    old, new = _rows(before), _rows(after)
    changed = [
        Change(name, column, old[name].get(column), new[name].get(column))
        for name in old
        if name in new
        for column in sorted(old[name].keys() | new[name].keys())
        if old[name].get(column) != new[name].get(column)
    ]
    means = _means(before), _means(after)
    measures = {
        name: (means[0].get(name), means[1].get(name))
        for name in sorted(means[0].keys() | means[1].keys())
        if means[0].get(name) != means[1].get(name)
    }
    return Difference(sorted(new.keys() - old.keys()), sorted(old.keys() - new.keys()), changed, measures)


def _rows(version: Version) -> dict[str, dict[str, Any]]:
    rows = {}
    for row in version.rows():
        name = row["scenario_id"] + (f" v{row['variant']}" if row["variant"] else "")
        rows[name] = {column: value for column, value in row.items() if column not in _IGNORED}
    return rows


def _means(version: Version) -> dict[str, float]:
    url = storage.join(version.url, REPORT_FOLDER, MEASURES_FILE)
    means = pq.read_table(BufferReader(storage.read_bytes(url))).to_pandas().mean(numeric_only=True)
    return {str(name): round(float(value), 3) for name, value in means.items() if pd.notna(value)}
