"""``its browse``."""

from __future__ import annotations

from typing import Annotated

import typer
from its_flows.cli.app import app, errors_in_a_line, out
from its_flows.cli.published.versions import published_versions
from rich.table import Table
from rich.text import Text

from its_core.text import one_line

_EXAMPLES = """
Examples:

    its browse published

    its browse s3://bucket/datasets
"""


@app.command(epilog=_EXAMPLES, rich_help_panel="Published versions")
def browse(
    place: Annotated[
        str, typer.Argument(help="Where datasets are published, a published dataset, or a definition.")
    ] = "published",
) -> None:
    """List all published versions, and the page of each."""
    with errors_in_a_line():
        versions = published_versions(place)
    table = Table()
    for column in ("dataset", "version", "date", "clips", "engine", "page"):
        table.add_column(column, overflow="fold")
    for version in sorted(versions, key=lambda each: (each.dataset, each.date_published)):
        cells = (version.dataset, version.version, version.date_published, f"{sum(version.clips.values()):,}")
        table.add_row(*(Text(one_line(cell)) for cell in (*cells, version.engine, version.page_url)))
    out.print(table)
