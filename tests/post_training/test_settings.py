"""``post_train.yaml``: what may stand in it, and what is said of what may not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from its_core.definition import DefinitionError
from its_core.post_training.data.part_models import FolderPart, ManifestPart, PublishedPart
from its_core.post_training.presets import recipe
from its_core.post_training.settings import PostTraining, load


def define(folder: Path, **keys: Any) -> PostTraining:
    known = {"name": "small", "parts": [{"dataset": "quickstart"}]}
    (folder / "post_train.yaml").write_text(yaml.safe_dump(known | keys))
    return load(folder)


def test_defaults_and_where_paths_count_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model").mkdir()
    settings = define(tmp_path / "model", parts=[{"folder": "footage", "kind": "normal"}])
    assert settings.parts == (FolderPart(folder=str(tmp_path / "model/footage"), kind="normal"),)
    assert settings.work_path == tmp_path / "model/.its/post_training/small"
    assert settings.publish_url == str(tmp_path / "model/published")
    assert settings.models_url == str(tmp_path / "models")
    assert settings.checkpoints_dir == str(tmp_path / "checkpoints")
    assert settings.mixture == {"incident": 1.0, "normal": 1.0}


def test_parts_of_each_kind(tmp_path: Path) -> None:
    parts = [
        {"dataset": "a", "version": "0123456789ab"},
        {"folder": "/b", "kind": "incident"},
        {"manifest": "/c.parquet"},
    ]
    assert define(tmp_path, parts=parts).parts == (
        PublishedPart(dataset="a", version="0123456789ab"),
        FolderPart(folder="/b", kind="incident"),
        ManifestPart(manifest="/c.parquet"),
    )


def test_overrides_win_over_the_environment_and_that_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ITS_POST_TRAIN_PRESET", "quick")
    monkeypatch.setenv("ITS_POST_TRAIN_TRAINING__SEED", "7")
    define(tmp_path, preset="overfit")
    assert load(tmp_path).preset == "quick"
    assert load(tmp_path).recipe.seed == 7
    assert load(tmp_path, {"preset": "its", "training.seed": 8}).preset == "its"
    assert load(tmp_path, {"training.seed": 8}).recipe.seed == 8


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"parts": []}, "parts"),
        ({"parts": [{"dataset": "a", "folder": "b"}]}, "one of dataset, folder and manifest"),
        ({"parts": [{"folder": "b"}]}, "kind"),
        ({"training": {"iterationen": 3}}, "iterationen"),
        ({"training": {"lora_rank": 0}}, "lora_rank"),
        ({"overfit_gate": {"training": {"peak": -1}}}, "peak"),
        ({"mixture": {"incident": 0, "normal": 0}}, "mixture"),
        ({"preset": "slow"}, "preset"),
        ({"fps": 30}, "fps"),
        ({"nonsense": 1}, "no such key"),
        ({"work_dir": "s3://bucket/work"}, "work_dir"),
    ],
)
def test_wrong_keys_are_named(tmp_path: Path, keys: dict[str, Any], words: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        define(tmp_path, **keys)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_presets() -> None:
    its, quick, overfit = (recipe(name, "2B", {}) for name in ("its", "quick", "overfit"))
    assert (its.iterations, its.warm_up, its.peak, its.end, its.clips_a_step) == (10_000, 2_000, 0.6, 0.3, 4)
    assert its.learning_rate * its.peak == pytest.approx(2.59e-5, rel=1e-3)
    assert (quick.iterations, quick.lora_rank, quick.end) == (1_000, 16, 0.0)
    assert overfit.text_dropout == 0.0
    large = recipe("its", "14B", {})
    assert (large.lora_rank, large.weight_decay, large.peak) == (32, 0.2, 0.25)
    assert large.end / large.peak == its.end / its.peak
    assert recipe("its", "14B", {"lora_rank": 8}).lora_rank == 8


def test_the_gate_trains_the_same_lora(tmp_path: Path) -> None:
    settings = define(
        tmp_path, training={"lora_rank": 8, "lora_alpha": 4}, overfit_gate={"training": {"iterations": 9}}
    )
    gate = settings.gate_recipe
    assert (gate.lora_rank, gate.lora_alpha, gate.iterations, gate.clips_a_step) == (8, 4, 9, 1)
