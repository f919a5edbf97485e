"""``its browse``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from its_flows.cli.app import app, errors_in_a_line, out
from rich.table import Table
from rich.text import Text

from its_core import definition as definitions
from its_core import storage
from its_core.dataset import reader
from its_core.text import one_line

_EXAMPLES = """
Examples:

    its browse published

    its browse s3://bucket/datasets
"""


@app.command(epilog=_EXAMPLES)
def browse(
    place: Annotated[
        str, typer.Argument(help="Where datasets are published, a published dataset, or a definition.")
    ] = "published",
) -> None:
    """List all published versions, and the page of each."""
    with errors_in_a_line():
        versions = [version for root in _roots(place) for version in reader.versions(root)]
        if not versions:
            raise reader.NotPublished(f"{place}: no published version", code="not_published.nothing")
    table = Table()
    for column in ("dataset", "version", "date", "clips", "engine", "page"):
        table.add_column(column, overflow="fold")
    for version in sorted(versions, key=lambda each: (each.dataset, each.date_published)):
        cells = (version.dataset, version.version, version.date_published, f"{sum(version.clips.values()):,}")
        table.add_row(*(Text(one_line(cell)) for cell in (*cells, version.engine, version.page_url)))
    out.print(table)


def _roots(place: str) -> list[str]:
    """The folders of datasets at a place: the place itself, or those in it."""
    if definitions.is_definition(place):
        definition = definitions.load(place)
        return [storage.join(definition.publish_url, definition.name)]
    url = storage.resolve(place, Path.cwd())
    names = storage.list_folder(url)
    if "latest.json" in names:
        return [url]
    return [storage.join(url, name) for name in names if not name.startswith(".")]
