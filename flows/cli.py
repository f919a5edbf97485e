"""The command ``its``: builds, checks and shows datasets.

Exit statuses: 0 done; 1 something could not be made, or (``check``) rows were rejected; 2 the definition, the manifest
or the command line is wrong; 3 another build of the same dataset is running; 130 interrupted.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

# Before anything imports Prefect: nothing is sent anywhere, and the console belongs to the build's own lines.
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("DO_NOT_TRACK", "1")
# Its own short-lived server may be slow to start on a busy machine; that is no reason to give up a build.
os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "180")

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from its_core import __version__, storage
from its_core import definition as definitions
from its_core.dataset import reader
from its_core.dataset.places import refuse_unwritable
from its_core.dataset.publish import PublishError
from its_core.definition import DefinitionError
from its_core.engines.engine import EngineName, engine_module
from its_core.plain_text import one_line
from its_core.scenarios.manifest import ManifestError, Rejection
from its_core.scenarios.manifest import read as read_manifest
from its_core.scenarios.survey import Survey, survey
from its_core.shards import watchdog
from its_core.shards.launcher import LaunchRefused
from its_core.shards.receipts import TooFewClips

app = typer.Typer(
    name="its",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Builds labelled synthetic traffic-accident datasets from scenario manifests.",
    epilog="Exit statuses: 0 done · 1 not made, or rows rejected · 2 wrong input · 3 already running · 130 interrupted",
)
# Into a pipe or a file, tables are as wide as they need to be, not 80 columns.
_out = Console(width=None if sys.stdout.isatty() else 160)
_err = Console(stderr=True)


_INTERRUPTED = "interrupted: nothing is lost, the same command goes on where it stopped"
_INTERRUPT_GRACE_S = 10.0


def _end_soon_when_interrupted() -> None:
    """Ctrl-C ends a build within seconds. A terminal sends it to Prefect's own server too, and Prefect would wait for
    minutes for an answer from there; by then the shards are ended, and the watchdog ends what is left."""

    def leave() -> None:
        _err.print(_INTERRUPTED)
        os._exit(130)

    def interrupted(*_: object) -> None:
        timer = threading.Timer(_INTERRUPT_GRACE_S, leave)
        timer.daemon = True
        timer.start()
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupted)


@contextmanager
def _errors_in_a_line() -> Iterator[None]:
    """Turns what the user can act on into a line and an exit status; any other error is a fault, with its traceback."""
    try:
        yield
    except (DefinitionError, ManifestError) as error:
        status, problem = 2, error
    except (TooFewClips, LaunchRefused, PublishError, reader.NotPublished) as error:
        status, problem = 1, error
    except storage.Busy as error:
        status, problem = 3, error
    except OSError as error:  # a disk that is full or cannot be written, S3 that denies or cannot be reached
        status, problem = 1, error
    except KeyboardInterrupt:
        _err.print(_INTERRUPTED)
        raise typer.Exit(130) from None
    else:
        return
    told = "\n  ".join(one_line(line) for line in str(problem).splitlines())
    _err.print(f"[red]error:[/red] {escape(told)}", highlight=False, soft_wrap=True)
    raise typer.Exit(status)


_BUILD_EXAMPLES = """
Examples:

    its build datasets/quickstart

    its build datasets/quickstart --set publish_url=s3://bucket/datasets --set processes_per_shard=4

    its build datasets/quickstart --ray-address auto

    ITS_RESOLUTION=480 its build datasets/quickstart
"""


@app.command(epilog=_BUILD_EXAMPLES)
def build(
    dataset: Annotated[str, typer.Argument(help="The definition: a folder with dataset.yaml.")],
    override: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Another value for a key of dataset.yaml; may be repeated."),
    ] = None,
    ray_address: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="Run the shards on this Ray cluster; auto: this machine's."),
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show Prefect's log.")] = False,
) -> None:
    """Build a dataset and publish it. What is there already is not made again."""
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "INFO" if verbose else "CRITICAL")
    with _errors_in_a_line():
        overrides = dict(definitions.parse_override(text) for text in override or [])
        if ray_address is not None:
            overrides |= {"executor": "ray", "ray_address": ray_address}
        definition = definitions.load(dataset, overrides)  # before Prefect starts: a wrong key is told at once
        refuse_unwritable("work_dir", definition.work_dir)
        watchdog.watch()
        _end_soon_when_interrupted()
        from flows.build_dataset import build_dataset

        built = build_dataset(dataset, overrides)
        _print_built(built)


def _print_built(built: Any) -> None:
    counts = ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(built.outcomes.items()) if count)
    _out.print(f"{built.rows:,} rows: {counts}", highlight=False)
    word = "nothing to do: already published as" if built.published.was_there else "published"
    _out.print(f"{word} {built.published.url}", highlight=False, markup=False, soft_wrap=True)
    _out.print(f"contact sheet: {built.published.contact_sheet_url}", highlight=False, markup=False, soft_wrap=True)


def _survey(manifest: str, engine: EngineName, allow: list[str]) -> Survey:
    """A definition brings its own engine and allowed inputs; for a bare manifest the command line says."""
    here = Path.cwd()
    if definitions.is_definition(manifest):
        definition = definitions.load(manifest)
        url, base, engine = definition.manifest, str(definition.folder), definition.engine.name
        allowed = [*definition.allowed_inputs, *(storage.resolve(path, here) for path in allow)]
    else:
        url = storage.resolve(manifest, here)
        base = url if storage.is_local(url) and Path(url).is_dir() else url.rpartition("/")[0]
        allowed = [base, *(storage.resolve(path, here) for path in allow)]
    with tempfile.TemporaryDirectory(prefix="its-check-") as cache:
        return survey(
            read_manifest(
                url,
                base_folder=base,
                allowed_inputs=allowed,
                input_cache=Path(cache),
                engine_needs_input=engine == "cosmos",
                refuses=engine_module(engine).refuses,
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
    _out.print(table)
    if len(problems) > most:
        _out.print(f"… and {len(problems) - most:,} more (--most {len(problems)} shows them)")


_STATUS_EXAMPLES = """
Examples:

    its status

    its status datasets/quickstart --json
"""


@app.command(epilog=_STATUS_EXAMPLES)
def status(
    datasets: Annotated[str, typer.Argument(help="A folder of definitions, or one definition.")] = "datasets",
    as_json: Annotated[bool, typer.Option("--json", help="All that is known, as JSON.")] = False,
) -> None:
    """Show all builds: what runs, what is left, what failed and why, and when it may end."""
    from flows import status as builds

    with _errors_in_a_line():
        found = builds.survey(datasets)
    if as_json:
        typer.echo(builds.as_json(found))
    else:
        builds.show(found, _out)


_METRICS_EXAMPLES = """
Examples:

    its metrics --port 9464

    its metrics datasets/quickstart --once
"""


@app.command(epilog=_METRICS_EXAMPLES)
def metrics(
    datasets: Annotated[str, typer.Argument(help="A folder of definitions, or one definition.")] = "datasets",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where to listen; 0: any free port.")] = 9464,
    host: Annotated[str, typer.Option(help="The address to listen at; 0.0.0.0: all of this machine's.")] = "127.0.0.1",
    once: Annotated[bool, typer.Option("--once", help="Print the metrics once instead.")] = False,
) -> None:
    """Serve for Prometheus how all builds stand: clips, failures, seconds, what is left."""
    from flows import metrics as exporter

    with _errors_in_a_line():
        if once:
            typer.echo(exporter.exposition(datasets), nl=False)
            return
        url, thread = exporter.serve(datasets, host, port)
    typer.echo(url)
    try:
        thread.join()
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


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
        report = _survey(manifest, engine, allow or [])
    _print_problems("Rejected rows", report.rejections, most)
    _print_problems("Prompts that lack a part (rendered all the same)", report.warnings, most)
    for name, meant in sorted(report.carried.items()):
        doubt = f"; did you mean {meant}?" if meant else ""
        _out.print(Text(f"column {name} is none of ours: it is carried to the labels{doubt}"))
    _out.print(
        f"{report.rows:,} rows: {report.scenarios:,} scenarios, {report.clips:,} clips, "
        f"{len(report.rejections):,} rejected, {len(report.warnings):,} prompts to look at",
        highlight=False,
    )
    if not report.scenarios:
        raise typer.Exit(2)
    raise typer.Exit(1 if report.rejections else 0)


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
    with _errors_in_a_line():
        version = _version_of(dataset)
    _out.print(
        f"{version.dataset}, version {version.version}: {version.url}", highlight=False, markup=False, soft_wrap=True
    )
    _out.print(_clips_table(version, most))
    counts = ", ".join(f"{count:,} {split}" for split, count in version.clips.items())
    _out.print(f"{sum(version.clips.values()):,} clips: {counts}", highlight=False)
    _out.print(f"contact sheet: {version.contact_sheet_url}", highlight=False, markup=False, soft_wrap=True)
    if verify:
        damaged = version.damaged()
        for path in damaged:
            _err.print(f"[red]damaged:[/red] {escape(one_line(path))}", highlight=False)
        _out.print(
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


@app.command("make-tiny-checkpoint", epilog="Example: its make-tiny-checkpoint checkpoints")
def make_tiny_checkpoint(
    folder: Annotated[Path, typer.Argument(help="Where to put it; made when it is not there.")],
) -> None:
    """Make small random weights of every part of the cosmos engine, for dry runs on any CPU (`--model_size tiny`)."""
    from its_core.engines.cosmos.tiny import make_tiny_checkpoint as make

    with _errors_in_a_line():
        dit_path = make(folder)
    _out.print(f"small random weights, for dry runs only, under {folder}; its LoRA: {dit_path}", soft_wrap=True)


@app.callback(invoke_without_command=True)
def _main(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.", is_eager=True)] = False,
) -> None:
    if version:
        _out.print(__version__)
        raise typer.Exit


if __name__ == "__main__":
    app()
