"""``its new``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from its_flows.cli.app import app, errors_in_a_line, out

from its_core.starter import write_starter


@app.command(epilog="Example: its new datasets/my-crossings", rich_help_panel="Make a dataset")
def new(
    folder: Annotated[Path, typer.Argument(help="The dataset's folder; its name becomes the dataset's name.")],
) -> None:
    """Start a dataset: a folder with dataset.yaml and a manifest of a few rows, to be edited."""
    with errors_in_a_line():
        write_starter(folder)
    out.print(f"{folder}: dataset.yaml and scenarios.parquet", markup=False, highlight=False, soft_wrap=True)
    out.print(f"next: its check {folder} · its build {folder}", markup=False, highlight=False, soft_wrap=True)
