"""Finds the Ray cluster at an address and connects to it."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
from its_tasks.executors.ray_cluster.executor import RayCluster
from prefect_ray import RayTaskRunner

from its_core.shards.launcher import LaunchError

PROBE_LIMIT_S = 10.0


@contextmanager
def ray_cluster(address: str, build_id: str, say: Callable[[str], None]) -> Iterator[RayCluster]:
    """The cluster at ``address``, for one build; ``say`` prints a line for the person who waits.

    Raises LaunchError when none answers there.
    """
    runner: RayTaskRunner[Any] = RayTaskRunner(address, {"log_to_driver": False, "logging_level": "critical"})
    try:
        _probe_address(address)
        _use_token(address)
        with _own_sigterm_handler():
            runner.__enter__()
    except (OSError, ValueError, RuntimeError) as error:
        reason = str(error).partition("\n")[0]
        raise LaunchError(
            f"ray_address {address}: no Ray cluster answers there ({reason}); `ray start --head` starts one and says "
            "its address; one that asks for a token has it in ~/.ray/auth_token",
            code="launch.no_ray_cluster",
        ) from None
    try:
        cluster = RayCluster(runner, build_id, say)
        try:
            yield cluster
        finally:
            cluster.close()
    finally:
        runner.__exit__(*sys.exc_info())


def _use_token(address: str) -> None:
    """Clusters of ``ray start`` ask for the user's token where there is one; Ray itself sends it to ``auto`` alone."""
    if address != "auto" and (Path.home() / ".ray" / "auth_token").exists():
        os.environ.setdefault("RAY_AUTH_MODE", "token")


@contextmanager
def _own_sigterm_handler() -> Iterator[None]:
    """Ray puts its own in its place, under which a cancelled run would look crashed."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, before)


def _probe_address(address: str) -> None:
    """Ray itself would wait for minutes. Raises OSError where nothing listens or it is not Ray that does, ValueError
    when it is no address."""
    named = os.environ.get("RAY_ADDRESS", "auto") if address == "auto" else address
    if named in ("auto", "local"):
        return
    host, _, port = named.removeprefix("ray://").rpartition(":")
    if not (host and port.isdecimal()):
        raise ValueError("must be host:port, ray://host:port or auto")
    socket.create_connection((host.strip("[]"), int(port)), timeout=PROBE_LIMIT_S).close()
    with grpc.insecure_channel(f"{host}:{port}") as channel:
        try:
            grpc.channel_ready_future(channel).result(timeout=PROBE_LIMIT_S)
        except grpc.FutureTimeoutError:
            raise ConnectionError("what listens there is not Ray") from None
