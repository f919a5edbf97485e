"""The task ``train-detector``: a detector trained and tested on published clips."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from its_tasks.steps import step

from its_core.evaluation.detector import experiments
from its_core.evaluation.detector.experiments import Experiment, Result
from its_core.evaluation.detector.training import Settings


@step(name="train-detector", task_run_name="train on {experiment.name}")
def train_detector(
    experiment: Experiment,
    settings: Settings,
    folder: Path,
    cache: Path,
    on_clip: Callable[[str], None],
    on_epoch: Callable[[int, float], None],
) -> Result:
    """Trains and tests one detector."""
    return experiments.run(experiment, settings, folder, cache, on_clip, on_epoch)
