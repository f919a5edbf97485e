"""What a planned simulator version is worth: a detector trained on it, baselines, learning curves, ablations, pairs.

    python benchmarks/detector.py --folder detector-benchmark            # 240 clips: hours on two cores
    python benchmarks/detector.py --folder small --clips 48 --epochs 12
    python benchmarks/detector.py --version published/mine               # a version that is there already
    python benchmarks/detector.py --version published/mine --jobs 16     # so many trainings at once, on GPUs by turns
    python benchmarks/detector.py --version published/mine --train-on published/more

Cameras are never shared between training and test: every clip is answered for once, by a detector that was trained on
other cameras (as many folds as ``--folds``). Prints each figure with its interval over cameras, and writes it as
``detector.json`` and ``detector.md``, anew after each experiment. A training that was interrupted goes on. With
``--version`` neither Prefect nor the simulator need be installed. With ``--train-on`` the detectors learn from another
version, whose cameras must be others, and answer for all clips of this one. Give each such run a ``--folder`` of its
own; ``features`` in it may be a link to another's.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

from its_core.evaluation import baselines, ground_truth
from its_core.evaluation.detector import answers, features, training
from its_core.evaluation.detector.training import Settings
from its_core.evaluation.ground_truth import GroundTruth, TrueClip
from its_core.evaluation.scoring import predictions
from its_core.evaluation.scoring.page import shown
from its_core.evaluation.scoring.predictions import Prediction
from its_core.evaluation.scoring.score import Report, score

COVERAGE = {
    "pairs": 0.5,
    "clips_per_camera": 6,
    "quotas": {
        "incident_type": {
            "intersection_collision": 0.25,
            "rear_end_collision": 0.25,
            "pedestrian_near_miss": 0.1,
            "normal_traffic": 0.4,
        },
        "light": {"day": 0.5, "dusk": 0.2, "night": 0.3},
        "weather": {"clear": 0.6, "overcast": 0.4},
        "traffic_density": {"low": 0.2, "medium": 0.5, "high": 0.3},
        "road_layout": {"four_way_intersection": 0.4, "highway": 0.3, "urban_street": 0.3},
    },
}
DIVISIONS = ("light", "size", "incident", "type", "occlusion", "layout")
THOROUGH = "all clips, thorough"
SHOWN = ("when", "where", "what", "total", "auc", "false_alarms_per_hour_at_recall_0.8")
Keep = Callable[[TrueClip], bool]


def build(folder: Path, clips: int, seed: int = 0) -> str:
    """Plans and builds a version at 768 x 432, 10 frames a second; returns where its dataset is published. Another
    seed: other cameras and clips."""
    dataset = folder / "planned"
    dataset.mkdir(parents=True, exist_ok=True)
    (folder / "coverage.yaml").write_text(yaml.safe_dump(COVERAGE | {"clips": clips, "seed": seed}))
    definition = {"name": "planned", "resolution": "480", "fps": 10, "publish_url": "../published"}
    (dataset / "dataset.yaml").write_text(yaml.safe_dump(definition))
    its = [sys.executable, "-m", "its_flows.cli.main"]
    manifest = dataset / "scenarios.parquet"
    if not manifest.exists():
        subprocess.run([*its, "plan", str(folder / "coverage.yaml"), str(manifest)], check=True)
    subprocess.run([*its, "build", str(dataset)], check=True)
    return str(folder / "published" / "planned")


def folds_of(clips: Sequence[TrueClip], folds: int) -> list[set[str]]:
    """Cameras in folds; cameras that share a pair stay together, as a pair shares its camera."""
    cameras = sorted({clip.camera_id for clip in clips})
    order = np.random.default_rng(0).permutation(len(cameras))
    return [{cameras[place] for place in order[fold::folds]} for fold in range(folds)]


def keep_features(folder: Path, clip: TrueClip) -> None:
    features.load(clip, folder / "features")


def answer_fold(
    truth: GroundTruth, learnt_from: GroundTruth, name: str, fold: int, asked: argparse.Namespace, job: int
) -> tuple[dict[str, Prediction], float]:
    """What a detector says of a fold that was trained on other cameras, and how many seconds both took."""
    start = time.monotonic()
    folder = asked.folder
    keep, cameras = experiments(learnt_from)[name], folds_of(truth.clips, asked.folds)[fold]
    gpus = torch.cuda.device_count()
    device = f"cuda:{job % gpus}" if gpus else "cpu"
    settings = Settings(epochs=asked.epochs, device=device, thorough=name == THOROUGH)
    learnt = [clip for clip in learnt_from.clips if clip.camera_id not in cameras and keep(clip)]
    tested = [clip for clip in truth.clips if clip.camera_id in cameras]
    frames = {clip.clip_id: features.load(clip, folder / "features") for clip in [*learnt, *tested]}
    checkpoints = folder / "detectors" / learnt_from.name.replace("/", "-") / file_name(name)
    network = training.train(learnt, frames, settings, checkpoints / f"fold-{fold}.pt")
    return answers.predict(network, tested, frames), time.monotonic() - start


def file_name(experiment: str) -> str:
    return experiment.replace(",", "").replace(" ", "-")


def share_of_cameras(share: float) -> Keep:
    """The same cameras at every larger share."""
    return lambda clip: int.from_bytes(clip.camera_id.encode()[-4:], "big") * 2654435761 % 2**32 < share * 2**32


def pairs_told_apart(truth: GroundTruth, said: dict[str, Prediction]) -> dict[str, float | int | None]:
    """The share of counterfactual pairs of which both are right, at the threshold that splits all scores in the ratio
    of accidents; the share in which the crash is scored higher; and how many pairs there are."""
    score_of = {clip_id: each.scores["score"] for clip_id, each in said.items()}
    scores = np.sort(list(score_of.values()))[::-1]
    accidents = sum(clip.is_accident for clip in truth.clips)
    threshold = (scores[accidents - 1] + scores[min(accidents, len(scores) - 1)]) / 2
    crashes = {clip.pair_id: score_of[clip.clip_id] for clip in truth.clips if clip.is_accident}
    pairs = [
        (crashes[clip.pair_id], score_of[clip.clip_id])
        for clip in truth.clips
        if clip.pair_id is not None and not clip.is_accident and clip.pair_id in crashes
    ]
    if not pairs:
        return {"pairs_both_right": None, "pairs_ranked": None, "pairs": 0}
    both = [crash >= threshold > averted for crash, averted in pairs]
    return {
        "pairs_both_right": float(np.mean(both)),
        "pairs_ranked": float(np.mean([crash > averted for crash, averted in pairs])),
        "pairs": len(pairs),
    }


def _is_counterfactual(clip: TrueClip) -> bool:
    return clip.pair_id is not None and bool(clip.row.get("averted_incident"))


def experiments(truth: GroundTruth) -> dict[str, Keep]:
    """The thorough training, learning curves of the quick one, and what kinds of clips add; those that a version has
    not are left out. The thorough one comes first, as it takes longest."""
    has_pairs = any(_is_counterfactual(clip) for clip in truth.clips)
    has_night = any(clip.row.get("light") == "night" for clip in truth.clips)
    found: dict[str, Keep] = {
        THOROUGH: lambda _: True,
        "all clips": lambda _: True,
        "half of the cameras": share_of_cameras(0.5),
        "a quarter of the cameras": share_of_cameras(0.25),
        "no near-misses": lambda clip: "near_miss" not in str(clip.row.get("incident_type")),
    }
    if has_night:
        found["no night clips"] = lambda clip: clip.row.get("light") != "night"
    if has_pairs:
        found["no counterfactuals"] = lambda clip: not _is_counterfactual(clip)
    return found


def line(report: Report) -> str:
    return "  ".join(f"{name} {shown(report.overall.scores.get(name))}" for name in SHOWN)


def by_part(report: Report) -> list[str]:
    """How well each kind of clip is told; a kind that is crashes only is set against all clips without one."""
    return [
        f"| {division}: {part} | {scores.clips} | {scores.accidents} | "
        + " | ".join(shown(scores.scores.get(name)) for name in ("total", "auc"))
        + " |"
        for division in DIVISIONS
        for part, scores in report.strata.get(division, {}).items()
    ]


class Results:
    """Figures as JSON and as Markdown, written anew whenever one is added."""

    def __init__(self, folder: Path, truth: GroundTruth) -> None:
        accidents = sum(clip.is_accident for clip in truth.clips)
        cameras = len({clip.camera_id for clip in truth.clips})
        title = f"{truth.name}: {len(truth.clips)} clips, {accidents} accidents, {cameras} cameras"
        print(title, flush=True)
        self._folder = folder
        self._values: dict[str, Any] = {"version": title}
        header = ["", "trained on", *SHOWN, "both of a pair right", "crash above", "s"]
        self._table = [f"# {title}", "", f"| {' | '.join(header)} |", "|---" * len(header) + "|"]
        self._parts: list[str] = []

    def add(self, name: str, report: Report, clips: int, more: Mapping[str, Any], seconds: float) -> None:
        print(f"{name} ({clips} clips, {seconds:.0f} s): {line(report)}  {dict(more)}", flush=True)
        values = report.as_json()
        strata = {division: values["strata"].get(division) for division in DIVISIONS}
        self._values[name] = values["overall"] | {"strata": strata, "trained_on": clips, "seconds": seconds} | more
        figures = [shown(report.overall.scores.get(each)) for each in SHOWN]
        shares = [more.get(each) for each in ("pairs_both_right", "pairs_ranked")]
        pairs = ["–" if share is None else f"{share:.3f}" for share in shares]
        self._table.append(f"| {' | '.join([name, str(clips), *figures, *pairs, f'{seconds:.0f}'])} |")
        if "pairs" in more:
            self._parts += ["", f"## {name}", "", "| | clips | accidents | total | auc |", "|---" * 5 + "|"]
            self._parts += by_part(report)
        (self._folder / "detector.json").write_text(json.dumps(self._values, indent=1))
        (self._folder / "detector.md").write_text("\n".join([*self._table, *self._parts, ""]))


def answer_baseline(name: baselines.Name, truth: GroundTruth) -> tuple[dict[str, Prediction], float]:
    start = time.monotonic()
    return baselines.predict(name, truth), time.monotonic() - start


def compare(truth: GroundTruth, learnt_from: GroundTruth, asked: argparse.Namespace, pool: ProcessPoolExecutor) -> None:
    """Detectors first, as they take longest; every experiment's folds at once, as far as there are processes."""
    results = Results(asked.folder, truth)
    start = time.monotonic()
    clips = {clip.clip_id: clip for clip in [*truth.clips, *learnt_from.clips]}
    list(pool.map(partial(keep_features, asked.folder), clips.values()))
    print(f"frames and flow: {time.monotonic() - start:.0f} s", flush=True)
    kept = {name: keep for name, keep in experiments(learnt_from).items() if not asked.only or name in asked.only}
    runs: dict[str, list[Future[tuple[dict[str, Prediction], float]]]] = {name: [] for name in kept}
    for job, (name, fold) in enumerate((name, fold) for name in kept for fold in range(asked.folds)):
        run = pool.submit(answer_fold, truth, learnt_from, name, fold, asked, job)
        runs[name].append(run)
    simple = {name: pool.submit(answer_baseline, name, truth) for name in baselines.BASELINES}
    for name in sorted(kept, key=lambda name: name == THOROUGH):  # what ends first is written first
        keep = kept[name]
        said: dict[str, Prediction] = {}
        for run in runs[name]:
            said |= run.result()[0]
        predictions.write(asked.folder / "predictions" / f"{file_name(name)}.csv", said)
        seconds = max(run.result()[1] for run in runs[name])
        learnt = sum(keep(clip) for clip in learnt_from.clips)
        results.add(name, score(name, truth, said), learnt, pairs_told_apart(truth, said), seconds)
    for baseline, run in simple.items():
        said, seconds = run.result()
        results.add(baseline, score(baseline, truth, said), 0, {}, seconds)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--folder", type=Path, default=Path("detector-benchmark"))
    arguments.add_argument("--version", help="a version or dataset that is there; none is built then")
    arguments.add_argument("--train-on", help="another version to learn from, of other cameras; then without folds")
    arguments.add_argument("--clips", type=int, default=240)
    arguments.add_argument("--seed", type=int, default=0, help="of the plan: other cameras and clips")
    arguments.add_argument("--epochs", type=int)
    arguments.add_argument("--folds", type=int, default=3)
    arguments.add_argument("--jobs", type=int, default=1, help="trainings at once; the processor's threads are divided")
    arguments.add_argument("--only", action="append", help="an experiment to run, such as 'all clips'; all by default")
    asked = arguments.parse_args()
    truth = ground_truth.open_truth(asked.version or build(asked.folder, asked.clips, asked.seed))
    learnt_from = ground_truth.open_truth(asked.train_on) if asked.train_on else truth
    if asked.train_on:
        shared = {clip.camera_id for clip in truth.clips} & {clip.camera_id for clip in learnt_from.clips}
        if shared:
            arguments.error(f"--train-on {asked.train_on}: has cameras of the other version, such as {min(shared)}")
        asked.folds = 1
    asked.folder.mkdir(parents=True, exist_ok=True)
    makers = training.GPU_MAKERS if torch.cuda.is_available() else 1  # each has that many threads of its own
    threads = max(1, (os.cpu_count() or 1) // (asked.jobs * makers))
    spawned = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(asked.jobs, spawned, torch.set_num_threads, (threads,)) as pool:
        compare(truth, learnt_from, asked, pool)


if __name__ == "__main__":
    main()
