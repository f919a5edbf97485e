"""``its check``."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer
from its_flows.cli.app import app, errors_in_a_line, out
from its_flows.cli.engine_option import EngineOption
from its_tasks.engines import missing_parts
from rich.table import Table
from rich.text import Text

from its_core import definition as definitions
from its_core import storage
from its_core.definition import Definition
from its_core.engines.engine import DEFAULT_ENGINE, engine_module
from its_core.scenarios.manifest import Rejection, base_folder
from its_core.scenarios.manifest import read as read_manifest
from its_core.scenarios.manifest.survey import Survey, survey

_CHECK_EXAMPLES = """
Examples:

    its check datasets/quickstart

    its check 's3://bucket/scenarios/*.parquet' --engine cosmos --allow s3://bucket/frames

Exit statuses: 0 every row can be made · 1 rows are rejected · 2 no row can be made, or the engine lacks something
"""


@app.command(epilog=_CHECK_EXAMPLES)
def check(
    manifest: Annotated[str, typer.Argument(help="A Parquet file, folder or glob, local or s3://; or a definition.")],
    engine: EngineOption = DEFAULT_ENGINE,
    allow: Annotated[
        list[str] | None, typer.Option(help="A folder or s3:// prefix that input_image may name; may be repeated.")
    ] = None,
    most: Annotated[int, typer.Option(min=1, help="How many problems to print.")] = 20,
) -> None:
    """Read a manifest and say what is wrong with it, row by row; render nothing."""
    with errors_in_a_line():
        definition = definitions.load(manifest) if definitions.is_definition(manifest) else None
        missing = missing_parts(definition) if definition is not None else []
        report = _survey(definition, manifest, engine, allow or [])
    _print_problems("Rejected rows", report.rejections, most)
    _print_problems("Prompts that lack a part (rendered all the same)", report.warnings, most)
    for name, meant in sorted(report.carried.items()):
        doubt = f"; did you mean {meant}?" if meant else ""
        out.print(Text(f"column {name} is none of ours: it is carried to the labels{doubt}"))
    out.print(
        f"{report.rows:,} rows: {report.scenarios:,} scenarios, {report.clips:,} clips, "
        f"{len(report.rejections):,} rejected, {len(report.warnings):,} prompts to look at",
        highlight=False,
    )
    limit = (
        Definition.model_fields["max_rejected_ratio"].default if definition is None else definition.max_rejected_ratio
    )
    if report.rows and (ratio := len({rejection.row for rejection in report.rejections}) / report.rows) > limit:
        line = f"too many: a build stops where more than {limit:.1%} of the rows are rejected, here it is {ratio:.1%}"
        out.print(f"{line} (max_rejected_ratio)", highlight=False, soft_wrap=True)
    for part in missing:
        out.print(Text(f"missing: {part}"), soft_wrap=True)
    if missing or not report.scenarios:
        raise typer.Exit(2)
    raise typer.Exit(1 if report.rejections else 0)


def _survey(definition: Definition | None, manifest: str, engine: str, allow: list[str]) -> Survey:
    """A definition brings its own engine and allowed inputs; for a bare manifest the command line says."""
    here = Path.cwd()
    if definition is not None:
        url, base, engine = definition.manifest, str(definition.folder), definition.engine.name
        allowed = [*definition.allowed_inputs, *(storage.resolve(path, here) for path in allow)]
    else:
        url = storage.resolve(manifest, here)
        base = base_folder(url)
        allowed = [base, *(storage.resolve(path, here) for path in allow)]
    module = engine_module(engine)
    with tempfile.TemporaryDirectory(prefix="its-check-") as cache:
        return survey(
            read_manifest(
                url,
                base_folder=base,
                allowed_inputs=allowed,
                input_cache=Path(cache),
                engine_needs_input=module.TRAITS.needs_input,
                refuses=module.unsupported_reason,
            )
        )


def _print_problems(title: str, problems: list[Rejection], most: int) -> None:
    if not problems:
        return
    table = Table(title=title, title_justify="left", show_lines=False)
    for column in ("row", "scenario", "column", "value", "what is wrong"):
        table.add_column(column, overflow="fold")
    for problem in problems[:most]:
        # Manifests are untrusted: their words are text, not markup.
        cells = (str(problem.row), problem.scenario_id or "", problem.column or "", problem.value, problem.reason)
        table.add_row(*(Text(cell) for cell in cells))
    out.print(table)
    if len(problems) > most:
        out.print(f"… and {len(problems) - most:,} more (--most {len(problems)} shows them)")
