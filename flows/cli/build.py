"""``its build``."""

from __future__ import annotations

import os
from typing import Annotated, Any

import typer
from its_flows.cli.app import app, end_soon_when_interrupted, errors_in_a_line, out

from its_core import definition as definitions
from its_core.shards import watchdog
from its_core.storage.preflight import check_writable

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
    with errors_in_a_line():
        overrides = dict(definitions.parse_override(text) for text in override or [])
        if ray_address is not None:
            overrides |= {"executor": "ray", "ray_address": ray_address}
        definition = definitions.load(dataset, overrides)  # before Prefect starts: a wrong key is told at once
        check_writable("work_dir", definition.work_dir)
        watchdog.watch()
        end_soon_when_interrupted()
        from its_flows.build_dataset import build_dataset

        built = build_dataset(dataset, overrides)
        _print_built(built)


def _print_built(built: Any) -> None:
    counts = ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(built.outcomes.items()) if count)
    out.print(f"{built.rows:,} rows: {counts}", highlight=False)
    word = "nothing to do: already published as" if built.published.was_there else "published"
    out.print(f"{word} {built.published.url}", highlight=False, markup=False, soft_wrap=True)
    if built.verdict is not None:
        hint = "; it is not the latest (its promote makes it so)" if built.verdict.worse else ""
        out.print(built.verdict.line + hint, highlight=False, markup=False, soft_wrap=True)
    out.print(f"contact sheet: {built.published.contact_sheet_url}", highlight=False, markup=False, soft_wrap=True)
