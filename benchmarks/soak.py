"""Kills random processes of a small build at random moments, many times, and compares what it publishes in the end.

The flow runs in a process of its own, forked after the imports (they are most of a small build's time), with a Prefect
server beside it; shards run under real torchrun. A build is called again after each kill of its flow, until it has
published; a kill of a rank or of torchrun is left to the build itself. What it published must then be, byte for byte,
what an undisturbed build publishes. Only the record of the run (lineage and validation report: times, attempts) may
differ, and must be there.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import multiprocessing
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path

import pandas as pd
import psutil

WORKER = Path(__file__).parent.parent / "tests" / "shards" / "troubled_worker.py"
CLIPS = 4
KILLS_A_BUILD = 10
# A clip that breaks its rank three times is quarantined, as it should be; here it is not the clip's fault.
RANK_KILLS_A_BUILD = 2
LAUNCH_S = 5.0  # about as long as a shard's launch lasts
OF_THE_RUN = ("lineage", "report", "croissant.json", "index.html", "_SUCCESS.json")


@dataclass
class Toll:
    kills: Counter[str] = field(default_factory=Counter)
    stages: Counter[str] = field(default_factory=Counter)
    builds: int = 0
    restarts: int = 0
    lost: list[str] = field(default_factory=list)


class Soak:
    def __init__(self, folder: Path, chance: random.Random) -> None:
        self.dataset = folder / "dataset"
        self.published = folder / "published"
        self.chance = chance
        self.toll = Toll()
        self._define()
        started = time.monotonic()
        assert _ended(self._start()) == 0, "the undisturbed build failed"
        self.usual_s = time.monotonic() - started
        self.expected = self._snapshot()

    def _define(self) -> None:
        self.dataset.mkdir()
        definition = {
            "name": "soak",
            "resolution": "480",
            "fps": 10,
            "shard_size": 2,
            "retries": 5,
            "retry_delay_s": 0,
            "publish_url": "../published",
            "engine": {"name": "simulator", "script": str(WORKER)},
        }
        (self.dataset / "dataset.yaml").write_text(json.dumps(definition))
        rows = [
            {
                "scenario_id": f"s{n}",
                "camera_id": f"c{n}",
                "incident_type": "normal_traffic",
                "prompt": "slow 1",
                "seed": n,
            }
            for n in range(CLIPS)
        ]
        pd.DataFrame(rows).to_parquet(self.dataset / "scenarios.parquet")

    def _start(self) -> BaseProcess:
        process = multiprocessing.get_context("fork").Process(target=_build, args=(str(self.dataset),))
        process.start()
        return process

    def _snapshot(self) -> dict[str, str]:
        """Every published file and its hash; the run's own record by its place alone."""
        found = {}
        for path in sorted(self.published.rglob("*")):
            place = path.relative_to(self.published)
            if not path.is_file() or path.name.startswith("."):
                continue
            if any(part in OF_THE_RUN for part in place.parts):
                found[str(Path(*place.parts[:3]))] = "there"
            else:
                found[str(place)] = hashlib.sha256(path.read_bytes()).hexdigest()
        return found

    def disturbed_build(self, kills: int) -> None:
        """One build from nothing, killed up to ``kills`` times, then left alone until it ends."""
        shutil.rmtree(self.dataset / ".its")
        shutil.rmtree(self.published)
        left, ranks_left = kills, RANK_KILLS_A_BUILD
        status: int | None = None
        while status != 0:
            process = self._start()
            undisturbed = left == 0
            while left:
                victim = self._kill_one(process, ranks_left > 0)
                left -= victim in self.toll.kills
                ranks_left -= victim == "rank"
                if victim in {"flow", None}:
                    break
            status = _ended(process)
            if undisturbed:
                break
            self.toll.restarts += status != 0
        self.toll.builds += 1
        if status != 0:
            self.toll.lost.append(f"build {self.toll.builds} ended with status {status}")
        elif (now := self._snapshot()) != self.expected:
            odd = sorted(set(now.items()) ^ set(self.expected.items()))
            self.toll.lost.append(f"build {self.toll.builds} published otherwise: {odd}")

    def _kill_one(self, flow: BaseProcess, ranks_too: bool) -> str | None:
        """Kills one of the build's processes, a while after there is one; None when the build ended before."""
        kind = self.chance.choice(["flow", "torchrun", "rank"] if ranks_too else ["flow", "torchrun"])
        while not (alive := _alive(flow, kind)):
            if not flow.is_alive():
                return None
            time.sleep(0.05)
        time.sleep(self.chance.uniform(0, self.usual_s if kind == "flow" else LAUNCH_S))
        if not (alive := _alive(flow, kind)):
            return "gone"
        stage = self._stage()
        try:
            self.chance.choice(alive).kill()
        except psutil.NoSuchProcess:
            return "gone"
        self.toll.stages[stage] += 1
        self.toll.kills[kind] += 1
        return kind

    def _stage(self) -> str:
        """How far the build had come, from what lies there."""
        receipts = len(list(self.dataset.glob(".its/clips/*/*.receipt.json")))
        if any(self.published.glob("soak/*/_SUCCESS.json")):
            return "published"
        return f"{receipts} of {CLIPS} clips there"


def _build(dataset: str) -> None:
    """What the flow's own process does."""
    from its_flows.build_dataset import build_dataset

    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stderr(nowhere):
        build_dataset(dataset)


def _ended(process: BaseProcess) -> int | None:
    process.join()
    return process.exitcode


def _alive(flow: BaseProcess, kind: str) -> list[psutil.Process]:
    """The build's processes of a kind."""
    try:
        whole = psutil.Process(flow.pid)
        if kind == "flow":
            return [whole] if flow.is_alive() else []
        return [process for process in whole.children(recursive=True) if _kind(process) == kind]
    except psutil.NoSuchProcess:
        return []


def _kind(process: psutil.Process) -> str | None:
    try:
        if "RANK" in process.environ():
            return "rank"
        return "torchrun" if "torch.distributed.run" in process.cmdline() else None
    except psutil.Error:
        return None


@contextmanager
def prefect_server(folder: Path) -> Iterator[None]:
    """A server for all builds; whatever imports Prefect later in this process talks to it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    os.environ.update(
        PREFECT_HOME=str(folder / "prefect"),
        PREFECT_LOGGING_LEVEL="CRITICAL",
        PREFECT_SERVER_ANALYTICS_ENABLED="false",
        DO_NOT_TRACK="1",
    )
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.environ["PREFECT_API_URL"] = f"http://127.0.0.1:{port}/api"
    try:
        while True:
            with contextlib.suppress(OSError), urllib.request.urlopen(os.environ["PREFECT_API_URL"] + "/health"):
                break
            time.sleep(0.5)
        yield
    finally:
        server.terminate()
        server.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the server is not to outlive this
    with tempfile.TemporaryDirectory(prefix="its-soak-") as folder, prefect_server(Path(folder)):
        import its_flows.build_dataset  # noqa: F401 (forked processes have it then)

        soak = Soak(Path(folder), random.Random(arguments.seed))
        started = time.monotonic()
        while (left := arguments.kills - soak.toll.kills.total()) > 0:
            soak.disturbed_build(min(KILLS_A_BUILD, left))
            toll = soak.toll
            print(f"{toll.kills.total()} kills, {toll.builds} builds, {len(toll.lost)} lost", flush=True)
        minutes = (time.monotonic() - started) / 60
    print(f"\n{toll.kills.total()} kills in {toll.builds} builds of {CLIPS} clips, {minutes:.0f} minutes")
    print("victims: " + ", ".join(f"{number} {kind}" for kind, number in toll.kills.most_common()))
    print("when: " + ", ".join(f"{number} {stage}" for stage, number in toll.stages.most_common()))
    print(f"builds called again: {toll.restarts}; lost or different: {len(toll.lost)}")
    print("\n".join(toll.lost))
    sys.exit(1 if toll.lost else 0)


if __name__ == "__main__":
    main()
