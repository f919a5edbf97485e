"""``its train-detector`` and ``its promote``."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from its_flows.cli.app import app, errors_in_a_line, out, say
from its_flows.prefect_server import server_for_build
from rich.table import Table

from its_core import storage
from its_core.dataset import reader
from its_core.dataset.versions import latest

_TRAIN_EXAMPLES = """
Examples:

    its train-detector published/quickstart

    its train-detector published/ours --other footage/real

    its train-detector published/ours/1a2b3c4d5e6f --test published/ours/6f5e4d3c2b1a
"""


@app.command("train-detector", epilog=_TRAIN_EXAMPLES, rich_help_panel="What a version is worth")
def train_detector(
    version: Annotated[str, typer.Argument(help="A version or dataset to train on.")],
    other: Annotated[
        str | None,
        typer.Option(help="Another version, or a folder in ACCIDENT's layout: trains on ours, on it, and on both."),
    ] = None,
    test: Annotated[str | None, typer.Option(help="Test on this version or folder instead.")] = None,
    output: Annotated[str | None, typer.Option(help="Folder for checkpoints, predictions and metrics.")] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Passes over the clips; by default enough for 1,100 steps, 12 at least.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, another detector.")] = 0,
    device: Annotated[str, typer.Option(help="cpu, cuda, or auto: a GPU where there is one.")] = "auto",
    thorough: Annotated[
        bool,
        typer.Option(
            "--thorough", help="Twice the epochs, larger crops, nearly whole clips in the end: better, but for a GPU."
        ),
    ] = False,
) -> None:
    """Train a small detector on a version and test it on cameras that it never saw: what the data is worth."""
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "CRITICAL")
    with errors_in_a_line():
        from its_core.evaluation.scoring.page import NAMES, shown

        with tempfile.TemporaryDirectory(prefix="its-prefect-") as home, server_for_build(Path(home), say) as prefect:
            from its_flows.train_detector import train_with_or_without_prefect as train

            results = train(prefect, version, other, test, output, epochs, seed, device, thorough)
    scores = [name for name in NAMES if name in results[0].report.overall.scores]
    table = Table(title=f"Tested on {results[0].report.truth}", title_justify="left")
    for column in ("trained on", "clips", "seconds", *(NAMES[name] for name in scores)):
        table.add_column(column, overflow="fold")
    for result in results:
        cells = [shown(result.report.overall.scores.get(name)) for name in scores]
        table.add_row(result.name, str(result.train_clips), str(result.seconds), *cells)
    out.print(table)


@app.command(epilog="Example: its promote published/quickstart/1a2b3c4d5e6f", rich_help_panel="What a version is worth")
def promote(version: Annotated[str, typer.Argument(help="The folder or s3:// prefix of a published version.")]) -> None:
    """Make a version the latest of its dataset, whatever its gate said."""
    with errors_in_a_line():
        found = reader.open_version(storage.resolve(version, Path.cwd()))
        latest.promote(found.url, found.dataset, found.version)
    out.print(f"{found.dataset}: the latest version is {found.version}", highlight=False, markup=False)
