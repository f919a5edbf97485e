"""``its prune``."""

from __future__ import annotations

from collections import Counter
from contextlib import AbstractContextManager, nullcontext
from typing import Annotated

import typer
from its_flows.cli.app import app, err, errors_in_a_line, out

from its_core import definition as definitions
from its_core import storage
from its_core.dataset import pruning
from its_core.definition import Definition
from its_core.shards import build
from its_core.text import one_line

_EXAMPLES = """
Examples:

    its prune datasets/quickstart --dry-run

    its prune datasets --keep 10

Exit statuses: 0 done · 1 something cannot be removed · 2 wrong definition · 3 a dataset is being built: left alone
"""


_PLURALS = {pruning.Kind.CLIP: "clips", pruning.Kind.LAUNCH: "launches", pruning.Kind.VERSION: "versions"}


@app.command(epilog=_EXAMPLES, rich_help_panel="Published versions")
def prune(
    datasets: Annotated[str, typer.Argument(help="A folder of definitions, or one definition.")] = "datasets",
    keep: Annotated[int, typer.Option(min=1, help="Published versions to keep of each dataset, the newest ones.")] = 3,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
) -> None:
    """Remove what no build needs: clips that the last plan does not ask for, old launches' logs, old versions."""
    is_busy = False
    with errors_in_a_line():
        for folder in definitions.find(datasets):
            definition = definitions.load(folder)
            build.refuse_other_dataset(definition.work_path, definition.folder)
            try:
                with _no_build_of(definition):
                    _prune(definition, keep, dry_run)
            except storage.Busy as error:
                is_busy = True
                err.print(f"{definition.name}: left alone: {one_line(str(error))}", markup=False, highlight=False)
    raise typer.Exit(3 if is_busy else 0)


def _no_build_of(definition: Definition) -> AbstractContextManager[None]:
    """Raises Busy when a build runs."""
    if not definition.work_path.exists():
        return nullcontext()
    return storage.exclusive(definition.work_path / build.LOCK_FILE)


def _prune(definition: Definition, keep: int, dry_run: bool) -> None:
    counts: Counter[pruning.Kind] = Counter()
    size_bytes = 0
    root = storage.join(definition.publish_url, definition.name)
    for item in list(pruning.superseded(definition.work_path, root, keep)):
        counts[item.kind] += 1
        size_bytes += item.size_bytes
        if dry_run:
            out.print(f"{item.kind} {item.url}", markup=False, highlight=False, soft_wrap=True)
        else:
            pruning.remove(item)
    removed = (
        ", ".join(f"{count:,} {_PLURALS[kind] if count > 1 else kind}" for kind, count in counts.items()) or "nothing"
    )
    verb = "would remove" if dry_run else "removed"
    line = f"{definition.name}: {verb} {removed} ({size_bytes / 2**20:,.1f} MiB)"
    out.print(line, markup=False, highlight=False, soft_wrap=True)
