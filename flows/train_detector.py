"""The flow ``train-detector``: what a version is worth to somebody who trains on it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from its_flows.redacted_flow import redacted_flow
from its_tasks.artifacts import Artifacts
from its_tasks.steps import Steps, despite_prefect, first_line, recorded
from its_tasks.train import FEATURES_FOLDER
from its_tasks.train import train_detector as train_one
from prefect.context import FlowRunContext

from its_core import storage
from its_core.evaluation import ground_truth
from its_core.evaluation.detector import experiments
from its_core.evaluation.detector.experiments import Experiment, Result
from its_core.evaluation.detector.training import Settings
from its_core.evaluation.scoring import page

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
    settings = Settings(epochs=epochs, seed=seed, device=device)
    cache = folder.parent / FEATURES_FOLDER
    steps = Steps(FlowRunContext.get() is not None, _say)
    results = [
        steps.run(train_one, experiment, settings, folder / experiment.name, cache, _telling(experiment, settings))
        for experiment in planned
    ]
    metrics = {"version": ours.name, "runs": [result.as_json() for result in results]}
    storage.write_bytes(str(folder / METRICS_FILE), json.dumps(metrics, allow_nan=False, indent=1).encode())
    storage.write_bytes(str(folder / PAGE_FILE), page.render([result.report for result in results]).encode())
    artifacts = Artifacts(steps)
    artifacts.table([_row(result) for result in results], key="detector", description=str(folder))
    artifacts.close()
    return results


def train_with_or_without_prefect(with_prefect: bool, *arguments: Any) -> list[Result]:
    """The flow with its ``arguments``, also where Prefect's server is lost before its end. Raises what the flow itself
    raises."""
    if not with_prefect:
        return train_detector.fn(*arguments)
    return despite_prefect(
        lambda: train_detector(*arguments),
        lambda: train_detector.fn(*arguments),
        lambda error: _say(f"Prefect's server did not record this training ({first_line(error)})"),
    )


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def output_beside(version_url: str) -> Path:
    """``evaluation/<version>/detector`` beside a local version, in the current folder for one on S3."""
    dataset, _, name = version_url.rpartition("/")
    home = storage.local_path(dataset) if storage.can_rename(dataset) else Path.cwd()
    return home / "evaluation" / name / "detector"


def _telling(experiment: Experiment, settings: Settings) -> Callable[[int, float], None]:
    epochs = settings.epochs_over(len(experiment.train))

    def tell(epoch: int, loss: float) -> None:
        print(f"{experiment.name}: epoch {epoch} of {epochs}, loss {loss:.3f}", flush=True)

    return tell


def _row(result: Result) -> dict[str, str]:
    scores = result.report.overall.scores
    row = {"trained on": result.name, "clips": str(result.train_clips), "seconds": str(result.seconds)}
    return row | {page.NAMES.get(name, name): page.shown(estimate) for name, estimate in scores.items()}
