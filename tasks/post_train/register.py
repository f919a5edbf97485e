"""The task ``register``: a trained model under its name, with its card."""

from __future__ import annotations

from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.utilities.annotations import quote

from its_core.post_training.registry import register as registry
from its_core.post_training.registry.register import Registered
from its_core.post_training.run_folder import RunFolder
from its_core.post_training.settings import PostTraining


def register(settings: PostTraining, run: RunFolder, found: dict[str, Any]) -> Registered:
    """Raises StorageError."""
    made: Registered = _register(quote(settings), quote(run), found)  # type: ignore[arg-type]
    return made


@task(name="register", task_run_name="register model", cache_policy=NO_CACHE, persist_result=False)
def _register(settings: PostTraining, run: RunFolder, found: dict[str, Any]) -> Registered:
    return registry.register(run, settings.models_url, settings.description, settings.checkpoints_dir, found)
