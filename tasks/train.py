"""The tasks ``train-detector`` and ``judge-utility``: a detector trained and tested on published clips."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from its_tasks.steps import step

from its_core import storage
from its_core.dataset import reader
from its_core.definition import Definition
from its_core.evaluation import utility
from its_core.evaluation.detector import experiments
from its_core.evaluation.detector.experiments import Experiment, Result
from its_core.evaluation.detector.training import Settings
from its_core.evaluation.utility import Verdict

FEATURES_FOLDER = "features"


@step(name="train-detector", task_run_name="train on {experiment.name}")
def train_detector(
    experiment: Experiment, settings: Settings, folder: Path, cache: Path, on_epoch: Callable[[int, float], None]
) -> Result:
    """Trains and tests one detector."""
    return experiments.run(experiment, settings, folder, cache, on_epoch=on_epoch)


@step(name="judge-utility", task_run_name="judge {new_url}")
def judge_utility(definition: Definition, new_url: str) -> Verdict | None:
    """What the definition's gate says of a version that was just published; None where there is no other to compare.

    The latest version is left as it is."""
    gate = definition.utility
    assert gate is not None
    root = storage.join(definition.publish_url, definition.name)
    try:
        latest = reader.latest(root)
    except reader.NotPublished:
        return None
    if latest.url == new_url:
        return None
    work = definition.work_path / "utility"
    return utility.judge(
        new_url,
        latest.url,
        score=gate.score,
        margin=gate.margin,
        test_url=gate.test,
        settings=Settings(epochs=gate.epochs),
        folder=work / new_url.rpartition("/")[2],
        cache=work / FEATURES_FOLDER,
    )
