"""``its export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from its_flows.cli.app import app, errors_in_a_line, out
from its_flows.cli.published.versions import version_of

from its_core import storage
from its_core.dataset.formats import FORMATS, export

_EXAMPLES = """
Examples:

    its export published/quickstart --format coco --to exports/coco

    its export s3://bucket/datasets/quickstart --format webdataset --to s3://bucket/shards
"""
_LISTED = "; ".join(f"{name}: {read_by}" for name, (_, read_by) in FORMATS.items())


@app.command("export", epilog=_EXAMPLES, rich_help_panel="Published versions")
def export_version(
    version: Annotated[str, typer.Argument(help="A published version, a published dataset, or a definition.")],
    format_name: Annotated[str, typer.Option("--format", help=f"One of these. {_LISTED}.")],
    to: Annotated[str, typer.Option("--to", help="A new folder or s3:// prefix; nothing is overwritten.")],
) -> None:
    """Write a published version in a format that other tools read. Clips are linked, not copied, where possible."""
    with errors_in_a_line():
        target = storage.resolve(to, Path.cwd())
        count = export(version_of(version), format_name, target)
    out.print(f"{count:,} clips in {target}", highlight=False, markup=False, soft_wrap=True)
