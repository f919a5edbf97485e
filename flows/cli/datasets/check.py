"""``its check``."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer
from its_flows.cli.app import app, errors_in_a_line, out
from its_flows.cli.datasets.engine_option import EngineOption
from its_tasks.engines import missing_parts
from its_tasks.preflight import preflight
from rich.table import Table
from rich.text import Text

from its_core import definition as definitions
from its_core import storage
from its_core.clip import Geometry
from its_core.definition import DEFAULT_MAX_REJECTED_RATIO, Definition, too_many_rejected
from its_core.engines.engine import DEFAULT_ENGINE, engine_module
from its_core.scenarios.manifest import Rejection, Remark, base_folder
from its_core.scenarios.manifest import read as read_manifest
from its_core.scenarios.manifest.snapshot import snapshot
from its_core.scenarios.manifest.survey import Survey, left_out_line, not_read_line, survey
from its_core.shards.first_frames import frame_makers

_CHECK_EXAMPLES = """
Examples:

    its check datasets/quickstart

    its check 's3://bucket/scenarios/*.parquet' --engine cosmos --allow s3://bucket/frames

Exit status: 0 all rows can be made · 1 some are rejected · 2 nothing can be built
"""


@app.command(epilog=_CHECK_EXAMPLES, rich_help_panel="Make a dataset")
def check(
    manifest: Annotated[str, typer.Argument(help="A Parquet file, folder or glob, local or s3://; or a definition.")],
    engine: EngineOption = DEFAULT_ENGINE,
    allow: Annotated[
        list[str] | None, typer.Option(help="A folder or s3:// prefix that input_image may name; may be repeated.")
    ] = None,
    most: Annotated[int, typer.Option(min=1, help="How many problems to print.")] = 20,
) -> None:
    """Read a manifest and say what is wrong with it, row by row, and what a build will take; render nothing."""
    with errors_in_a_line():
        definition = definitions.load(manifest) if definitions.is_definition(manifest) else None
        missing = missing_parts(definition) if definition else []
        report = _survey(manifest, definition, engine, allow or [])
        needs = list(preflight(definition, report.clips)) if definition and report.clips else []
    _print_problems("Rejected rows", report.rejections, most)
    _print_problems("Rows that are made, but should be looked at", report.remarks, most)
    obstacles = [f"missing: {part}" for part in missing]
    limit = definition.max_rejected_ratio if definition else DEFAULT_MAX_REJECTED_RATIO
    rejected = len({rejection.row for rejection in report.rejections})
    if too_many_rejected(rejected, report.rows, limit):
        ratio = rejected / report.rows
        obstacles.append(f"too many rows are rejected, {ratio:.1%}: a build stops at {limit:.1%} (max_rejected_ratio)")
    for line in (*_about_columns(report), *needs, *obstacles):
        out.print(Text(line), soft_wrap=True)
    out.print(
        f"{report.rows:,} rows: {report.scenarios:,} scenarios, {report.clips:,} clips, "
        f"{len(report.rejections):,} rejected, {len(report.remarks):,} to look at",
        highlight=False,
    )
    if obstacles or not report.scenarios:
        raise typer.Exit(2)
    raise typer.Exit(1 if report.rejections else 0)


def _survey(manifest: str, definition: Definition | None, engine: str, allow: list[str]) -> Survey:
    """A definition brings its own engine and allowed inputs; for a bare manifest the command line says."""
    here = Path.cwd()
    more = [storage.resolve(path, here) for path in allow]
    if definition:
        url, base, engine = definition.manifest, str(definition.folder), definition.engine.name
        allowed = [*definition.allowed_inputs, *more]
    else:
        url = storage.resolve(manifest, here)
        base = base_folder(url)
        allowed = [base, *more]
    module = engine_module(engine)
    geometry = definition.geometry if definition else Geometry.of("720", 16)
    with tempfile.TemporaryDirectory(prefix="its-check-") as cache, snapshot(url) as taken:
        batches = read_manifest(
            taken,
            base_folder=base,
            allowed_inputs=allowed,
            input_cache=Path(cache),
            engine_needs_input=module.TRAITS.needs_input,
            unsupported=module.unsupported,
            layout_of=module.layout_of,
            frame_makers=frame_makers(module.TRAITS, geometry, folder=None),
        )
        return survey(batches, taken.not_read)


def _about_columns(report: Survey) -> Iterator[str]:
    if report.not_read:
        yield not_read_line(report.not_read)
    if report.from_folders:
        yield f"from the names of folders: {', '.join(report.from_folders)}"
    for name, meant in sorted(report.carried.items()):
        doubt = f"; did you mean {meant}?" if meant else ""
        yield f"column {name} is not one of ours: it is copied to the labels{doubt}"
    for name, reason in sorted(report.left_out.items()):
        yield left_out_line(name, reason)


def _print_problems(title: str, problems: Sequence[Rejection | Remark], most: int) -> None:
    if not problems:
        return
    table = Table(title=title, title_justify="left", show_lines=False)
    for column in ("row", "scenario", "column", "value", "what is wrong", "code"):
        table.add_column(column, overflow="fold")
    for problem in problems[:most]:
        # Manifests are untrusted: their words are text, not markup.
        named = (problem.scenario_id or "", problem.column or "", problem.value, problem.reason, problem.code)
        table.add_row(*(Text(cell) for cell in (str(problem.row), *named)))
    out.print(table)
    if len(problems) > most:
        out.print(f"… and {len(problems) - most:,} more (--most {len(problems)} shows them)")
