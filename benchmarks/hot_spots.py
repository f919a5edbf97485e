"""What grew with the plan, the weights and the receipts, and what it costs now: ``python benchmarks/hot_spots.py``.

    git clone . /tmp/before && git -C /tmp/before checkout 3c174cc
    python benchmarks/hot_spots.py --before /tmp/before

- CPU seconds of this process for one call of a Prefect task that is given a plan of 100,000 clips.
- CPU seconds to hash weights of 512 MiB as often as a build of two launches of two ranks with two fallbacks asks for.
- Receipts that are opened, for each clip, by a build that makes its clips, and by the next one that finds them there.

With ``--before`` both checkouts are measured by turns in one run, and the least of two times is printed for each; both
use this interpreter's packages.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).parent.parent
CLIPS = 100_000
TASK_CALLS = 3
WEIGHTS_BYTES = 512 << 20
HASHED = 1 + 2 + 2 * 2  # when planning; for each fallback; by each rank of each launch
BUILT_CLIPS = 100
ROUNDS = 2
START_LIMIT_S = 300
MEASURED = {
    "task_call_s": "a task call with 100,000 planned clips, CPU s",
    "hashing_s": f"weights of 512 MiB, asked for {HASHED} times, CPU s",
    "opened_by_first": "receipts opened a clip, by a build that makes it",
    "opened_by_second": "receipts opened a clip, by the next build",
}


def task_call_s(checkout: Path) -> float:
    """CPU seconds of this process for a task call, the least of some."""
    from prefect import flow

    from its_core.clip import Geometry
    from its_core.shards.plan import Plan

    clip_ids = [f"{number:024x}" for number in range(CLIPS)]
    plan = Plan(Path("plan.parquet"), Geometry.of("480", 10), CLIPS, clip_ids, list(range(CLIPS)), {}, ())
    call = _caller(checkout)
    seconds: list[float] = []

    @flow(name="hot-spots")
    def build() -> None:
        for _ in range(TASK_CALLS):
            began_s = time.process_time()
            call(plan)
            seconds.append(time.process_time() - began_s)

    build()
    return min(seconds)


def _caller(checkout: Path) -> Any:
    """Calls a task as this checkout's flow calls its tasks."""

    def count(plan: Any) -> int:
        return len(plan.clip_ids)

    if not (checkout / "tasks" / "steps.py").exists():  # 3c174cc, where tasks were called as they are
        from prefect import task
        from prefect.cache_policies import NO_CACHE

        return task(name="count", cache_policy=NO_CACHE)(count)
    from its_tasks.steps import Steps, step

    steps, counting = Steps(True, print), step(name="count", task_run_name="count")(count)
    return lambda plan: steps.run(counting, plan)


def hashing_s(folder: Path) -> float:
    from its_core.engines.engine import engine_module

    weights, text = folder / "network.pt", folder / "google-t5" / "t5-11b"
    weights.write_bytes(os.urandom(1 << 20) * (WEIGHTS_BYTES >> 20))
    text.mkdir(parents=True)
    (text / "config.json").write_text("{}")
    vae = folder / "nvidia" / "Cosmos-Predict2-2B-Video2World" / "tokenizer" / "tokenizer.pth"
    vae.parent.mkdir(parents=True)
    vae.write_bytes(b"vae")
    time.sleep(3.0)  # digests of files that were changed a moment ago are not kept
    module = engine_module("cosmos")
    options = module.parse_options({"dit_path": str(weights), "checkpoints_dir": str(folder)}, "720", 16)
    began_s = time.process_time()
    digests = {module.identity(options).weights_sha256 for _ in range(HASHED)}
    seconds = time.process_time() - began_s
    assert len(digests) == 1
    return seconds


def opened_a_clip(folder: Path, orchestration: ModuleType) -> tuple[float, float]:
    """Receipts opened a clip by a build, and by the next one of the same dataset."""
    from its_core.checks.measures import measure
    from its_core.shards import launcher

    opened = [0]

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(arguments[0], str) and arguments[0].endswith(".receipt.json"):
            opened[0] += 1

    sample = folder / "sample.mp4"
    orchestration.write_sample(sample)
    measures = measure(sample, orchestration.GEOMETRY, None)
    launcher.run = orchestration.stand_in(sample, measures, 0.0)
    sys.addaudithook(hook)
    orchestration.added_by_flow(folder, BUILT_CLIPS, 0.0)
    first, opened[0] = opened[0], 0
    orchestration.build_dataset(str(folder / f"dataset-{BUILT_CLIPS}"))
    return first / BUILT_CLIPS, opened[0] / BUILT_CLIPS


def measure_here(checkout: Path) -> dict[str, float]:
    """Everything, of the checkout whose code this process imports."""
    file = checkout / "benchmarks" / "orchestration.py"
    spec = importlib.util.spec_from_file_location("orchestration", file)
    assert spec is not None and spec.loader is not None
    orchestration = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(orchestration)
    from prefect.testing.utilities import prefect_test_harness

    with tempfile.TemporaryDirectory(prefix="its-hot-spots-") as name, prefect_test_harness(START_LIMIT_S):
        folder = Path(name)
        os.environ["ITS_CACHE"] = str(folder / "cache")
        (folder / "weights").mkdir()
        first, second = opened_a_clip(folder, orchestration)
        return {
            "task_call_s": task_call_s(checkout),
            "hashing_s": hashing_s(folder / "weights"),
            "opened_by_first": first,
            "opened_by_second": second,
        }


def measured(checkout: Path) -> dict[str, float]:
    command = [sys.executable, __file__, "--measure", str(checkout)]
    environment = os.environ | {"PYTHONPATH": str(checkout)}
    done = subprocess.run(command, cwd=checkout, env=environment, check=True, stdout=subprocess.PIPE)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", type=Path, help="a clone at an older commit, to compare with")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure:
        print(json.dumps(measure_here(asked.measure)))
        return
    checkouts = [*([asked.before.resolve()] if asked.before else []), ROOT]
    rounds = [[measured(checkout) for checkout in checkouts] for _ in range(ROUNDS)]
    print("| | " + " | ".join(["before", "now"][-len(checkouts) :]) + " |\n|---|" + "--:|" * len(checkouts))
    for name, words in MEASURED.items():
        least = [min(found[number][name] for found in rounds) for number in range(len(checkouts))]
        print(f"| {words} | " + " | ".join(f"{value:.2f}" for value in least) + " |")


if __name__ == "__main__":
    main()
