"""Markdown of the artifacts on a run's page in Prefect."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from its_core.text import markdown_cell, short

_LONGEST_CELL = 300


def markdown_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose cells are text, whoever wrote them."""
    lines = [" | ".join(columns), " | ".join("---" for _ in columns)]
    lines += [" | ".join(markdown_cell(short(cell, _LONGEST_CELL)) for cell in row) for row in rows]
    return "\n".join(f"| {line} |" for line in lines)


def markdown_list(entries: Iterable[tuple[str, str]]) -> str:
    """What and why, a line each. Prefect does not wrap the cells of a table, so that long reasons are cut off there."""
    return "\n".join(
        f"- **{markdown_cell(short(what, _LONGEST_CELL))}**: {markdown_cell(short(why, _LONGEST_CELL))}"
        for what, why in entries
    )


def stage_rows(seconds: Mapping[str, float]) -> list[tuple[str, str]]:
    """Rows of a table: stage, seconds."""
    return [(stage, f"{value:,.1f}") for stage, value in seconds.items()]
