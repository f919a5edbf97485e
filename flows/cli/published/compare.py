"""``its compare``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from its_flows.cli.app import app, errors_in_a_line, out
from its_flows.cli.published.versions import version_of
from rich.table import Table
from rich.text import Text

from its_core.text import one_line

_EXAMPLES = """
Examples:

    its compare published/exact published/fp8

    its compare datasets/exact datasets/fp8 --most 20 --clips 8 --out fp8-against-bf16

Exit status: 0 compared · 1 some pairs could not be
"""
_COLUMNS = ("scenario", "PSNR dB", "SSIM", "VMAF", "flicker before", "flicker after", "not compared because")


@app.command(epilog=_EXAMPLES, rich_help_panel="Published versions")
def compare(
    before: Annotated[str, typer.Argument(help="A published version, or a dataset (its latest version).")],
    after: Annotated[str, typer.Argument(help="Another one, of the same scenarios.")],
    folder: Annotated[Path, typer.Option("--out", help="Where pictures and compare.json go.")] = Path("compare"),
    most: Annotated[int, typer.Option(min=1, help="How many clips to compare, evenly from all.")] = 100,
    clips: Annotated[int, typer.Option(min=0, help="How many of the least alike to show in pictures.")] = 6,
) -> None:
    """Say how alike the same clips of two versions are, made with other options, weights or kernels: PSNR, SSIM, VMAF
    where the path has an FFmpeg with libvmaf, flicker; and show the least alike side by side."""
    from its_core.evaluation.likeness import pictures, versions
    from its_core.shards import processors

    with errors_in_a_line():
        found, alone = versions.pairs(version_of(before), version_of(after))
        result = versions.compare(versions.spread(found, most), alone, threads=processors.available())
        shown = [each for each in result.compared if each.likeness][:clips]
        folder.mkdir(parents=True, exist_ok=True)
        if shown:
            pictures.sheet(shown).save(folder / "sheet.png")
        for number, each in enumerate(shown):
            pictures.side_by_side(each.pair, folder / f"{number + 1}.mp4")
        report = {"before": before, "after": after, "means": result.means, "clips_of_one_only": alone}
        report["clips"] = [each.as_json() for each in result.compared]
        (folder / "compare.json").write_text(json.dumps(report, indent=1), encoding="utf-8")
    _print(result.compared[: max(clips, 1)])
    for name, value in result.means.items():
        out.print(f"mean {name}: {value:g}", highlight=False)
    failed = sum(each.likeness is None for each in result.compared)
    out.print(
        f"{len(result.compared) - failed:,} clips compared of {len(found):,}, {failed:,} could not be, {alone:,} in "
        f"one version only\n{folder}: compare.json, sheet.png, {len(shown)} clips side by side",
        highlight=False,
    )
    raise typer.Exit(1 if failed else 0)


def _print(compared: Sequence[object]) -> None:
    from its_core.evaluation.likeness.versions import Compared

    table = Table(title="The least alike", title_justify="left")
    for column in _COLUMNS:
        table.add_column(column, overflow="fold")
    for each in compared:
        assert isinstance(each, Compared)
        measured = each.likeness
        cells = [each.pair.scenario, "", "", "", "", "", each.reason]
        if measured is not None:
            cells[1:3] = f"{measured.psnr_db:.2f}", f"{measured.ssim:.4f}"
            cells[4:6] = f"{measured.flicker_before:.2f}", f"{measured.flicker_after:.2f}"
        if each.vmaf is not None:
            cells[3] = f"{each.vmaf:.1f}"
        table.add_row(*(Text(one_line(cell)) for cell in cells))
    out.print(table)
