"""The executor that a definition names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from its_tasks.executors.base import Executor
from its_tasks.executors.local import LocalExecutor

from its_core.definition import Definition
from its_core.shards.launcher import LaunchRefused


@contextmanager
def executor(definition: Definition, build_id: str, say: Callable[[str], None]) -> Iterator[Executor]:
    """The executor that the definition names, for one build; ``say`` tells the person who waits.

    Raises LaunchRefused when what it needs is not installed, or no cluster answers.
    """
    if definition.executor == "local":
        yield LocalExecutor()
        return
    try:
        from its_tasks.executors.ray import ray_cluster  # Ray is an extra, and takes its time to import
    except ModuleNotFoundError as error:
        raise LaunchRefused(
            f"executor ray: {error.name} is not installed; pip install -c constraints.txt -e '.[ray]' brings it"
        ) from None
    with ray_cluster(definition.ray_address, build_id, say) as cluster:
        yield cluster
