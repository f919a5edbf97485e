"""``its score``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from its_flows.cli.app import app, errors_in_a_line, out
from rich.table import Table

from its_core import storage

if TYPE_CHECKING:
    from its_core.evaluation.ground_truth import GroundTruth
    from its_core.evaluation.scoring.score import Part, Report

_SCORE_EXAMPLES = """
Examples:

    its score predictions.csv published/quickstart/1a2b3c4d5e6f

    its score predictions.csv published/quickstart --split test --baselines

    its score published/quickstart --baselines --output scores
"""


@app.command(epilog=_SCORE_EXAMPLES, rich_help_panel="What a version is worth")
def score(
    predictions: Annotated[str, typer.Argument(help="A CSV file with a row a clip; or a version, with --baselines.")],
    version: Annotated[
        str | None, typer.Argument(help="A version or dataset, or a folder with ACCIDENT's labels.")
    ] = None,
    split: Annotated[str | None, typer.Option(help="Score one split only: train, val or test.")] = None,
    curves: Annotated[Path | None, typer.Option(help="Scores over time: a CSV with clip_id, time, score.")] = None,
    boxes: Annotated[Path | None, typer.Option(help="Boxes: a CSV with clip_id, frame, x1, y1, x2, y2, score.")] = None,
    baselines: Annotated[bool, typer.Option("--baselines", help="Score the three baselines beside them.")] = False,
    output: Annotated[str | None, typer.Option(help="Folder for scores.json and scores.html.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Score a detector's predictions: when, where, what, AUC, false alarms, with intervals and by stratum."""
    from its_core.evaluation import ground_truth

    with errors_in_a_line():
        if version is None and not baselines:
            raise typer.BadParameter("name the version that the predictions are about, or ask for --baselines")
        truth = ground_truth.open_truth(version or predictions)
        known = truth.of_split("train") if split and any(clip.split == "train" for clip in truth.clips) else None
        if split:
            truth = truth.of_split(split)
        reports = _of_predictions(predictions, truth, curves, boxes) if version is not None else []
        if baselines:
            reports += _of_baselines(truth, known)
        folder = storage.resolve(output or _beside(truth, predictions if version else "baselines"), Path.cwd())
        _write(folder, reports)
    if as_json:
        typer.echo(json.dumps([report.as_json() for report in reports], allow_nan=False))
        return
    for report in reports:
        out.print(_table(report))
    out.print(f"{storage.join(folder, 'scores.html')}", highlight=False, markup=False, soft_wrap=True)


def _of_predictions(path: str, truth: GroundTruth, curves: Path | None, boxes: Path | None) -> list[Report]:
    from its_core.evaluation.scoring import boxes as box_files
    from its_core.evaluation.scoring import curves as curve_files
    from its_core.evaluation.scoring import predictions as prediction_files
    from its_core.evaluation.scoring.score import score as compute

    said = prediction_files.read(Path(path), truth.clips)
    curve_of = curve_files.read(curves, truth.clips) if curves else None
    boxes_of = box_files.read(boxes, truth.clips) if boxes else None
    return [compute(Path(path).stem, truth, said, curve_of, boxes_of)]


def _of_baselines(truth: GroundTruth, known: GroundTruth | None) -> list[Report]:
    from its_core.evaluation import baselines
    from its_core.evaluation.scoring.score import score as compute

    usable = [
        name
        for name in baselines.BASELINES
        if name != "box-dynamics" or all(clip.annotations_url for clip in truth.clips)
    ]
    return [compute(name, truth, baselines.predict(name, truth, known.clips if known else None)) for name in usable]


def _beside(truth: GroundTruth, predictions: str) -> str:
    """Beside the version, never in it."""
    dataset, _, version = truth.url.rpartition("/")
    return storage.join(storage.join(storage.join(dataset, "evaluation"), version), Path(predictions).stem)


def _write(folder: str, reports: list[Report]) -> None:
    from its_core.evaluation.scoring import page

    values = json.dumps([report.as_json() for report in reports], allow_nan=False, indent=1)
    storage.write_bytes(storage.join(folder, "scores.json"), values.encode())
    storage.write_bytes(storage.join(folder, "scores.html"), page.render(reports).encode())


def _table(report: Report) -> Table:
    """The whole, and the parts of every division that is no list of cameras."""
    from its_core.evaluation.scoring.page import NAMES, shown

    title = (
        f"{report.predictions} on {report.truth}; in brackets 95 % intervals over cameras, of the parts in the files"
    )
    scores = [name for name in NAMES if name in report.overall.scores]
    table = Table(title=title, title_justify="left")
    for column in ("by", "part", "clips", "accidents", *(NAMES[name] for name in scores)):
        table.add_column(column, overflow="fold")

    def add(division: str, value: str, part: Part) -> None:
        cells = [shown(part.scores.get(name), interval=division == "all") for name in scores]
        table.add_row(division, value, str(part.clips), str(part.accidents), *cells)

    add("all", "", report.overall)
    for division, parts in report.strata.items():
        if division != "camera":
            for value, part in parts.items():
                add(division, value, part)
    return table
