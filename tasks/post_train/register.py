"""The task ``register``: a trained model under its name, with its card."""

from __future__ import annotations

from typing import Any

from its_tasks.steps import step

from its_core.post_training.registry import register as registry
from its_core.post_training.registry.register import Registered
from its_core.post_training.run_folder import RunFolder
from its_core.post_training.settings import PostTraining


@step(name="register", task_run_name="register {settings.name}")
def register(settings: PostTraining, run: RunFolder, found: dict[str, Any]) -> Registered:
    """Raises StorageError."""
    return registry.register(run, settings.models_url, settings.description, settings.checkpoints_dir, found)
