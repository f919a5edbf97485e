"""What a build came to, on its run's page in Prefect."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from its_flows.markdown import markdown_list, markdown_table, stage_rows
from its_tasks.reporting.run_page import RunPage

from its_core import storage
from its_core.clip import Outcome
from its_core.dataset import reader
from its_core.dataset.publish import Published
from its_core.scenarios.scenario import Rejection
from its_core.shards.receipts import Receipt
from its_core.text import markdown_cell

_MOST_NAMED = 50  # of failed clips and of rejected rows; all are in receipts and in rejected.parquet


@dataclass(frozen=True, slots=True)
class BuildSummary:
    """``outcomes`` counts every clip and every rejected row once; ``failed`` are the receipts of clips that were not
    made; ``published`` is None where the build published nothing."""

    outcomes: Mapping[Outcome, int]
    failed: Sequence[Receipt]
    rejections: Sequence[Rejection]
    stage_seconds: Mapping[str, float]
    published: Published | None

    def show_on(self, page: RunPage) -> None:
        """Adds the artifacts ``build`` and, where something was published, ``contact-sheet``."""
        try:
            version = None if self.published is None else reader.open_version(self.published.url)
        except (OSError, reader.NotPublished) as error:  # the build itself has ended well
            page.log(f"{error}", logging.WARNING)
            return
        page.log(", ".join(f"{count:,} {name.value}" for name, count in sorted(self.outcomes.items()) if count))
        where = "nothing is published" if self.published is None else self.published.url
        page.markdown(self.markdown(version), "build", where)
        if self.published is not None:
            page.log(f"{'already published' if self.published.was_there else 'published'} {where}")
            page.picture(self.published.contact_sheet_url, "contact-sheet", where)

    def markdown(self, version: reader.Version | None) -> str:
        """``version`` is the published one."""
        parts = [self._head(version)]
        parts.append(
            markdown_table(("outcome", "clips"), [(name.value, str(n)) for name, n in self.outcomes.items() if n])
        )
        if version is not None:
            parts.append(
                markdown_table(("split", "clips"), [(split, str(count)) for split, count in version.clips.items()])
            )
        parts.append(markdown_table(("stage", "seconds"), stage_rows(self.stage_seconds)))
        if self.failed:
            parts.append(f"## Clips that were not made: {len(self.failed):,}")
            named = self.failed[:_MOST_NAMED]
            parts.append(markdown_list((f"{r.scenario_id} v{r.variant}, {r.outcome.value}", r.reason) for r in named))
        if self.rejections:
            parts.append(f"## Rejected rows: {len({rejection.row for rejection in self.rejections}):,}")
            parts.append(markdown_list((_place(r), r.reason) for r in self.rejections[:_MOST_NAMED]))
        return "\n\n".join(parts)

    def _head(self, version: reader.Version | None) -> str:
        if version is None or self.published is None:
            return "# Nothing is published"
        word = "Already published" if self.published.was_there else "Published"
        lines = [f"# {word}: {markdown_cell(version.dataset)} {version.version}"]
        lines.append(f"`{storage.shown(version.url)}`")
        lines.append(f"[page]({_link(version.page_url)}) · [contact sheet]({_link(version.contact_sheet_url)})")
        return "\n\n".join(lines)


def _place(rejection: Rejection) -> str:
    """Row, scenario and column, as far as they are known."""
    parts = (f"row {rejection.row}", rejection.scenario_id, rejection.column)
    return ", ".join(part for part in parts if part)


def _link(url: str) -> str:
    """For Markdown, where blanks and brackets would end it."""
    local = storage.local_path(url).as_uri() if storage.scheme(url) == "file" else storage.shown(url)
    return local.replace(" ", "%20").replace("(", "%28").replace(")", "%29")
