"""What is missing is said before anything is loaded."""

from __future__ import annotations

import shutil
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest
import torch

from its_core.engines.cosmos import engine, requirements
from its_core.engines.cosmos.errors import CheckpointError
from its_core.engines.cosmos.model.tiny import LORA_CHECKPOINT, make_tiny_checkpoint
from its_core.engines.cosmos.options import CosmosOptions


def options(folder: Path, **changes: object) -> CosmosOptions:
    return engine.parse_options({"model_size": "tiny", "checkpoints_dir": str(folder)} | changes, "480", 10)


def test_nothing_is_missing_from_a_tiny_checkpoint(tiny_folder: Path) -> None:
    assert engine.missing_parts(options(tiny_folder)) == []
    assert engine.missing_parts(options(tiny_folder, use_lora=True, dit_path=str(tiny_folder / LORA_CHECKPOINT))) == []


def test_every_missing_part_is_named_with_its_place_and_what_helps(tmp_path: Path) -> None:
    tiny = engine.missing_parts(options(tmp_path))
    assert [line.partition(":")[0] for line in tiny] == [
        "base network",
        "video autoencoder",
        "T5 text encoder",
        "guardrail's word list",
    ]
    assert all(f"its make-tiny-checkpoint {tmp_path}" in line for line in tiny)

    full = {line.partition(":")[0]: line for line in engine.missing_parts(options(tmp_path, model_size="2B"))}
    assert len(full) == 9
    assert f"{tmp_path}/nvidia/Cosmos-Guardrail1/face_blur_filter/Resnet50_Final.pth" in full["face blur"]
    assert "models--google--siglip" in full["frame classifier's encoder"]
    for part in ("guardrail's word list", "frame classifier", "frame classifier's encoder", "face blur"):
        assert full[part].endswith("(Hugging Face: nvidia/Cosmos-Guardrail1, or --disable_guardrail)")
    without = options(tmp_path, model_size="2B", disable_guardrail=True, disable_prompt_refiner=True)
    assert set(full) - {line.partition(":")[0] for line in engine.missing_parts(without)} == {
        "guardrail's word list",
        "frame classifier",
        "frame classifier's encoder",
        "face blur",
        "prompt guard",
        "prompt refiner",
    }


def test_a_lora_alone_needs_the_network_under_it(tiny_folder: Path, tmp_path: Path) -> None:
    lora = tmp_path / "lora.pt"
    entries = torch.load(tiny_folder / LORA_CHECKPOINT, weights_only=True)
    torch.save({key: value for key, value in entries.items() if ".lora_" in key}, lora)
    shutil.copytree(tiny_folder, tmp_path / "all")
    alone = options(tmp_path / "all", use_lora=True, dit_path=str(lora))
    assert engine.missing_parts(alone) == []
    alone.folders.base.unlink()
    assert [line.partition(":")[0] for line in engine.missing_parts(alone)] == ["base network"]
    elsewhere = alone.model_copy(update={"base_path": str(tmp_path / "none.pt")})
    assert engine.missing_parts(elsewhere) == [f"base network (base_path): {tmp_path}/none.pt is missing"]


def test_packages_that_are_not_installed_are_named(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def found(name: str) -> ModuleSpec | None:
        return None if name in {"diffusers", "peft"} else ModuleSpec(name, None)

    monkeypatch.setattr(requirements, "find_spec", found)
    missing = engine.missing_parts(options(tiny_folder))
    assert missing == ["packages diffusers, peft not installed: pip install '.[cosmos]'"]
    with pytest.raises(CheckpointError, match="diffusers, peft"):
        engine.load(options(tiny_folder))


def test_the_engine_refuses_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError) as caught:
        engine.load(options(tmp_path))
    assert caught.value.code == "checkpoint.missing"
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("part", ["google-t5/t5-11b/config.json", "nvidia/Cosmos-Guardrail1/blocklist/words.txt"])
def test_tiny_weights_do_not_replace_those_of_a_model(tmp_path: Path, part: str) -> None:
    (tmp_path / part).parent.mkdir(parents=True)
    (tmp_path / part).write_text("real")
    with pytest.raises(CheckpointError, match="name another folder") as raised:
        make_tiny_checkpoint(tmp_path)
    assert raised.value.code == "checkpoint.exists"
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / part]


def test_tiny_weights_replace_their_own(tmp_path: Path, tiny_folder: Path) -> None:
    shutil.copytree(tiny_folder, tmp_path / "checkpoints")
    first = (tiny_folder / LORA_CHECKPOINT).read_bytes()
    assert make_tiny_checkpoint(tmp_path / "checkpoints").read_bytes() == first
