"""The task ``train``: one run under torchrun, to its end."""

from __future__ import annotations

from collections.abc import Callable

from its_tasks.post_train.machines import Machine
from its_tasks.steps import step

from its_core.post_training import runs
from its_core.post_training.run_folder import RunFolder


@step(name="train", task_run_name="{what}")
def train(
    what: str,  # noqa: ARG001 (it names the run)
    run: RunFolder,
    machine: Machine,
    watch: Callable[[], None],
) -> None:
    """Raises PostTrainingError, ProgramRefused and ProgramFailed."""
    runs.train(run, machine.processes, machine.launch, watch)
