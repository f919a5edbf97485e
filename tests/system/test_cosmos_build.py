"""A dataset built through the cosmos engine: the real path at tiny size, two ranks on the CPU."""

import json

import numpy as np
import pandas as pd
from PIL import Image

from tests.system.conftest import Dataset


def test_a_dataset_of_real_frames_is_built_by_the_cosmos_engine(dataset: Dataset):
    checkpoints = dataset.folder / "checkpoints"
    made = dataset.its("make-tiny-checkpoint", str(checkpoints))
    assert made.returncode == 0, made.stderr
    lora = next(checkpoints.rglob("iter_*.pt"))
    assert lora.name in made.stdout.replace("\n", "")
    options = {
        "model_size": "tiny",
        "checkpoints_dir": str(checkpoints),
        "dit_path": str(lora),
        "use_lora": True,
        "disable_guardrail": True,
        "disable_prompt_refiner": True,
    }
    dataset.define(engine={"name": "cosmos", "options": options}, processes_per_shard=2)
    (dataset.folder / "frames").mkdir()
    tiles = np.random.default_rng(5).integers(0, 255, (9, 16, 3), dtype=np.uint8)
    frame = Image.fromarray(tiles).resize((640, 360), Image.Resampling.NEAREST)
    frame.save(dataset.folder / "frames" / "camera.png")
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
    rows.append({"scenario_id": "no-frame", "camera_id": "south", "incident_type": "normal_traffic", "seed": 3})
    pd.DataFrame(rows).to_parquet(dataset.folder / "scenarios.parquet")

    done = dataset.build()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 rows: 2 generated, 1 rejected_input" in done.stdout
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
