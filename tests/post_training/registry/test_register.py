"""A trained model under its name: its card and its lineage, and both ways back."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from its_core.engines.cosmos import registered
from its_core.engines.cosmos.options import CosmosOptions
from its_core.engines.cosmos.weights import weights_of
from its_core.post_training.registry.register import Registered, register
from its_core.post_training.registry.trace import trained_on, weights_sha256_of
from its_core.post_training.run_folder import RunFolder
from its_core.post_training.training.checkpoints import Checkpoints


def test_what_is_registered(home: Path, run: RunFolder, model: Registered) -> None:
    content = json.loads((Path(model.url) / "model.json").read_bytes())
    orders = run.read_orders()
    assert content["lora"] == {"rank": 4, "alpha": 4, "target_modules": orders.recipe.lora_target_modules}
    assert content["base"]["sha256"] == orders.base_sha256
    assert content["training_set"]["sha256"] == orders.training_set_sha256
    assert content["training_set"]["counts"] == {"train incident": 2, "train normal": 1, "validate normal": 1}
    assert content["evaluation"]["trained"]["loss"] != content["evaluation"]["base"]["loss"]
    assert content["code"]["packages"]["torch"]
    card = (Path(model.url) / "README.md").read_text()
    for fact in ("rank 4, alpha 4", orders.base_sha256[:16], "0.25 of the base model's", f"@{model.version}"):
        assert fact in card
    for file in Path(model.url).rglob("*.*"):
        assert str(home).encode() not in file.read_bytes(), file.name


def test_the_latest_is_the_last_one_registered_and_equal_runs_are_one(
    home: Path, run: RunFolder, model: Registered
) -> None:
    assert registered.find("model:small@latest").version == model.version
    again = register(run, str(home / "models"), "A test.", str(home / "checkpoints"), {})
    assert (again.version, again.was_there) == (model.version, True)


@pytest.mark.parametrize("form", ["lora", "average", "checkpoint"])
def test_clips_of_every_form_lead_back_to_the_model(home: Path, run: RunFolder, model: Registered, form: str) -> None:
    paths = {
        "lora": Path(model.url) / "lora",
        "average": Path(model.url) / "lora_average",
        "checkpoint": Checkpoints(run, run.read_orders()).model_path(2),
    }
    options = CosmosOptions(
        model_size="tiny",
        resolution="480",
        fps=10,
        checkpoints_dir=str(home / "checkpoints"),
        dit_path=str(paths[form]),
        use_lora=True,
        lora_rank=4,
        lora_alpha=4,
    )
    assert weights_of(options).sha256 in weights_sha256_of("small")


@pytest.mark.parametrize("named", ["clip-2", f"{2:064x}", "2.mp4"], ids=["name", "digest", "file"])
def test_a_clip_leads_to_the_models_that_it_trained(model: Registered, named: str) -> None:
    (found,) = trained_on(named)
    assert (found.model.version, found.clip, found.use) == (model.version, "clip-2", "train")
    assert list(trained_on("clip-9")) == []


def test_every_clip_is_in_the_table(model: Registered) -> None:
    rows = pq.read_table(BytesIO((Path(model.url) / "clips.parquet").read_bytes())).to_pylist()
    assert [row["name"] for row in rows] == [f"clip-{number}" for number in range(4)]
    assert json.loads(rows[1]["origin"])["file"] == "1.mp4"
    assert rows[1]["caption"] == "caption 1"
