"""Reads a whole manifest to tell what a build would make of it, without building."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from its_core.scenarios.manifest.columns import KNOWN
from its_core.scenarios.manifest.suggestions import nearest
from its_core.scenarios.prompts.compose import lint
from its_core.scenarios.scenario import Batch, Rejection


@dataclass(slots=True)
class Survey:
    """``warnings`` are rows that will be made, with what to look at first: parts that a literal prompt lacks.
    ``carried`` holds the columns that go into the labels unread, each with the known column it may have been meant for.
    """

    rows: int = 0
    scenarios: int = 0
    clips: int = 0
    carried: dict[str, str | None] = field(default_factory=dict)
    rejections: list[Rejection] = field(default_factory=list)
    warnings: list[Rejection] = field(default_factory=list)


def survey(batches: Iterable[Batch]) -> Survey:
    found = Survey()
    for batch in batches:
        found.rows += len(batch.scenarios) + len(batch.rejections)
        found.scenarios += len(batch.scenarios)
        found.rejections += batch.rejections
        for scenario in batch.scenarios:
            found.clips += scenario.variants
            for name in scenario.extra.keys() - found.carried.keys():
                found.carried[name] = nearest(name, KNOWN)
            if scenario.prompt is not None and (missing := lint(scenario.prompt)):
                reason = f"says nothing of the {', '.join(missing)}"
                found.warnings.append(Rejection(scenario.row, scenario.scenario_id, "prompt", scenario.prompt, reason))
    return found
