"""Clips counted by split, incident, and source of each label, for the card."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from its_core.dataset.labels.label_rows import LABELS


@dataclass(slots=True)
class Counts:
    """Clips by split, by incident and split, and by label and source (None: no value)."""

    clips: Counter[str] = field(default_factory=Counter)
    incidents: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    labels: defaultdict[str, Counter[str | None]] = field(default_factory=lambda: defaultdict(Counter))

    def add(self, row: Mapping[str, Any]) -> None:
        self.clips[row["split"]] += 1
        self.incidents[row["incident_type"] or "not specified"][row["split"]] += 1
        for name in LABELS:
            source = row["sources"][name]
            self.labels[name][source["source"] if source else None] += 1
