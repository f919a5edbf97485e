"""Kills post-trainings at random moments and compares what they end in with an undisturbed one.

    python benchmarks/post_training_kills.py --out FOLDER [--runs 20] [--seed 0]

Each run is the flow itself (prepare, train, evaluate, register) at tiny size on a CPU. Once in each run a rank of the
training, its torchrun or the process of the flow gets SIGKILL, when a random number of iterations is done, or a random
time after the victim has started. A flow that was killed is called again. Prints a row a run and how many ended in the
bytes of the undisturbed run's LoRA; exit status 1 unless all did.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

from its_core import video
from its_core.clip import Geometry
from its_core.engines.cosmos.model.tiny import make_tiny_checkpoint
from its_core.post_training.metrics import read_lines
from its_core.post_training.run_folder import RunFolder

ITERATIONS, CLIPS = 40, 4
GEOMETRY = Geometry.of("480", 10)
FLOW = "import sys; from its_flows.post_train import post_train; post_train.fn(sys.argv[1])"
VICTIMS = ("rank", "torchrun", "flow")
STARTING_S = 6.0  # a victim that is not killed at an iteration is killed in its first seconds
GIVEN_UP_S = 1800.0


@dataclass(frozen=True, slots=True)
class Kill:
    """``after`` iterations, or, with None, ``delay_s`` after the victim was first seen."""

    victim: str
    after: int | None
    delay_s: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    out = arguments.out.resolve()
    draw = random.Random(arguments.seed)
    _make_inputs(out)
    wanted = _lora(_finish(out, "undisturbed", None)[0])
    print("| run | killed | when | launches of the flow | LoRA |\n|--:|---|---|--:|---|", flush=True)
    same = 0
    for number in range(arguments.runs):
        after = draw.randrange(ITERATIONS - 5) if draw.random() < 0.75 else None
        kill = Kill(VICTIMS[number % len(VICTIMS)], after, draw.uniform(0, STARTING_S))
        run, calls = _finish(out, f"run-{number}", kill)
        equal = _lora(run) == wanted
        same += equal
        when = f"{kill.delay_s:.1f} s after its start" if after is None else f"{after} iterations done"
        print(f"| {number + 1} | {kill.victim} | {when} | {calls} | {'same' if equal else 'DIFFERENT'} |", flush=True)
        shutil.rmtree(run.path.parent)
    print(f"\n{same} of {arguments.runs} runs ended in the undisturbed run's LoRA, byte by byte")
    sys.exit(0 if same == arguments.runs else 1)


def _make_inputs(out: Path) -> None:
    make_tiny_checkpoint(out / "checkpoints", for_training=True)
    rng = np.random.default_rng(0)
    for number in range(CLIPS):
        folder = out / ("incidents" if number % 2 else "normal")
        (folder / "metas").mkdir(parents=True, exist_ok=True)
        (folder / "metas" / f"{number}.txt").write_text(f"A static traffic CCTV camera shows street {number}.")
        blocks = rng.integers(30, 220, (GEOMETRY.height_px // 48, GEOMETRY.width_px // 48, 3))
        picture = np.kron(blocks, np.ones((48, 48, 1))).astype(np.uint8)
        frames = (np.roll(picture, 4 * n, 1) for n in range(GEOMETRY.frames))
        video.write_mp4(folder / "videos" / f"{number}.mp4", frames, GEOMETRY)


def _define(out: Path, name: str) -> Path:
    folder = out / name
    folder.mkdir(exist_ok=True)
    definition = {
        "name": name,
        "parts": [
            {"folder": str(out / "normal"), "kind": "normal"},
            {"folder": str(out / "incidents"), "kind": "incident"},
        ],
        "validation_share": 0,
        "checkpoints_dir": str(out / "checkpoints"),
        "models_url": str(out / "models"),
        "work_dir": str(out / "work"),
        "model_size": "tiny",
        "resolution": "480",
        "fps": 10,
        "preset": "quick",
        "training": {
            "iterations": ITERATIONS,
            "clips_a_step": 2,
            "learning_rate": 0.01,
            "save_every": 4,
            "sample_every": 0,
        },
        "overfit_gate": {"skip": True},
    }
    (folder / "post_train.yaml").write_text(json.dumps(definition))
    return folder


def _finish(out: Path, name: str, kill: Kill | None) -> tuple[RunFolder, int]:
    """Calls the flow until it has ended; returns its run and how often it was called."""
    folder = _define(out, name)
    run = RunFolder(out / "work" / "post_training" / name / "run")
    calls = 0
    while True:
        calls += 1
        with (out / f"{name}.log").open("ab") as log:
            flow = subprocess.Popen([sys.executable, "-c", FLOW, str(folder)], stdout=log, stderr=log)
        if kill is not None:
            _wait_and_kill(kill, flow, run)
            killed, kill = kill.victim, None
            if killed == "flow":
                flow.wait()
                while list(_programs(run)):  # they die with it
                    time.sleep(0.05)
                continue
        if flow.wait() != 0:
            sys.exit(f"{name}: the flow ended with status {flow.returncode}; see {out / name}.log")
        return run, calls


def _wait_and_kill(kill: Kill, flow: subprocess.Popen[bytes], run: RunFolder) -> None:
    since, seen = time.monotonic(), None
    while flow.poll() is None and time.monotonic() - since < GIVEN_UP_S:
        victims = [flow.pid] if kill.victim == "flow" else [pid for pid, what in _programs(run) if what == kill.victim]
        if victims and seen is None:
            seen = time.monotonic()
        done = max((line["iteration"] for line in read_lines(run.metrics) if "loss" in line), default=0)
        due = kill.after is not None and run.metrics.exists() and done >= kill.after
        if victims and seen and (due or (kill.after is None and time.monotonic() - seen >= kill.delay_s)):
            for pid in victims:
                os.kill(pid, 9)
            return
        time.sleep(0.005)
    sys.exit(f"{run.path}: it ended before its {kill.victim} could be killed")


def _programs(run: RunFolder) -> Iterator[tuple[int, str]]:
    """The processes that train the run, and which of VICTIMS they are."""
    for process in psutil.process_iter():
        try:
            if str(run.path) in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE:
                yield process.pid, "rank" if "LOCAL_RANK" in process.environ() else "torchrun"
        except psutil.Error:
            continue


def _lora(run: RunFolder) -> bytes:
    return (run.checkpoints / "lora" / f"iter_{ITERATIONS:09d}.safetensors").read_bytes()


if __name__ == "__main__":
    main()
