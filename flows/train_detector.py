"""The flow ``train-detector``: what a version is worth to somebody who trains on it."""

from __future__ import annotations

import itertools
import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from its_flows.markdown import markdown_table, stage_rows
from its_flows.redacted_flow import redacted_flow
from its_flows.run_flow import ignore_end, run_flow
from its_tasks.reporting.run_page import RunPage
from its_tasks.steps import Steps, recorded
from its_tasks.train import train_detector as train_one
from its_tasks.utility import FEATURES_FOLDER
from prefect.context import FlowRunContext

from its_core import storage
from its_core.evaluation import ground_truth
from its_core.evaluation.detector import experiments
from its_core.evaluation.detector.experiments import Experiment, Result
from its_core.evaluation.detector.training import Settings
from its_core.evaluation.scoring import page
from its_core.text import markdown_cell

METRICS_FILE = "metrics.json"
PAGE_FILE = "scores.html"


@redacted_flow("train-detector", "train on {version}")
@recorded
def train_detector(
    version: str,
    other: str | None = None,
    test: str | None = None,
    output: str | None = None,
    epochs: int | None = None,
    seed: int = 0,
    device: str = "auto",
    thorough: bool = False,
) -> list[Result]:
    """Trains on a version, tests, and writes metrics beside it; with ``other`` also on that, and on both.

    ``output`` is a local folder for checkpoints, predictions and metrics. After an interruption the same call goes on.
    Raises LoadError and TrainingError for what the user can mend.
    """
    ours = ground_truth.open_truth(version)
    planned = experiments.plan(
        ours,
        None if other is None else ground_truth.open_truth(other),
        None if test is None else ground_truth.open_truth(test),
    )
    folder = Path(output) if output is not None else output_beside(ours.url)
    settings = Settings(epochs=epochs, seed=seed, device=device, thorough=thorough)
    cache = folder.parent / FEATURES_FOLDER
    steps = Steps(FlowRunContext.get() is not None, _say)
    with RunPage(steps) as run_page:
        results = []
        for each in planned:
            tell = _telling(each, settings, run_page)
            results.append(steps.run(train_one, each, settings, folder / each.name, cache, _counting(each), tell))
        metrics = {"version": ours.name, "runs": [result.as_json() for result in results]}
        storage.write_bytes(str(folder / METRICS_FILE), json.dumps(metrics, allow_nan=False, indent=1).encode())
        storage.write_bytes(str(folder / PAGE_FILE), page.render([result.report for result in results]).encode())
        run_page.table([_row(result) for result in results], key="detector", description=str(folder))
        run_page.markdown(_summary(ours.name, folder, steps), key="detector-training", description=str(folder))
    return results


def train_with_or_without_prefect(with_prefect: bool, *arguments: Any) -> list[Result]:
    """The flow with its ``arguments``, also where Prefect's server is lost before its end. Raises what the flow itself
    raises."""
    return run_flow(train_detector, with_prefect, _say, ignore_end, *arguments)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def output_beside(version_url: str) -> Path:
    """``evaluation/<version>/detector`` beside a local version, in the current folder for one on S3."""
    dataset, _, name = version_url.rpartition("/")
    home = storage.local_path(dataset) if storage.can_rename(dataset) else Path.cwd()
    return home / "evaluation" / name / "detector"


def _counting(experiment: Experiment) -> Callable[[str], None]:
    """Says at each tenth of the clips that they are decoded: minutes pass before the first epoch."""
    clips = len({clip.clip_id for clip in (*experiment.train, *experiment.test.clips)})
    done = itertools.count(1)

    def count(_clip_id: str) -> None:
        number = next(done)
        if number == clips or number % math.ceil(clips / 10) == 0:
            print(f"{experiment.name}: {number} of {clips} clips decoded", flush=True)

    return count


def _telling(experiment: Experiment, settings: Settings, run_page: RunPage) -> Callable[[int, float], None]:
    epochs = settings.epochs_over(experiment.train)

    def tell(epoch: int, loss: float) -> None:
        line = f"{experiment.name}: epoch {epoch} of {epochs}, loss {loss:.3f}"
        print(line, flush=True)
        run_page.log(line)

    return tell


def _summary(version: str, folder: Path, steps: Steps) -> str:
    parts = [
        f"# Trained on {markdown_cell(version)}",
        f"[scores]({(folder / PAGE_FILE).absolute().as_uri()})",
        markdown_table(("stage", "seconds"), stage_rows(steps.clock.seconds)),
    ]
    return "\n\n".join(parts)


def _row(result: Result) -> dict[str, str]:
    scores = result.report.overall.scores
    row = {"trained on": result.name, "clips": str(result.train_clips), "seconds": str(result.seconds)}
    return row | {page.NAMES.get(name, name): page.shown(estimate) for name, estimate in scores.items()}
