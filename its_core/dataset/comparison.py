"""What differs between two versions: clips, labels and quality."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
from pyarrow import BufferReader

from its_core import storage
from its_core.checks.perceptual_hash import near_duplicates
from its_core.dataset.layout import MEASURES_FILE, REPORT_FOLDER
from its_core.dataset.reader import Version

# Names of files and of versions of the code say nothing about what a clip shows.
_IGNORED = {"file_name", "annotations_path"}
# A clip that is coded again with a little noise differs in 0 to 3 of 128 bits, other traffic of a camera in 18 to 50.
_NEAR_DUPLICATE_BITS = 5


@dataclass(frozen=True, slots=True)
class Change:
    """A value of a scenario's clip in both versions."""

    scenario: str
    column: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Difference:
    """``added`` and ``removed`` are scenarios with their variant; ``measures`` are the means of both versions.

    ``alike`` has the added scenarios whose clip looks like one of the old version, with that clip's scenario.
    """

    added: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    changed: list[Change] = field(default_factory=list)
    measures: dict[str, tuple[float | None, float | None]] = field(default_factory=dict)
    alike: dict[str, str] = field(default_factory=dict)

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
    tables = _measures(before), _measures(after)
    means = _means(tables[0]), _means(tables[1])
    measures = {
        name: (means[0].get(name), means[1].get(name))
        for name in sorted(means[0].keys() | means[1].keys())
        if means[0].get(name) != means[1].get(name)
    }
    added, removed = sorted(new.keys() - old.keys()), sorted(old.keys() - new.keys())
    hashes = _hashes(old, tables[0]), _hashes({name: new[name] for name in added}, tables[1])
    alike = near_duplicates(*hashes, _NEAR_DUPLICATE_BITS, {})
    return Difference(added, removed, changed, measures, {new: old for new, old in alike.items() if old in hashes[0]})


def _rows(version: Version) -> dict[str, dict[str, Any]]:
    rows = {}
    for row in version.rows():
        name = row["scenario_id"] + (f" v{row['variant']}" if row["variant"] else "")
        rows[name] = {column: value for column, value in row.items() if column not in _IGNORED}
    return rows


def _measures(version: Version) -> pd.DataFrame:
    url = storage.join(version.url, REPORT_FOLDER, MEASURES_FILE)
    measures: pd.DataFrame = pq.read_table(BufferReader(storage.read_bytes(url))).to_pandas()
    return measures


def _means(measures: pd.DataFrame) -> dict[str, float]:
    means = measures.mean(numeric_only=True)
    return {str(name): round(float(value), 3) for name, value in means.items() if pd.notna(value)}


def _hashes(rows: dict[str, dict[str, Any]], measures: pd.DataFrame) -> dict[str, str | None]:
    """Perceptual hashes by scenario; none where the version is older than they are."""
    if "perceptual_hash" not in measures:
        return {}
    by_clip = dict(zip(measures["clip_id"], measures["perceptual_hash"], strict=True))
    return {name: by_clip.get(row["clip_id"]) for name, row in rows.items()}
