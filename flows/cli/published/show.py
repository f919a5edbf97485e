"""``its show``."""

from __future__ import annotations

from itertools import islice
from typing import Annotated

import typer
from its_flows.cli.app import app, err, errors_in_a_line, out
from its_flows.cli.published.versions import version_of
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from its_core.dataset import reader, verification
from its_core.text import one_line

_SHOW_EXAMPLES = """
Examples:

    its show datasets/quickstart

    its show published/quickstart/1a2b3c4d5e6f --verify
"""


@app.command(epilog=_SHOW_EXAMPLES, rich_help_panel="Published versions")
def show(
    dataset: Annotated[str, typer.Argument(help="A definition's folder (its latest version), or a published version.")],
    most: Annotated[int, typer.Option(min=1, help="How many clips to list.")] = 40,
    open_page: Annotated[bool, typer.Option("--open", help="Open the version's page in the browser.")] = False,
    verify: Annotated[bool, typer.Option("--verify", help="Find every change since it was published.")] = False,
) -> None:
    """Show a published dataset: its clips in a table, and where its page and its contact sheet are."""
    with errors_in_a_line():
        version = version_of(dataset)
    out.print(
        f"{version.dataset}, version {version.version}: {version.url}", highlight=False, markup=False, soft_wrap=True
    )
    out.print(_clips_table(version, most))
    counts = ", ".join(f"{count:,} {split}" for split, count in version.clips.items())
    out.print(f"{sum(version.clips.values()):,} clips: {counts}", highlight=False)
    if version.recalled:
        out.print(f"{version.recalled:,} clips were recalled from it (recalled.parquet)", highlight=False)
    out.print(f"page: {version.page_url}", highlight=False, markup=False, soft_wrap=True)
    out.print(f"contact sheet: {version.contact_sheet_url}", highlight=False, markup=False, soft_wrap=True)
    if open_page:
        typer.launch(version.page_url)
    if verify:
        with errors_in_a_line():
            problems = verification.verify(version)
        for problem in problems:
            text = f"{problem.code}: {problem.path}: {problem.message}"
            err.print(f"[red]{escape(one_line(text))}[/red]", highlight=False, soft_wrap=True)
        if problems:
            out.print(f"{len(problems)} problems", highlight=False)
            raise typer.Exit(1)
        out.print("files, labels, signatures and synthetic marks are as they were published")


def _clips_table(version: reader.Version, most: int) -> Table:
    table = Table()
    for column in ("split", "scenario", "camera", "incident", "light", "weather", "accident", "type"):
        table.add_column(column, overflow="fold")
    rows = version.rows(["split", "scenario_id", "variant", "camera_id", "incident_type", *_SHOWN])
    for row in islice(rows, most):
        at = f"{row['accident_time']:.2f} s" if row["accident_time"] is not None else "–"
        scenario = row["scenario_id"] + (f" v{row['variant']}" if row["variant"] else "")
        words = (row["camera_id"], row["incident_type"], row["light"], row["weather"], at, row["type"])
        table.add_row(row["split"], *(Text(one_line(word or "–")) for word in (scenario, *words)))
    return table


_SHOWN = ("light", "weather", "accident_time", "type")
