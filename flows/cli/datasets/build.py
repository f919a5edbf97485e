"""``its build``."""

from __future__ import annotations

import os
import sys
import threading
from typing import TYPE_CHECKING, Annotated, Any

import typer
from its_flows.cli.app import (
    app,
    end_soon_when_interrupted,
    errors_in_a_line,
    exit_status,
    out,
    print_error,
    say,
)
from its_flows.prefect_server import server_for_build

from its_core import definition as definitions
from its_core.shards import watchdog
from its_core.storage.preflight import check_writable

if TYPE_CHECKING:
    from its_flows.build_dataset import Built

_BUILD_EXAMPLES = """
Examples:

    its build datasets/quickstart

    its build datasets/quickstart --set publish_url=s3://bucket/datasets --set processes_per_shard=4

    its build datasets/quickstart --ray-address auto

    ITS_RESOLUTION=480 its build datasets/quickstart

Exit statuses: 0 published · 1 not published · 2 wrong definition or manifest · 3 already running · 130 interrupted
"""
_HEAVY_MODULES = ("its_flows.build_dataset", "great_expectations.expectations")
_RECORD_LIMIT_S = 20.0  # that Prefect has to record the end of a build


@app.command(epilog=_BUILD_EXAMPLES, rich_help_panel="Make a dataset")
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
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show Prefect's log, and the traceback of an error.")
    ] = False,
) -> None:
    """Build a dataset and publish it. What is there already is not made again."""
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "INFO" if verbose else "CRITICAL")
    with errors_in_a_line(verbose):
        overrides = dict(definitions.parse_override(text) for text in override or [])
        if ray_address is not None:
            overrides |= {"executor": "ray", "ray_address": ray_address}
        definition = definitions.load(dataset, overrides)  # before Prefect starts: a wrong key is said at once
        check_writable("work_dir", definition.work_dir)
        watchdog.watch()
        end_soon_when_interrupted()
        with server_for_build(definition.work_path, say, _HEAVY_MODULES) as with_prefect:
            built = _build(dataset, overrides, with_prefect, verbose)
    _print_built(built)


def _build(dataset: str, overrides: dict[str, Any], with_prefect: bool, verbose: bool) -> Built:
    from its_flows.build_dataset import build_with_or_without_prefect

    recorded = threading.Event()

    def ended(result: Built | BaseException) -> None:
        """Ends this process where Prefect's server keeps it waiting: the build itself has ended."""
        if recorded.wait(_RECORD_LIMIT_S):
            return
        say(f"Prefect's server did not record the end of this build within {_RECORD_LIMIT_S:g} s")
        if isinstance(result, BaseException):
            print_error(result, verbose=verbose)
            status = exit_status(result) or 1
        else:
            _print_built(result)
            status = 0
        sys.stdout.flush()
        os._exit(status)

    def on_end(result: Built | BaseException) -> None:
        threading.Thread(target=ended, args=(result,), daemon=True).start()

    try:
        return build_with_or_without_prefect(dataset, overrides, with_prefect, say, on_end)
    finally:
        recorded.set()


def _print_built(built: Built) -> None:
    counts = ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(built.outcomes.items()) if count)
    out.print(f"{built.rows:,} rows: {counts}", highlight=False)
    word = "nothing to do: already published as" if built.published.was_there else "published"
    out.print(f"{word} {built.published.url}", highlight=False, markup=False, soft_wrap=True)
    for verdict in built.verdicts:
        hint = "; it is not the latest (its promote makes it so)" if verdict.worse else ""
        out.print(verdict.line + hint, highlight=False, markup=False, soft_wrap=True)
    out.print(f"contact sheet: {built.published.contact_sheet_url}", highlight=False, markup=False, soft_wrap=True)
