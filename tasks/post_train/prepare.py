"""The task ``prepare``: latents and texts of all clips, and the training set that they make."""

from __future__ import annotations

from collections.abc import Callable

from its_tasks.post_train.machines import Machine
from its_tasks.steps import step

from its_core.engines.cosmos.weights import WeightsIdentity
from its_core.post_training import planning
from its_core.post_training.data.training_set import TrainingSet
from its_core.post_training.settings import PostTraining


@step(name="prepare", task_run_name="prepare clips of {settings.name}")
def prepare(
    settings: PostTraining, weights: WeightsIdentity, machine: Machine, watch: Callable[[int, int], None]
) -> TrainingSet:
    """Raises PostTrainingError, NotPublished, StorageError, ProgramRefused and ProgramFailed."""
    sources = planning.read_sources(settings)
    return planning.prepare(settings, sources, weights, machine.processes, machine.launch, watch)
