"""Hands shards to Ray and follows them from the flow's machine."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from typing import Any
from uuid import uuid4

import ray
from its_tasks.engines import ResolvedEngine
from its_tasks.executors.base import Executor, ShardRun
from its_tasks.executors.local import launch_of
from its_tasks.executors.ray_cluster.capacity import missing_resources, resources_of
from its_tasks.executors.ray_cluster.remote_task import LOST_MACHINES, render_on_cluster
from its_tasks.executors.ray_cluster.running_shard import RunningShard
from its_tasks.render import ShardIncomplete
from its_tasks.steps import OnEnd
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect_ray import RayTaskRunner
from prefect_ray.context import remote_options
from prefect_ray.task_runners import PrefectRayFuture
from ray.exceptions import NodeDiedError, OutOfMemoryError, RayError, WorkerCrashedError
from rich.markup import escape

from its_core.definition import Definition
from its_core.shards.launcher import Launch, LaunchError, OnReceipt
from its_core.storage.errors import shown

MOST_SUBMITTED = 1000  # shards in Ray's queue at a time; Ray decides how many of them run
CAPACITY_WAIT_S = 600.0  # a cluster may still be growing, or a lost machine come back
_LOOK_EVERY_S = 2.0


class RayCluster(Executor):
    """A Ray cluster, for one build."""

    def __init__(self, runner: RayTaskRunner[Any], build_id: str, say: Callable[[str], None]) -> None:
        self._runner = runner
        self._build_id = build_id
        self._say = say
        self._api_url = str(get_client(sync_client=True).api_url)
        self._running: dict[RunningShard, OnEnd] = {}
        self._lock = threading.Lock()
        self._waits_since: float | None = None
        self._gave_up: LaunchError | None = None
        self._closed = threading.Event()
        self._wake = threading.Event()
        resources = ray.cluster_resources()
        sizes = {"machines": len(ray.nodes()), "processors": resources.get("CPU", 0), "GPUs": resources.get("GPU", 0)}
        say("Ray cluster: " + ", ".join(f"{count:g} {what}" for what, count in sizes.items()))
        self._watcher = threading.Thread(target=copy_context().run, args=(self._watch,), daemon=True)
        self._watcher.start()

    def launches(self, definition: Definition, engine: ResolvedEngine) -> list[Launch]:
        return [launch_of(definition, engine, None)] * (definition.shards_at_once or MOST_SUBMITTED)

    def submit(self, run: ShardRun, launch: Launch, on_receipt: OnReceipt, on_end: OnEnd) -> None:
        needed = resources_of(launch)
        starts = run.work / "shards" / run.shard_id / f"{uuid4().hex[:12]}.starts"
        parameters = {
            "shard_id": run.shard_id,
            "jobs": run.jobs,
            "attempt": run.attempt,
            "work": run.work,
            "launch": launch,
            "build_id": self._build_id,
            "starts": starts,
        }
        options = {"num_cpus": needed["CPU"], "num_gpus": needed.get("GPU", 0), "max_retries": LOST_MACHINES}
        # The machines report to the server that the flow reports to, be it one that only this build has started.
        with temporary_settings({PREFECT_API_URL: self._api_url}), remote_options(**options):
            future: PrefectRayFuture[Any] = self._runner.submit(render_on_cluster, parameters)
        shard = RunningShard(run, needed, starts, on_receipt, future)
        with self._lock:
            self._running[shard] = on_end
        future.add_done_callback(lambda _: self._ended(shard))

    def cancel(self) -> None:
        for shard in self._shards():
            with suppress(RayError, RuntimeError):  # the head may be gone; the first error is on its way
                ray.cancel(shard.future.wrapped_future, force=True)

    def close(self) -> None:
        self._closed.set()
        self._wake.set()
        self._watcher.join()

    def _ended(self, shard: RunningShard) -> None:
        shard.ended.set()
        self._wake.set()

    def _shards(self) -> list[RunningShard]:
        with self._lock:
            return list(self._running)

    def _watch(self) -> None:
        looked_at = 0.0
        while True:
            self._wake.wait(_LOOK_EVERY_S)
            self._wake.clear()
            if self._closed.is_set():
                return
            for shard in self._shards():
                if shard.ended.is_set():
                    self._settle(shard)
            if time.monotonic() - looked_at < _LOOK_EVERY_S:
                continue
            looked_at = time.monotonic()
            for shard in self._shards():
                with suppress(OSError):  # a shared disk that hiccups; the next look will do
                    shard.look()
            try:
                self._check_capacity()
            except Exception as error:  # Ray's client raises all sorts of things; it ends this process within a minute
                if not self._closed.is_set():
                    reason = escape(str(error).partition("\n")[0])
                    self._say(
                        f"the head of the Ray cluster does not answer ({reason}): call the build again when it does"
                    )
                return

    def _settle(self, shard: RunningShard) -> None:
        """Reports the end of a shard, unless its receipts are still waited for."""
        try:
            settled, failure = self._outcome(shard)
        except Exception as error:  # what a future raises may be of any library
            settled, failure = True, error
        if settled:
            with self._lock:
                on_end = self._running.pop(shard)
            on_end(failure)

    def _outcome(self, shard: RunningShard) -> tuple[bool, BaseException | None]:
        """Whether an ended shard is settled, and what it raised."""
        try:
            result = shard.future.result(raise_on_failure=False)
        except (NodeDiedError, WorkerCrashedError, OutOfMemoryError) as error:
            with suppress(OSError):
                shard.look()
            return True, shard.lost(f"lost with its machine, or with its process there ({type(error).__name__})")
        except RayError as error:
            return True, self._gave_up or LaunchError(_advice(error, self._api_url), code="launch.ray")
        if isinstance(result, BaseException) and not isinstance(result, ShardIncomplete):
            return True, result
        settled, failure = shard.settle()
        return settled, failure or result

    def _check_capacity(self) -> None:
        """Waits for a machine that can hold the submitted shards, but not for ever."""
        missing = missing_resources([shard.needed for shard in self._shards()])
        if missing is None:
            if self._waits_since is not None:
                self._say("a machine has come, the build goes on")
            self._waits_since = None
        elif self._waits_since is None:
            self._waits_since = time.monotonic()
            self._say(f"waiting for a machine with {missing}: the Ray cluster has none now")
        elif time.monotonic() - self._waits_since > CAPACITY_WAIT_S and self._gave_up is None:
            self._gave_up = LaunchError(
                f"the Ray cluster had no machine with {missing} for {CAPACITY_WAIT_S / 60:g} minutes: add one, or "
                "lower processes_per_shard; what was made is kept",
                code="launch.no_capacity",
            )
            self.cancel()


def _advice(error: RayError, api_url: str) -> str:
    reason = (str(error).strip().splitlines() or [type(error).__name__])[-1]
    return (
        f"a machine of the Ray cluster cannot run shards: {reason}. Each needs this project installed as here, and "
        f"must reach the Prefect server, now {shown(api_url)}: set PREFECT_API_URL to one that all machines reach"
    )
