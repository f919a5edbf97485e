"""What the workflow adds to the time of the clips themselves: ``python benchmarks/orchestration.py``.

The flow build-dataset runs as it is, on a Prefect server of its own, with shards of one clip that take a known time.
Two parts are told apart, because only the first grows with the flow: in place of torchrun stands a launcher that waits,
lays a clip and its receipt down; and torchrun itself is timed with a few real shards, one after another, whose clips
take the same known time. A clip's check (decoding every frame) is timed by itself, and its result is given to the flow.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

os.environ["PREFECT_LOGGING_LEVEL"] = "CRITICAL"
os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"
os.environ["DO_NOT_TRACK"] = "1"

import numpy as np
import pandas as pd
from its_flows.build_dataset import build_dataset
from its_tasks import check
from prefect.testing.utilities import prefect_test_harness

from its_core import storage, video
from its_core.checks.measures import measure
from its_core.clip import ClipRequest, Geometry, Outcome, Scene
from its_core.shards import batch, build, launcher
from its_core.shards.receipts import Attempt, Receipt, clip_files, utc_now

AT_ONCE = 8
MINUTE_S = 60.0
REAL_SHARDS = 3
GEOMETRY = Geometry.of("480", 10)
WORKER = Path(__file__).parent.parent / "tests" / "shards" / "troubled_worker.py"


def write_sample(path: Path) -> None:
    """A clip that passes the checks: a mosaic over which a block wanders."""
    tiles = np.random.default_rng(0).integers(0, 255, (27, 48, 3), dtype=np.uint8)

    def frame(n: int) -> np.ndarray:
        shown = tiles.copy()
        shown[9:13, n % 48 : n % 48 + 4] ^= 255
        return shown.repeat(16, 0).repeat(16, 1)

    video.write_mp4(path, map(frame, range(GEOMETRY.frames)), GEOMETRY)


def stand_in(sample: Path, clip_s: float) -> Callable[..., list[Receipt]]:
    """A launcher whose clips take ``clip_s``."""

    def run(
        folder: Path,  # noqa: ARG001
        jobs: Sequence[batch.Job],
        launch: launcher.Launch,  # noqa: ARG001
        on_receipt: launcher.OnReceipt,
        cancelled: threading.Event,
    ) -> list[Receipt]:
        receipts = []
        for job in jobs:
            attempt = Attempt(
                outcome=Outcome.GENERATED,
                reason="",
                started_at=utc_now(),
                duration_s=clip_s,
                rank=0,
                launch="stand-in",
                code_version="",
            )
            cancelled.wait(clip_s)
            job.files.video.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(sample, job.files.video)
            sha256 = storage.sha256_file(job.files.video)
            receipt = job.files.add_attempt(job.request, attempt, clip_sha256=sha256)
            on_receipt(receipt)
            receipts.append(receipt)
        return receipts

    return run


def added_by_flow(folder: Path, shards: int, clip_s: float) -> float:
    """Seconds between the flow's first line and its last that are not the clips' own."""
    dataset = folder / f"dataset-{shards}"
    dataset.mkdir()
    definition = {
        "name": "orchestration",
        "resolution": "480",
        "fps": 10,
        "shard_size": 1,
        "shards_at_once": AT_ONCE,
        "publish_url": "published",
        "engine": {"name": "simulator", "script": str(WORKER)},
    }
    (dataset / "dataset.yaml").write_text(json.dumps(definition))
    rows = {
        "scenario_id": [f"s{n}" for n in range(shards)],
        "camera_id": [f"c{n % 50}" for n in range(shards)],
        "incident_type": "normal_traffic",
        "prompt": "a clip",
        "seed": range(shards),
    }
    pd.DataFrame(rows).to_parquet(dataset / "scenarios.parquet")
    build_dataset(str(dataset))
    done = build.read(dataset / ".its")
    assert done is not None and done.ended_at is not None and done.outcomes[Outcome.GENERATED] == shards
    took = datetime.fromisoformat(done.ended_at) - datetime.fromisoformat(done.started_at)
    return took.total_seconds() - math.ceil(shards / AT_ONCE) * clip_s


def added_by_torchrun(folder: Path, clip_s: float) -> float:
    """Seconds a real shard takes beside its clip, from before torchrun's start to after its end; coding included."""
    added = []
    for n in range(REAL_SHARDS):
        clip_id = f"{n:024x}"
        request = ClipRequest(clip_id, f"s{n}", 0, n, f"slow {clip_s}", "", 7.0, GEOMETRY, Scene("c"))
        launch = launcher.Launch(batch.EngineSettings("simulator", {}, "480", 10), 1, 600.0, script=str(WORKER))
        job = batch.Job(request, clip_files(folder / "real", clip_id))
        started = time.monotonic()
        launcher.run(folder / "real" / "shards", [job], launch, lambda _: None, threading.Event())
        added.append(time.monotonic() - started - clip_s)
    return sorted(added)[REAL_SHARDS // 2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shards", type=int, nargs="+", default=[1, 10, 100, 2000])
    parser.add_argument("--clip_s", type=float, default=2.0, help="what a shard's clip takes")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="its-orchestration-") as name, prefect_test_harness():
        folder = Path(name)
        sample = folder / "sample.mp4"
        write_sample(sample)
        started = time.monotonic()
        measures = measure(sample, GEOMETRY, None)
        check_s = time.monotonic() - started
        torchrun_s = added_by_torchrun(folder, arguments.clip_s)
        real_run, launcher.run = launcher.run, stand_in(sample, arguments.clip_s)
        check.measure = lambda *_: measures  # type: ignore[assignment]
        print(f"| shards | added by the flow, s | s a shard | share of shards of a minute, {AT_ONCE} at once |")
        print("|--:|--:|--:|--:|")
        added_by_flow(folder, 2, 0.0)  # imports, the server's first answers
        for shards in arguments.shards:
            added_s = added_by_flow(folder, shards, arguments.clip_s)
            share = added_s / (math.ceil(shards / AT_ONCE) * MINUTE_S)
            print(f"| {shards:,} | {added_s:.1f} | {added_s / shards:.3f} | {share:.1%} |", flush=True)
        launcher.run = real_run
    print(f"\na torchrun launch beside its clip: {torchrun_s:.1f} s, {torchrun_s / MINUTE_S:.1%} of a minute")
    print(f"a clip's check: {check_s:.2f} s")


if __name__ == "__main__":
    main()
