"""``its plan`` and ``its coverage``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from its_flows.cli.app import app, errors_in_a_line, out
from its_flows.cli.datasets.engine_option import EngineOption
from rich.table import Table

from its_core import storage
from its_core.engines.engine import DEFAULT_ENGINE, engine_module

_PLAN_EXAMPLES = """
Examples:

    its plan coverage.yaml datasets/mine/scenarios.parquet

    its plan coverage.yaml more.parquet --engine cosmos
"""


@app.command(epilog=_PLAN_EXAMPLES, rich_help_panel="Make a dataset")
def plan(
    coverage: Annotated[Path, typer.Argument(help="A YAML file with clips and quotas (docs/training.md).")],
    manifest: Annotated[Path, typer.Argument(help="The manifest to write.")] = Path("scenarios.parquet"),
    engine: EngineOption = DEFAULT_ENGINE,
) -> None:
    """Write a manifest from quotas: what the engine can make and earlier versions lack, pairs included."""
    from its_core.scenarios import coverage as coverages
    from its_core.scenarios import coverage_file

    with errors_in_a_line():
        asked = coverage_file.read(coverage)
        module = engine_module(engine)
        earlier = list(_rows(storage.resolve(url, coverage.resolve().parent) for url in asked.earlier))
        rows = coverages.plan(asked, lambda scene: module.unsupported(scene, False), earlier, module.layout_of)
        coverage_file.write(rows, manifest)
    pairs = len({row["pair_id"] for row in rows if row["pair_id"]})
    cameras = len({row["camera_id"] for row in rows})
    out.print(f"{len(rows):,} scenarios in {manifest}, {cameras:,} cameras, {pairs:,} pairs", highlight=False)


@app.command(epilog="Example: its coverage published/quickstart", rich_help_panel="Make a dataset")
def coverage(
    versions: Annotated[list[str], typer.Argument(help="Versions or datasets.")],
    by: Annotated[
        str, typer.Option(help="Columns to divide by, commas between them.")
    ] = "incident_type,road_layout,light,weather_condition",
    output: Annotated[Path | None, typer.Option(help="Write one HTML page with a picture of every cell, too.")] = None,
) -> None:
    """Show what versions hold: how many clips of each combination."""
    from its_core.scenarios import coverage as coverages

    columns = tuple(name.strip() for name in by.split(",") if name.strip())
    with errors_in_a_line():
        rows = list(_rows(storage.resolve(url, Path.cwd()) for url in versions))
        if output is not None:
            from its_core.dataset.pictures import coverage_page

            storage.write_bytes(str(output.resolve()), coverage_page.render(rows, columns).encode())
    table = Table(title=f"{len(rows):,} clips", title_justify="left")
    for name in (*columns, "clips"):
        table.add_column(name, overflow="fold")
    for words, count in sorted(coverages.table(rows, columns).items()):
        table.add_row(*words, f"{count:,}")
    out.print(table)


def _rows(urls: Iterator[str]) -> Iterator[Mapping[str, Any]]:
    from its_core.dataset.loading import index

    for url in urls:
        yield from index.rows(index.open_version(url), None)
