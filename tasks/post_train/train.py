"""The task ``train``: one run under torchrun, to its end."""

from __future__ import annotations

from collections.abc import Callable

from its_tasks.post_train.machines import Machine
from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.utilities.annotations import quote

from its_core.post_training import runs
from its_core.post_training.run_folder import RunFolder


def train(what: str, run: RunFolder, machine: Machine, watch: Callable[[], None]) -> None:
    """``what`` names the run on its page. Raises PostTrainingError, ProgramRefused and ProgramFailed."""
    _train(what, quote(run), quote(machine), watch)


@task(name="train", task_run_name="{what}", cache_policy=NO_CACHE, persist_result=False)
def _train(
    what: str,  # noqa: ARG001 (it names the run)
    run: RunFolder,
    machine: Machine,
    watch: Callable[[], None],
) -> None:
    runs.train(run, machine.processes, machine.launch, watch)
