"""Shards over a Ray cluster, through prefect-ray: each asks for its GPUs, Ray places it and sets the devices.

All machines see the work folder, the frames and the checkpoints under the same paths (a shared disk), have this project
installed and reach the Prefect server. What a lost machine had not finished, Ray starts elsewhere; clips that it had
made are there already.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import copy_context
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import grpc
import ray
from its_tasks.executors.base import Executor, ShardRun
from its_tasks.executors.local import launch_of
from its_tasks.plan import EngineOrder
from its_tasks.render import TASK_RUN_NAME, ShardIncomplete, render
from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.futures import PrefectFuture
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect_ray import RayTaskRunner
from prefect_ray.context import remote_options
from prefect_ray.task_runners import PrefectRayFuture
from ray.exceptions import NodeDiedError, OutOfMemoryError, RayError, WorkerCrashedError
from rich.markup import escape

from its_core.clip import Outcome
from its_core.definition import Definition
from its_core.shards import build, devices
from its_core.shards.batch import Job
from its_core.shards.launcher import Launch, LaunchRefused, OnReceipt
from its_core.shards.receipts import Receipt, found_by
from its_core.storage.errors import StorageError, shown

LOST_MACHINES = 5  # times that Ray starts a shard elsewhere, before its clips' receipts say so
MOST_UNDER_WAY = 1000  # shards in Ray's queue at a time; Ray decides how many of them run
PATIENCE_S = 600.0  # a cluster may still be growing, or a lost machine come back
_LOOK_EVERY_S = 2.0
_KNOCK_S = 10.0
_LATE_S = 30.0  # a shared disk may show a file late


@contextmanager
def ray_cluster(address: str, build_id: str, say: Callable[[str], None]) -> Iterator[RayCluster]:
    """The cluster at ``address``, for one build; ``say`` tells the person who waits.

    Raises LaunchRefused when none answers there.
    """
    runner: RayTaskRunner[Any] = RayTaskRunner(address, {"log_to_driver": False, "logging_level": "critical"})
    try:
        _knock(address)
        _show_token(address)
        with _own_sigterm_handler():
            runner.__enter__()
    except (OSError, ValueError, RuntimeError) as error:
        told = str(error).partition("\n")[0]
        raise LaunchRefused(
            f"ray_address {address}: no Ray cluster answers there ({told}); `ray start --head` starts one and says its "
            "address; one that asks for a token has it in ~/.ray/auth_token"
        ) from None
    try:
        cluster = RayCluster(runner, build_id, say)
        try:
            yield cluster
        finally:
            cluster.close()
    finally:
        runner.__exit__(*sys.exc_info())


def _show_token(address: str) -> None:
    """Clusters of ``ray start`` ask for the user's token where there is one; Ray itself shows it to ``auto`` alone."""
    if address != "auto" and (Path.home() / ".ray" / "auth_token").exists():
        os.environ.setdefault("RAY_AUTH_MODE", "token")


@contextmanager
def _own_sigterm_handler() -> Iterator[None]:
    """Ray puts its own in its place, under which a cancelled run would look crashed."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, before)


def _knock(address: str) -> None:
    """Ray itself would wait for minutes. Raises OSError where nothing listens or it is not Ray that does, ValueError
    when it is no address."""
    named = os.environ.get("RAY_ADDRESS", "auto") if address == "auto" else address
    if named in ("auto", "local"):
        return
    host, _, port = named.removeprefix("ray://").rpartition(":")
    if not (host and port.isdecimal()):
        raise ValueError("must be host:port, ray://host:port or auto")
    socket.create_connection((host.strip("[]"), int(port)), timeout=_KNOCK_S).close()
    with grpc.insecure_channel(f"{host}:{port}") as channel:
        try:
            grpc.channel_ready_future(channel).result(timeout=_KNOCK_S)
        except grpc.FutureTimeoutError:
            raise ConnectionError("what listens there is not Ray") from None


class RayCluster(Executor):
    """Hands every shard to Ray and watches the work folder for receipts."""

    def __init__(self, runner: RayTaskRunner[Any], build_id: str, say: Callable[[str], None]) -> None:
        self._runner = runner
        self._build_id = build_id
        self._say = say
        self._api_url = str(get_client(sync_client=True).api_url)
        self._under_way: dict[UUID, _UnderWay] = {}
        self._waits_since: float | None = None
        self._gave_up: LaunchRefused | None = None
        self._ended = threading.Event()
        resources = ray.cluster_resources()
        sizes = {"machines": len(ray.nodes()), "processors": resources.get("CPU", 0), "GPUs": resources.get("GPU", 0)}
        say("Ray cluster: " + ", ".join(f"{count:g} {what}" for what, count in sizes.items()))
        self._watcher = threading.Thread(target=copy_context().run, args=(self._watch,), daemon=True)
        self._watcher.start()

    def launches(self, definition: Definition, order: EngineOrder) -> list[Launch]:
        return [launch_of(definition, order, None)] * (definition.shards_at_once or MOST_UNDER_WAY)

    def submit(self, run: ShardRun, launch: Launch, on_receipt: OnReceipt) -> PrefectFuture[Any]:
        wanted = _resources(launch)
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
        options = {"num_cpus": wanted["CPU"], "num_gpus": wanted.get("GPU", 0), "max_retries": LOST_MACHINES}
        # The machines report to the server that the flow reports to, be it one that only this build has started.
        with temporary_settings({PREFECT_API_URL: self._api_url}), remote_options(**options):
            future: PrefectFuture[Any] = self._runner.submit(render_on_cluster, parameters)
        self._under_way[future.task_run_id] = _UnderWay(run, wanted, starts, on_receipt, future)
        return future

    def failure(self, future: PrefectFuture[Any]) -> BaseException | None:
        ended = self._under_way.pop(future.task_run_id)
        try:
            result = future.result(raise_on_failure=False)
        except (NodeDiedError, WorkerCrashedError, OutOfMemoryError) as error:
            with suppress(OSError):
                ended.look()
            return ended.lost(f"lost with its machine, or with its process there ({type(error).__name__})")
        except RayError as error:
            return self._gave_up or LaunchRefused(_advice(error, self._api_url))
        if isinstance(result, BaseException) and not isinstance(result, ShardIncomplete):
            return result
        return ended.await_receipts() or (result if isinstance(result, ShardIncomplete) else None)

    def cancel(self) -> None:
        for under_way in list(self._under_way.values()):
            with suppress(RayError, RuntimeError):  # the head may be gone; the first error is on its way
                ray.cancel(under_way.future.wrapped_future, force=True)

    def close(self) -> None:
        self._ended.set()
        self._watcher.join()

    def _watch(self) -> None:
        while not self._ended.wait(_LOOK_EVERY_S):
            under_way = list(self._under_way.values())
            for each in under_way:
                with suppress(OSError):  # a shared disk that hiccups; the next look tells
                    each.look()
            try:
                self._mind_room([each.wanted for each in under_way])
            except Exception as error:  # Ray's client raises all sorts of things; it ends this process within a minute
                if not self._ended.is_set():
                    told = escape(str(error).partition("\n")[0])
                    self._say(
                        f"the head of the Ray cluster does not answer ({told}): call the build again when it does"
                    )
                return

    def _mind_room(self, wanted: Sequence[Resources]) -> None:
        """Waits for a machine that can hold the shards under way, but not for ever."""
        lacking = _lacking(wanted)
        if lacking is None:
            if self._waits_since is not None:
                self._say("a machine has come, the build goes on")
            self._waits_since = None
        elif self._waits_since is None:
            self._waits_since = time.monotonic()
            self._say(f"waiting for a machine with {lacking}: the Ray cluster has none now")
        elif time.monotonic() - self._waits_since > PATIENCE_S and self._gave_up is None:
            self._gave_up = LaunchRefused(
                f"the Ray cluster had no machine with {lacking} for {PATIENCE_S / 60:g} minutes: add one, or lower "
                "processes_per_shard; what was made is kept"
            )
            self.cancel()


@dataclass(slots=True)
class _Clip:
    """A clip under way. ``tries`` stood in its receipt when its shard was submitted, ``told`` were reported since."""

    job: Job
    tries: int
    told: int = 0


class _UnderWay:
    """A shard somewhere in the cluster, whose receipts appear in the work folder."""

    def __init__(
        self, run: ShardRun, wanted: Resources, starts: Path, on_receipt: OnReceipt, future: PrefectRayFuture[Any]
    ) -> None:
        self.wanted = wanted
        self.future = future
        self._starts = starts
        self._on_receipt = on_receipt
        self._clips = [_Clip(job, _tries(job)) for job in run.jobs]
        self._lock = threading.Lock()

    def look(self) -> None:
        """Tells of the tries that ended since the last look."""
        if not self._starts.exists():
            return  # not begun: thousands of shards may wait
        with self._lock:
            for clip in self._clips:
                receipt = clip.job.files.read_receipt()
                if receipt is not None and len(receipt.attempts) > clip.tries + clip.told:
                    clip.told = len(receipt.attempts) - clip.tries
                    self._on_receipt(receipt)

    def await_receipts(self) -> ShardIncomplete | None:
        """Looks until every clip of an ended shard has its receipt. A failure where one does not appear."""
        deadline = time.monotonic() + _LATE_S
        while True:
            with suppress(OSError):
                self.look()
            if all(clip.told or clip.job.files.made() for clip in self._clips):
                return None
            if time.monotonic() > deadline:
                return self.lost("its receipt is not seen here: work_dir's disk shows late what other machines wrote")
            time.sleep(_LOOK_EVERY_S)

    def lost(self, reason: str) -> ShardIncomplete:
        """Gives the clips without a receipt of this run one."""
        with self._lock:
            silent = [clip for clip in self._clips if not clip.told and clip.job.files.made() is None]
            for clip in silent:
                clip.told = 1
                self._on_receipt(_blame(clip.job, reason))
        return ShardIncomplete(f"{len(silent)} clips: {reason}")


def _blame(job: Job, reason: str) -> Receipt:
    return job.files.add_attempt(job.request, found_by(Outcome.ENGINE_ERROR, reason, "cluster"))


def _tries(job: Job) -> int:
    receipt = job.files.read_receipt()
    return len(receipt.attempts) if receipt else 0


Resources = dict[str, int]  # Ray's own names, CPU and GPU, and how many


def _resources(launch: Launch) -> Resources:
    """A processor for each process, and a GPU where the engine wants them; size tiny does without in a cluster that has
    none."""
    wanted = {"CPU": launch.processes}
    tiny = launch.engine.options.get("model_size") == "tiny"
    if launch.engine.name == "cosmos" and not (tiny and ray.cluster_resources().get("GPU", 0) == 0):
        wanted["GPU"] = launch.processes
    return wanted


def _lacking(wanted: Sequence[Resources]) -> str | None:
    """What no living machine has enough of for one of the shards, in words."""
    machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    for resources in wanted:
        if not any(all(machine.get(name, 0) >= count for name, count in resources.items()) for machine in machines):
            return " and ".join(f"{count} {name}{'s' if count > 1 else ''}" for name, count in resources.items())
    return None


def _advice(error: RayError, api_url: str) -> str:
    told = (str(error).strip().splitlines() or [type(error).__name__])[-1]
    return (
        f"a machine of the Ray cluster cannot run shards: {told}. Each needs this project installed as here, and "
        f"must reach the Prefect server, now {shown(api_url)}: set PREFECT_API_URL to one that all machines reach"
    )


@task(name="render", task_run_name=TASK_RUN_NAME, cache_policy=NO_CACHE)
def render_on_cluster(
    shard_id: str, jobs: Sequence[Job], attempt: int, work: Path, launch: Launch, build_id: str, starts: Path
) -> None:
    """The task ``render`` on the machine that Ray chose, on the GPUs that Ray set aside for it.

    ``starts`` grows by a byte with every start of this run: Ray itself starts a task without end that it killed because
    its machine ran short of memory. Raises LaunchRefused, naming the machine, where no shard can be made.
    """
    known = build.read(work)
    if known is None or known.id != build_id:
        raise LaunchRefused(
            f"{socket.gethostname()}: {work} is not the folder that the build works in: work_dir must lie on a disk "
            "that all machines of the cluster share, under the same path"
        )
    starts.parent.mkdir(parents=True, exist_ok=True)
    with starts.open("ab") as file:
        file.write(b".")
    if starts.stat().st_size > LOST_MACHINES + 1:
        unmade = [job for job in jobs if job.files.made() is None]
        reason = f"its shard was started {LOST_MACHINES + 1} times, and lost each time: machines died, or lacked memory"
        for job in unmade:
            _blame(job, reason)
        raise ShardIncomplete(f"{len(unmade)} clips: {reason}")
    if launch.engine.name == "cosmos":
        launch = replace(launch, devices=tuple(devices.visible_gpus()) or None)
    try:
        render.fn(shard_id, jobs, attempt, work, launch, _told_by_receipts, threading.Event())
    except (LaunchRefused, StorageError) as error:
        raise LaunchRefused(f"{socket.gethostname()}: {error}") from None


def _told_by_receipts(_: Receipt) -> None:
    """The flow's machine reads the receipts themselves."""
