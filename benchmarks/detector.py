"""What a planned simulator version is worth: a detector trained on it, baselines, learning curves, ablations, pairs.

    python benchmarks/detector.py --folder detector-benchmark            # 240 clips: hours on two cores
    python benchmarks/detector.py --folder small --clips 48 --epochs 12
    python benchmarks/detector.py --version published/mine               # a version that is there already

Cameras are never shared between training and test: every clip is answered for once, by a detector that was trained on
other cameras (as many folds as ``--folds``). Prints each figure with its interval over cameras, and writes it as JSON.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import yaml

from its_core.evaluation import baselines, ground_truth
from its_core.evaluation.detector import answers, features, training
from its_core.evaluation.detector.features import Features
from its_core.evaluation.detector.training import Settings
from its_core.evaluation.ground_truth import GroundTruth, TrueClip
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
SHOWN = ("when", "where", "what", "total", "auc", "false_alarms_per_hour_at_recall_0.8")
Keep = Callable[[TrueClip], bool]


def build(folder: Path, clips: int) -> str:
    """Plans and builds a version at 768 x 432, 10 frames a second; returns where its dataset is published."""
    dataset = folder / "planned"
    dataset.mkdir(parents=True, exist_ok=True)
    (folder / "coverage.yaml").write_text(yaml.safe_dump(COVERAGE | {"clips": clips}))
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


def cross_validated(
    truth: GroundTruth, frames: dict[str, Features], settings: Settings, folds: int, folder: Path, keep: Keep
) -> dict[str, Prediction]:
    """Every clip's answer by a detector trained on those of the other cameras that ``keep`` keeps."""
    found: dict[str, Prediction] = {}
    for number, cameras in enumerate(folds_of(truth.clips, folds)):
        learnt = [clip for clip in truth.clips if clip.camera_id not in cameras and keep(clip)]
        tested = [clip for clip in truth.clips if clip.camera_id in cameras]
        network = training.train(learnt, frames, settings, folder / f"fold-{number}.pt")
        found |= answers.predict(network, tested, frames)
    return found


def share_of_cameras(share: float) -> Keep:
    """The same cameras at every larger share."""
    return lambda clip: int.from_bytes(clip.camera_id.encode()[-4:], "big") * 2654435761 % 2**32 < share * 2**32


def pairs_told_apart(truth: GroundTruth, said: dict[str, Prediction]) -> tuple[float, int]:
    """The share of counterfactual pairs of which both are right, at the threshold that splits all scores in the ratio
    of accidents; and how many pairs there are."""
    scores = np.sort([each.scores["score"] for each in said.values()])[::-1]
    accidents = sum(clip.is_accident for clip in truth.clips)
    threshold = (scores[accidents - 1] + scores[min(accidents, len(scores) - 1)]) / 2
    by_pair: dict[str, list[TrueClip]] = {}
    for clip in truth.clips:
        if clip.pair_id is not None:
            by_pair.setdefault(clip.pair_id, []).append(clip)
    told = [
        all(bool(said[clip.clip_id].scores["score"] >= threshold) == clip.is_accident for clip in pair)
        for pair in by_pair.values()
        if len({clip.is_accident for clip in pair}) == 2
    ]
    return (float(np.mean(told)) if told else float("nan")), len(told)


def experiments(truth: GroundTruth) -> dict[str, Keep]:
    """Learning curves, and what kinds of clips add; those that a version has not are left out."""
    has_pairs = any(clip.row.get("averted_incident") for clip in truth.clips)
    has_night = any(clip.row.get("light") == "night" for clip in truth.clips)
    found: dict[str, Keep] = {
        "all clips": lambda _: True,
        "half of the cameras": share_of_cameras(0.5),
        "a quarter of the cameras": share_of_cameras(0.25),
        "no near-misses": lambda clip: "near_miss" not in str(clip.row.get("incident_type")),
    }
    if has_night:
        found["no night clips"] = lambda clip: clip.row.get("light") != "night"
    if has_pairs:
        found["no counterfactuals"] = lambda clip: not clip.row.get("averted_incident")
    return found


def line(report: Report) -> str:
    return "  ".join(f"{name} {shown(report.overall.scores.get(name))}" for name in SHOWN)


def by_part(report: Report) -> str:
    """How well each kind of clip is told; a kind that is crashes only is set against all clips without one."""
    return "\n".join(
        f"    {division} {part}: {scores.clips} clips, {scores.accidents} accidents, "
        + "  ".join(f"{name} {shown(scores.scores.get(name))}" for name in ("total", "auc"))
        for division in DIVISIONS
        for part, scores in report.strata.get(division, {}).items()
    )


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--folder", type=Path, default=Path("detector-benchmark"))
    arguments.add_argument("--version", help="a version or dataset that is there; none is built then")
    arguments.add_argument("--clips", type=int, default=240)
    arguments.add_argument("--epochs", type=int)
    arguments.add_argument("--folds", type=int, default=3)
    arguments.add_argument("--only", help="the one experiment to run, such as 'all clips'")
    asked = arguments.parse_args()
    truth = ground_truth.open_truth(asked.version or build(asked.folder, asked.clips))
    accidents = sum(clip.is_accident for clip in truth.clips)
    print(f"{truth.name}: {len(truth.clips)} clips, {accidents} accidents", flush=True)
    results: dict[str, object] = {}
    for name in baselines.BASELINES:
        report = score(name, truth, baselines.predict(name, truth))
        print(f"{name}: {line(report)}", flush=True)
        results[name] = report.as_json()["overall"]
    frames = features.load_all(truth.clips, asked.folder / "features")
    settings = Settings(epochs=asked.epochs)
    for name, keep in experiments(truth).items():
        if asked.only is not None and name != asked.only:
            continue
        folder = asked.folder / "detectors" / truth.name.replace("/", "-") / name.replace(" ", "-")
        said = cross_validated(truth, frames, settings, asked.folds, folder, keep)
        report = score(name, truth, said)
        apart, pairs = pairs_told_apart(truth, said)
        kept = sum(keep(clip) for clip in truth.clips)
        print(f"detector, {name} ({kept} clips): {line(report)}  pairs both right {apart:.3f} of {pairs}", flush=True)
        print(by_part(report), flush=True)
        values = report.as_json()
        results[name] = values["overall"] | {
            "strata": {division: values["strata"].get(division) for division in DIVISIONS},
            "pairs_both_right": None if pairs == 0 else apart,
            "pairs": pairs,
        }
    (asked.folder / "detector.json").write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
