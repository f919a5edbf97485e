"""The command ``its``: builds, checks and shows datasets.

Exit statuses: 0 done; 1 something could not be made, or (``check``) rows were rejected; 2 the definition, the manifest or
the command line is wrong; 3 another build of the same dataset is running; 130 interrupted.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

# Before anything imports Prefect: nothing is sent anywhere, and the console belongs to the build's own lines.
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("DO_NOT_TRACK", "1")

import typer
from rich.console import Console

from its_core import definition as definitions
from its_core import storage
from its_core.definition import DefinitionError
from its_core.engines.engine import EngineName
from its_core.scenarios.manifest import ManifestError

app = typer.Typer(
    name="its",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Builds labelled synthetic traffic-accident datasets from scenario manifests.",
    epilog="Exit statuses: 0 done · 1 not made, or rows rejected · 2 wrong input · 3 already running · 130 interrupted",
)
_out = Console()
_err = Console(stderr=True)


@contextmanager
def _errors_in_a_line() -> Iterator[None]:
    """Turns what the user can act on into a line and an exit status; anything else is a fault and keeps its traceback."""
    from flows.build_dataset import BuildFailed
    from its_core.shards.launcher import LaunchRefused

    try:
        yield
    except (DefinitionError, ManifestError) as error:
        status, problem = 2, error
    except (BuildFailed, LaunchRefused) as error:
        status, problem = 1, error
    except storage.Busy as error:
        status, problem = 3, error
    except KeyboardInterrupt:
        _err.print("interrupted: nothing is lost, the same command goes on where it stopped")
        raise typer.Exit(130) from None
    else:
        return
    _err.print(f"[red]error:[/red] {problem}", highlight=False, soft_wrap=True)
    raise typer.Exit(status)


_BUILD_EXAMPLES = """
Examples:

    its build datasets/quickstart

    its build datasets/quickstart --set publish_url=s3://bucket/datasets --set processes_per_shard=4

    ITS_RESOLUTION=480 its build datasets/quickstart
"""


@app.command(epilog=_BUILD_EXAMPLES)
def build(
    dataset: Annotated[str, typer.Argument(help="The definition: a folder with dataset.yaml.")],
    override: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Another value for a key of dataset.yaml; may be repeated."),
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show Prefect's log.")] = False,
) -> None:
    """Build a dataset and publish it. What is there already is not made again."""
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "INFO" if verbose else "CRITICAL")
    with _errors_in_a_line():
        overrides = dict(definitions.parse_override(text) for text in override or [])
        definitions.load(dataset, overrides)  # before Prefect starts: a wrong key is told at once
        from flows.build_dataset import build_dataset

        built = build_dataset(dataset, overrides)
        _print_built(built)


def _print_built(built: Any) -> None:
    counts = ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(built.outcomes.items()) if count)
    _out.print(f"{built.rows:,} rows: {counts}", highlight=False)
    word = "published" if built.published.is_new else "nothing to do: already published as"
    _out.print(f"{word} {built.published.url}", highlight=False, soft_wrap=True)
    _out.print(f"contact sheet: {built.published.contact_sheet}", highlight=False, soft_wrap=True)


_CHECK_EXAMPLES = """
Examples:

    its check datasets/quickstart

    its check 's3://bucket/scenarios/*.parquet' --engine cosmos --allow s3://bucket/frames
"""


@app.command(epilog=_CHECK_EXAMPLES)
def check(
    manifest: Annotated[str, typer.Argument(help="A Parquet file, folder or glob, local or s3://; or a definition.")],
    engine: Annotated[EngineName, typer.Option(help="The engine that is to render it.")] = "simulator",
    allow: Annotated[
        list[str] | None, typer.Option(help="A folder or s3:// prefix that input_image may name; may be repeated.")
    ] = None,
    most: Annotated[int, typer.Option(min=1, help="How many problems to print.")] = 20,
) -> None:
    """Read a manifest and say what is wrong with it, row by row; render nothing."""
    with _errors_in_a_line():
        report = check_manifest(manifest, engine, allow or [])
    _print_problems("Rejected rows", report.rejections, most)
    _print_problems("Prompts that lack a part (rendered all the same)", report.warnings, most)
    _out.print(
        f"{report.rows:,} rows: {report.scenarios:,} scenarios, {report.clips:,} clips, "
        f"{len(report.rejections):,} rejected, {len(report.warnings):,} prompts to look at",
        highlight=False,
    )
    if not report.scenarios:
        raise typer.Exit(2)
    raise typer.Exit(1 if report.rejections else 0)
