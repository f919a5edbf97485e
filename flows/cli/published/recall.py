"""``its recall``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from its_flows.cli.app import app, errors_in_a_line, out
from its_flows.cli.published.lineage import print_traced
from its_flows.cli.published.versions import published_versions

from its_core import storage
from its_core.dataset.trace import Origin, trace

_EXAMPLES = """
Examples:

    its recall published --camera cam-17 --reason "the operator withdrew its consent"

    its recall s3://bucket/datasets/quickstart --frame frames/bridge.jpg

    its recall published/quickstart 5b7ccc46d2a1a3c0f1e2d3c4 --yes
"""


@app.command("recall", epilog=_EXAMPLES, rich_help_panel="Published versions")
def recall_clips(
    place: Annotated[str, typer.Argument(help="Where datasets are published, a published dataset, or a definition.")],
    clip_ids: Annotated[list[str] | None, typer.Argument(metavar="[CLIP_ID]...", help="Clips.")] = None,
    camera: Annotated[str | None, typer.Option(help="A camera_id.")] = None,
    frame: Annotated[str | None, typer.Option(help="A frame: a file, its SHA-256, or its manifest name.")] = None,
    weights: Annotated[str | None, typer.Option(help="An engine's weights: their SHA-256 or its first digits.")] = None,
    row: Annotated[str | None, typer.Option(help="A scenario_id, or the number of a manifest's row.")] = None,
    reason: Annotated[str, typer.Option(help="Why; it stands in the tombstones.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Withdraw published clips from every version, and publish the latest version without them.

    The clips' files are deleted; their labels stay as tombstones in recalled.parquet. Later builds neither reuse nor
    make them. A recall by camera, frame or weights also holds for clips that are planned with them later. Exports and
    other copies are not reached.
    """
    if not any((clip_ids, camera, frame, weights, row)):
        raise typer.BadParameter("name clips, or at least one of --camera, --frame, --weights, --row")
    from its_core.dataset.recall.recall import recall
    from its_core.evaluation.audit import report

    with errors_in_a_line():
        if frame is not None and Path(frame).is_file():
            frame = storage.sha256_file(Path(frame))
        origin = Origin(camera, frame, weights, row, frozenset(clip_ids) if clip_ids else None)
        versions = published_versions(place)
        found = list(trace(versions, origin))
    print_traced(found)
    if not found:
        raise typer.Exit(1)
    if not yes:
        typer.confirm("Delete these clips from these versions?", abort=True)
    with errors_in_a_line():
        done = recall(versions, origin, reason, report.write)
    for version in done.withdrawn:
        out.print(f"withdrawn from {version.url}: {version.recalled:,} clips in all", highlight=False, soft_wrap=True)
    for published in done.published:
        out.print(f"published {published.url}", highlight=False, markup=False, soft_wrap=True)
    for root in done.emptied:
        out.print(f"{root}: no clip is left, so there is no latest version", highlight=False, soft_wrap=True)
