"""A dataset built through the cosmos engine: the real path at tiny size, two ranks on the CPU."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from its_core.scenarios.prompts.compose import scene_from_prompt
from tests.system.conftest import Dataset

# Stands for what happens to frames between planning and rendering, in a rank before it is the worker.
WORKER_WITHOUT_FRAMES = """
import runpy
from pathlib import Path
Path({vanishing!r}).unlink(missing_ok=True)
Path({changing!r}).write_bytes(Path({other!r}).read_bytes())
runpy.run_module("its_core.shards.worker", run_name="__main__")
"""


def tiny_options(dataset: Dataset) -> dict[str, object]:
    """The engine's options with a tiny checkpoint, which is made here."""
    checkpoints = dataset.folder / "checkpoints"
    made = dataset.its("make-tiny-checkpoint", str(checkpoints))
    assert made.returncode == 0, made.stderr
    lora = next(checkpoints.rglob("iter_*.pt"))
    assert lora.name in made.stdout.replace("\n", "")
    return {
        "model_size": "tiny",
        "checkpoints_dir": str(checkpoints),
        "dit_path": str(lora),
        "use_lora": True,
        "disable_guardrail": True,
        "disable_prompt_refiner": True,
    }


def save_frame(path: Path, seed: int) -> str:
    path.parent.mkdir(exist_ok=True)
    tiles = np.random.default_rng(seed).integers(0, 255, (9, 16, 3), dtype=np.uint8)
    Image.fromarray(tiles).resize((640, 360), Image.Resampling.NEAREST).save(path)
    return str(path)


def test_a_dataset_of_real_and_simulated_frames_is_built_by_the_cosmos_engine(dataset: Dataset):
    dataset.define(engine={"name": "cosmos", "options": tiny_options(dataset)}, processes_per_shard=2)
    save_frame(dataset.folder / "frames" / "camera.png", 5)
    rows = [
        {
            "scenario_id": f"crash-{seed}",
            "camera_id": "north",
            "incident_type": "rear_end_collision",
            "input_image": "frames/camera.png",
            "seed": seed,
        }
        for seed in (4, 5)  # random weights: with some seeds hardly anything moves
    ]
    simulated = {"scenario_id": "simulated", "camera_id": "east", "incident_type": "normal_traffic", "seed": 4}
    rows.append(simulated | {"input": "simulator", "split": "val"})
    rows.append({"scenario_id": "no-frame", "camera_id": "south", "incident_type": "normal_traffic", "seed": 3})
    pd.DataFrame(rows).to_parquet(dataset.folder / "scenarios.parquet")

    done = dataset.build()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 rows: 3 generated, 1 rejected_input" in done.stdout
    records = [receipt["record"] for receipt in dataset.receipts().values()]
    assert all(record["engine"] == "cosmos" and record["is_stand_in"] for record in records)
    assert {attempt["rank"] for receipt in dataset.receipts().values() for attempt in receipt["attempts"]} == {0, 1}
    labels = pd.read_parquet(dataset.latest / "train" / "metadata.parquet")
    assert list(labels["incident_type"]) == ["rear_end_collision"] * 2
    assert labels["accident_frame"].isna().all()  # a prompt asks for a crash; it does not prove one
    assert {source["incident_type"]["source"] for source in labels["sources"]} == {"requested"}
    assert labels["weights_sha256"].str.fullmatch("[0-9a-f]{64}").all()
    lineage = json.loads((dataset.latest / "lineage" / "run.json").read_text())
    assert "cosmos" in json.dumps(lineage)

    (label,) = pd.read_parquet(dataset.latest / "val" / "metadata.parquet").to_dict("records")
    clips = pd.read_parquet(dataset.latest / "lineage" / "clips.parquet").set_index("clip_id")
    request = json.loads(clips.loc[label["clip_id"], "request"])
    origin = request["input_origin"]
    assert (origin["engine"], origin["seed"], origin["scene"]["weather"]) == ("simulator", 4, None)
    assert label["input_image"] == "simulator"
    (frame,) = dataset.folder.glob(".its/inputs/*.png")
    assert label["input_sha256"] == request["input_sha256"] == hashlib.sha256(frame.read_bytes()).hexdigest()
    # What the row left open is what the frame shows, in the request and in the prompt.
    assert request["scene"]["weather"] == label["weather_condition"] is not None
    assert label["prompt_composed"]
    assert scene_from_prompt(label["prompt"], "east").light == label["light"] == request["scene"]["light"] is not None


def test_frames_that_vanish_or_change_after_planning_end_in_receipts(dataset: Dataset, tmp_path: Path):
    frames = dataset.folder / "frames"
    names = ["whole", "vanishing", "changing"]
    paths = {name: save_frame(frames / f"{name}.png", seed) for seed, name in enumerate(names, 5)}
    script = tmp_path / "worker.py"
    script.write_text(
        WORKER_WITHOUT_FRAMES.format(
            vanishing=paths["vanishing"], changing=paths["changing"], other=save_frame(tmp_path / "other.png", 9)
        )
    )
    engine = {"name": "cosmos", "options": tiny_options(dataset), "script": str(script)}
    dataset.define(engine=engine, retries=0, min_success_ratio=0.3)
    rows = [
        {
            "scenario_id": name,
            "camera_id": name,
            "incident_type": "rear_end_collision",
            "input_image": f"frames/{name}.png",
            "seed": 4,
        }
        for name in names
    ]
    pd.DataFrame(rows).to_parquet(dataset.folder / "scenarios.parquet")

    done = dataset.build()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "3 rows: 2 engine_error, 1 generated" in done.stdout
    last = {name: receipt["attempts"][-1] for name, receipt in dataset.receipts().items()}
    assert {name: attempt["outcome"] for name, attempt in last.items()} == {
        "whole": "generated",
        "vanishing": "engine_error",
        "changing": "engine_error",
    }
    assert all(paths[name] in last[name]["reason"] for name in ("vanishing", "changing"))
