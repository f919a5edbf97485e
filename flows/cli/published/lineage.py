"""``its trace`` and ``its diff``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from its_flows.cli.app import app, errors_in_a_line, out
from its_flows.cli.published.versions import published_versions, version_of
from rich.table import Table
from rich.text import Text

from its_core import storage
from its_core.dataset.trace import Derived, Origin
from its_core.dataset.trace import trace as trace_clips
from its_core.text import one_line

_TRACE_EXAMPLES = """
Examples:

    its trace published --camera cam-17

    its trace s3://bucket/datasets --frame frames/bridge.jpg

    its trace published/quickstart --row turning-pickup-pedestrian

    its trace published --model metropolis@latest

    its trace --clip 1f0c3a5e7b9d2f4a6c8e0b1d
"""


@app.command(epilog=_TRACE_EXAMPLES, rich_help_panel="Published versions")
def trace(
    place: Annotated[
        str, typer.Argument(help="Where datasets are published, a published dataset, or a definition.")
    ] = "published",
    camera: Annotated[str | None, typer.Option(help="A camera_id.")] = None,
    frame: Annotated[str | None, typer.Option(help="A frame: a file, its SHA-256, or its manifest name.")] = None,
    weights: Annotated[str | None, typer.Option(help="An engine's weights: their SHA-256 or its first digits.")] = None,
    row: Annotated[str | None, typer.Option(help="A scenario_id, or the number of a manifest's row.")] = None,
    model: Annotated[str | None, typer.Option(help="A registered model, NAME or NAME@VERSION: clips it made.")] = None,
    clip: Annotated[
        str | None, typer.Option(help="A clip_id, a clip's SHA-256 or its name: models that were trained on it.")
    ] = None,
) -> None:
    """List every published clip that comes from a camera, a frame, weights, a row or a model, in every version; with
    --clip, every model that was trained on a clip."""
    if clip is not None:
        _trace_training(clip)
    if not any((camera, frame, weights, row, model)):
        raise typer.BadParameter("name at least one of --camera, --frame, --weights, --row, --model, --clip")
    with errors_in_a_line():
        if frame is not None and Path(frame).is_file():
            frame = storage.sha256_file(Path(frame))
        versions = list(published_versions(place))
        origins = [Origin(camera, frame, each, row) for each in _weights(model, weights)]
        found = [clip for origin in origins for clip in trace_clips(versions, origin)]
    print_traced(found)
    raise typer.Exit(0 if found else 1)


def _weights(model: str | None, weights: str | None) -> list[str | None]:
    """The digests of weights to look for, one after another; None for any."""
    if model is None:
        return [weights]
    from its_core.post_training.registry.trace import weights_sha256_of

    return [*weights_sha256_of(model)]


def print_traced(found: Sequence[Derived]) -> None:
    """A table of published clips, with the day on which each was recalled."""
    table = Table()
    for column in ("dataset", "version", "clip", "scenario", "recalled"):
        table.add_column(column, overflow="fold")
    for each in found:
        day = each.recalled_at[:10] if each.recalled_at else ""
        cells = (each.version.dataset, each.version.version, each.path, each.scenario_id, day)
        table.add_row(*(Text(one_line(cell)) for cell in cells))
    out.print(table)
    out.print(f"{len(found):,} clips in {len({each.version.url for each in found}):,} versions", highlight=False)


def _trace_training(clip: str) -> NoReturn:
    """The models below ``ITS_MODELS`` that were trained on a clip."""
    from its_core.post_training.registry.trace import trained_on

    with errors_in_a_line():
        found = list(trained_on(clip))
    table = Table()
    for column in ("model", "version", "clip", "use"):
        table.add_column(column, overflow="fold")
    for each in found:
        table.add_row(*(Text(one_line(cell)) for cell in (each.model.name, each.model.version, each.clip, each.use)))
    out.print(table)
    out.print(f"{len(found):,} models", highlight=False)
    raise typer.Exit(0 if found else 1)


_DIFF_EXAMPLES = """
Examples:

    its diff published/quickstart/1a2b3c4d5e6f published/quickstart
"""


@app.command(epilog=_DIFF_EXAMPLES, rich_help_panel="Published versions")
def diff(
    before: Annotated[str, typer.Argument(help="A published version, or a dataset (its latest version).")],
    after: Annotated[str, typer.Argument(help="Another one.")],
    most: Annotated[int, typer.Option(min=1, help="How many changes to print.")] = 40,
) -> None:
    """Compare two versions: clips added and removed, labels changed, means of the quality measures."""
    with errors_in_a_line():
        from its_core.dataset import comparison  # brings pandas

        found = comparison.compare(version_of(before), version_of(after))
    for word, names in (("added", found.added), ("removed", found.removed)):
        for name in names[:most]:
            out.print(f"{word}: {one_line(name)}", highlight=False, markup=False)
    for name, like in list(found.alike.items())[:most]:
        out.print(f"looks like {one_line(like)}: {one_line(name)}", highlight=False, markup=False)
    if found.changed:
        table = Table()
        for column in ("scenario", "label", "before", "after"):
            table.add_column(column, overflow="fold")
        for change in found.changed[:most]:
            cells = (change.scenario, change.column, str(change.before), str(change.after))
            table.add_row(*(Text(one_line(cell)) for cell in cells))
        out.print(table)
    for name, (old, new) in found.measures.items():
        out.print(f"mean {name}: {old} → {new}", highlight=False)
    out.print(
        f"{len(found.added):,} clips added, {len(found.removed):,} removed, {len(found.changed):,} values changed",
        highlight=False,
    )
