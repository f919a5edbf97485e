"""How a build shows its progress to people: a bar in a terminal, lines elsewhere, both on its page in Prefect."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import Counter
from types import TracebackType
from typing import Self

from its_tasks.reporting.run_page import RunPage
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.text import Text

from its_core.clip import Outcome
from its_core.shards.plan import Plan
from its_core.shards.receipts import Receipt

_LOG_EVERY_S = 5.0  # clips that were made: a line each would be a million


class Progress:
    """Counts clips as they end. Its methods may be called from any thread."""

    def __init__(self, console: Console) -> None:
        self.outcomes: Counter[Outcome] = Counter()
        self._console = console
        self._page: RunPage | None = None
        self._logged_at_s = -math.inf
        self._lock = threading.Lock()
        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._clips = self._bar.add_task("clips", total=0, visible=False)
        self._total = 0
        self._made = 0

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._bar.stop()

    def show_on(self, page: RunPage) -> None:
        self._page = page

    def rows_read(self, rows: int) -> None:
        self._bar.update(self._clips, description=f"manifest: {rows:,} rows", visible=True)

    def planned(self, plan: Plan) -> None:
        rejected = len(plan.rejections)
        self.say(
            f"plan: {len(plan.clip_ids):,} clips from {plan.rows:,} rows"
            + (f", [yellow]{rejected:,} {'row' if rejected == 1 else 'rows'} rejected[/yellow]" if rejected else "")
        )

    def starts(self, total: int, made: int) -> None:
        """``made`` of ``total`` clips are there already."""
        self._total, self._made = total, made
        if made:
            self.say(f"{made:,} of {total:,} clips are there already")
        self._bar.update(self._clips, description="clips", total=total, completed=made, visible=total > made)
        self._update_page()

    def clip_ended(self, receipt: Receipt) -> None:
        with self._lock:
            self.outcomes[receipt.outcome] += 1
            if receipt.outcome.made_a_clip:
                self._made += 1
                self._bar.advance(self._clips)
                line = f"{self._made}/{self._total} {escape(receipt.scenario_id)} v{receipt.variant}"
                if not self._console.is_terminal:
                    self._console.print(line, highlight=False)
                if time.monotonic() - self._logged_at_s >= _LOG_EVERY_S or self._made == self._total:
                    self._logged_at_s = time.monotonic()
                    self._log(line)
            else:
                line = f"{receipt.scenario_id} v{receipt.variant}: {receipt.outcome}: {receipt.reason}"
                self.say(f"[red]{escape(line)}[/red]", logging.WARNING)  # a reason is text: its brackets are no markup
            self._update_page()

    def clip_invalid(self, receipt: Receipt) -> None:
        """A clip that had counted as made turned out not to be what was asked for."""
        with self._lock:
            self._made -= 1
            self._bar.advance(self._clips, -1)
        self.clip_ended(receipt)

    def _update_page(self) -> None:
        if self._page is not None:
            percent = 100 * self._made / self._total if self._total else 100.0
            failed = sum(count for outcome, count in self.outcomes.items() if not outcome.made_a_clip)
            description = f"{self._made} of {self._total} clips made" + (f", {failed} failed tries" if failed else "")
            self._page.progress(percent, description)

    def say(self, line: str, level: int = logging.INFO) -> None:
        """A line of its own, in rich's markup. ``level`` is that of the standard logging module."""
        self._console.print(line, highlight=False)
        self._log(line, level)

    def _log(self, line: str, level: int = logging.INFO) -> None:
        if self._page is not None:
            self._page.log(Text.from_markup(line).plain, level)
