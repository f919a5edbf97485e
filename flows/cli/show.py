"""``its show``."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Annotated

import typer
from its_flows.cli.app import app, err, errors_in_a_line, out
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from its_core import definition as definitions
from its_core import storage
from its_core.dataset import reader
from its_core.text import one_line

_SHOW_EXAMPLES = """
Examples:

    its show datasets/quickstart

    its show published/quickstart/1a2b3c4d5e6f --verify
"""


@app.command(epilog=_SHOW_EXAMPLES)
def show(
    dataset: Annotated[str, typer.Argument(help="A definition's folder (its latest version), or a published version.")],
    most: Annotated[int, typer.Option(min=1, help="How many clips to list.")] = 40,
    verify: Annotated[bool, typer.Option("--verify", help="Hold every file against its checksum.")] = False,
) -> None:
    """Show a published dataset: its clips in a table, and where its contact sheet lies."""
    with errors_in_a_line():
        version = _version_of(dataset)
    out.print(
        f"{version.dataset}, version {version.version}: {version.url}", highlight=False, markup=False, soft_wrap=True
    )
    out.print(_clips_table(version, most))
    counts = ", ".join(f"{count:,} {split}" for split, count in version.clips.items())
    out.print(f"{sum(version.clips.values()):,} clips: {counts}", highlight=False)
    out.print(f"contact sheet: {version.contact_sheet_url}", highlight=False, markup=False, soft_wrap=True)
    if verify:
        damaged = version.damaged()
        for path in damaged:
            err.print(f"[red]damaged:[/red] {escape(one_line(path))}", highlight=False)
        out.print(
            "every file listed in checksums.sha256 is as it was published"
            if not damaged
            else f"{len(damaged)} files are damaged"
        )
        raise typer.Exit(1 if damaged else 0)


def _version_of(dataset: str) -> reader.Version:
    if definitions.is_definition(dataset):
        definition = definitions.load(dataset)
        return reader.latest(storage.join(definition.publish_url, definition.name))
    url = storage.resolve(dataset, Path.cwd())
    try:
        return reader.open_version(url)
    except reader.NotPublished:
        return reader.latest(url)


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
