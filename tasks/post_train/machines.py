"""Where a post-training's programs run: this machine, or one of a Ray cluster."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from its_core.post_training import torchrun
from its_core.post_training.settings import PostTraining
from its_core.post_training.torchrun import Launch, Program
from its_core.shards.launcher import LaunchError

LOST_MACHINES = 5  # times that Ray starts a program elsewhere
_LOOK_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Machine:
    """``launch`` runs a program to its end, with ``processes`` of its own."""

    launch: Launch
    processes: int


@contextmanager
def machine(settings: PostTraining) -> Iterator[Machine]:
    """The machine that the definition names. Raises LaunchError and ProgramRefused where there is none for it."""
    if settings.executor == "ray":
        with _cluster(settings.ray_address):
            processes = settings.processes or 1
            gpus = 0 if settings.model_size == "tiny" else processes
            yield Machine(lambda program: _run_on_cluster(program, gpus), processes)
        return
    processes = torchrun.processes_here(settings.processes, settings.model_size)
    cancelled = threading.Event()
    try:
        yield Machine(lambda program: torchrun.run(program, cancelled), processes)
    finally:
        cancelled.set()


@contextmanager
def _cluster(address: str) -> Iterator[None]:
    try:
        import ray  # an extra, and slow to import
    except ModuleNotFoundError as error:
        raise LaunchError(
            f"executor ray: {error.name} is not installed; pip install -c constraints.txt -e '.[ray]' brings it"
        ) from None
    try:
        ray.init(address, log_to_driver=False, logging_level=logging.CRITICAL)
    except (ConnectionError, RuntimeError, ValueError) as error:
        told = str(error).partition("\n")[0]
        raise LaunchError(f"ray_address {address}: no Ray cluster answers there ({told})") from None
    try:
        yield
    finally:
        ray.shutdown()


def _run_on_cluster(program: Program, gpus: int) -> None:
    """Ray chooses a machine with the GPUs. All of them see the work folder, the clips and the checkpoints under the
    same paths; where a machine is lost, another goes on from the last checkpoint."""
    import ray

    there = ray.remote(_run_there).options(
        num_cpus=program.processes, num_gpus=gpus, max_retries=LOST_MACHINES, retry_exceptions=False
    )
    running = there.remote(replace(program, watch=_nobody))
    try:
        while not ray.wait([running], timeout=_LOOK_EVERY_S)[0]:
            program.watch()
        program.watch()
        ray.get(running)
    except ray.exceptions.RayTaskError as error:
        raise error.cause from None
    except BaseException:
        ray.cancel(running, force=True)
        raise


def _run_there(program: Program) -> None:
    torchrun.run(program, threading.Event())


def _nobody() -> None:
    return
