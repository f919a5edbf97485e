"""The executor that a definition names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from its_tasks.executors.base import Executor
from its_tasks.executors.local import LocalExecutor
from its_tasks.steps import Steps

from its_core.definition import Definition
from its_core.shards.launcher import LaunchError


@contextmanager
def executor(definition: Definition, build_id: str, steps: Steps, say: Callable[[str], None]) -> Iterator[Executor]:
    """The executor that the definition names, for one build; ``say`` prints a line for the person who waits.

    Raises LaunchError when what it needs is not installed, or no cluster answers.
    """
    if definition.executor == "local":
        yield LocalExecutor(steps)
        return
    if not steps.with_prefect:
        raise LaunchError(
            "executor ray: needs a Prefect server that all machines reach: set PREFECT_API_URL to one that answers",
            code="launch.ray_without_prefect",
        )
    try:
        from its_tasks.executors.ray_cluster.connection import ray_cluster  # an extra, and slow to import
    except ModuleNotFoundError as error:
        raise LaunchError(
            f"executor ray: {error.name} is not installed; pip install -c constraints.txt -e '.[ray]' brings it",
            code="launch.ray_not_installed",
        ) from None
    with ray_cluster(definition.ray_address, build_id, say) as cluster:
        yield cluster
