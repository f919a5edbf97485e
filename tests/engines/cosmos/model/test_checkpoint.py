"""Checkpoints in every layout that is read, and what is said about those that cannot be."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from its_core.engines.cosmos.errors import CheckpointError
from its_core.engines.cosmos.model.checkpoint import read_network
from its_core.engines.cosmos.model.lora import assign, inject_lora, load_network, load_unmerged, probe
from its_core.engines.cosmos.model.network import network_on_meta
from its_core.engines.cosmos.options import CosmosOptions
from its_core.engines.cosmos.shapes import SHAPES
from its_core.engines.cosmos.weights import weights_of

CPU = torch.device("cpu")


@pytest.fixture
def trained(tiny_2b: Any) -> dict[str, torch.Tensor]:
    """NVIDIA's LoRA checkpoint, to be bent; only ``net.`` keys."""
    entries = torch.load(tiny_2b.lora, weights_only=True)
    return {key: value for key, value in entries.items() if key.startswith("net.")}


def saved(entries: Any, path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(entries, path)
    return str(path)


def test_the_keys_are_nvidias_in_nvidias_order(tiny_2b: Any) -> None:
    assert list(network_on_meta(tiny_2b.shape).state_dict()) == list(torch.load(tiny_2b.base, weights_only=True))


def test_a_2b_network_has_half_the_trainable_parameters_that_nvidia_reports() -> None:
    """The trainer's 45,875,200 counts the layers of ``net`` and of its average ``net_ema``."""
    network = network_on_meta(SHAPES["2B"])
    inject_lora(network, 16, 16, CosmosOptions().targets)
    assert 2 * sum(p.numel() for name, p in network.named_parameters() if ".lora_" in name) == 45_875_200


def test_merged_equals_unmerged(tiny_2b: Any, relative_error: Any) -> None:
    unmerged = load_unmerged(tiny_2b.options, tiny_2b.shape, read_network(tiny_2b.lora))
    merged = tiny_2b.network()
    assert relative_error(tiny_2b.output(merged), tiny_2b.output(unmerged)) < 1e-5
    assert list(merged.state_dict()) == list(network_on_meta(tiny_2b.shape).state_dict())


def test_averaged_weights_are_taken_only_where_there_are_no_others(tiny_2b: Any, trained: Any, tmp_path: Path) -> None:
    average = {key.replace("net.", "net_ema."): value * 1.5 for key, value in trained.items()}
    both = tiny_2b.network(dit_path=saved(trained | average, tmp_path / "both.pt"))
    alone = tiny_2b.network(dit_path=saved(average, tmp_path / "average.pt"))
    assert torch.equal(probe(both), probe(tiny_2b.network()))
    assert not torch.equal(probe(alone), probe(both))


def test_a_lora_alone_goes_over_the_base(tiny_2b: Any, trained: Any, tmp_path: Path) -> None:
    alone = {key: value for key, value in trained.items() if ".lora_" in key}
    base = {key.replace(".base_layer", ""): value for key, value in trained.items() if ".lora_" not in key}
    network = tiny_2b.network(dit_path=saved(alone, tmp_path / "lora.pt"), base_path=saved(base, tmp_path / "base.pt"))
    assert torch.equal(probe(network), probe(tiny_2b.network()))
    with pytest.raises(CheckpointError, match=r"model-720p-16fps\.pt: no such checkpoint file"):
        tiny_2b.network(dit_path=str(tmp_path / "lora.pt"), checkpoints_dir=str(tmp_path))


def test_a_peft_folder_loads_and_its_rank_and_alpha_are_compared(tiny_2b: Any, trained: Any, tmp_path: Path) -> None:
    alone = {
        "base_model.model." + key.removeprefix("net.").replace(".default", ""): value
        for key, value in trained.items()
        if ".lora_" in key
    }
    base = {key.replace(".base_layer", ""): value for key, value in trained.items() if ".lora_" not in key}
    where = {"dit_path": str(tmp_path), "base_path": saved(base, tmp_path / "base" / "model.pt")}
    save_file(alone, tmp_path / "adapter_model.safetensors")
    settings = {"r": tiny_2b.settings["lora_rank"], "lora_alpha": tiny_2b.settings["lora_alpha"]}
    (tmp_path / "adapter_config.json").write_text(json.dumps(settings))
    assert torch.equal(probe(tiny_2b.network(**where)), probe(tiny_2b.network()))
    (tmp_path / "adapter_config.json").write_text(json.dumps(settings | {"lora_alpha": 99}))
    with pytest.raises(CheckpointError, match="trained with lora_alpha 99, but --lora_alpha says"):
        tiny_2b.network(**where)
    (tmp_path / "adapter_config.json").unlink()
    with pytest.raises(CheckpointError, match=r"a folder without adapter_config\.json is not a PEFT adapter"):
        tiny_2b.network(**where)


def test_alpha_is_compared_with_the_trainers_own_settings(tiny_2b: Any, trained: Any, tmp_path: Path) -> None:
    path = saved(trained, tmp_path / "job" / "checkpoints" / "model" / "iter_000001000.pt")
    (tmp_path / "job" / "config.yaml").write_text("model:\n  config:\n    lora_alpha: 32\n")
    with pytest.raises(CheckpointError, match="trained with lora_alpha 32"):
        tiny_2b.network(dit_path=path)


def test_safetensors_and_training_bookkeeping_are_read(tiny_2b: Any, trained: Any, tmp_path: Path) -> None:
    extra = {"net.blocks.0.self_attn.q_norm._extra_state": io.BytesIO(b"x"), "net.accum_video_sample_counter": 7}
    assert torch.equal(
        probe(tiny_2b.network(dit_path=saved(trained | extra, tmp_path / "extra.pt"))), probe(tiny_2b.network())
    )
    save_file({key: value.contiguous() for key, value in trained.items()}, tmp_path / "x.safetensors")
    assert torch.equal(probe(tiny_2b.network(dit_path=str(tmp_path / "x.safetensors"))), probe(tiny_2b.network()))


def test_mixed_precision_is_loaded_in_the_higher_one(tiny_2b: Any, tmp_path: Path) -> None:
    base = torch.load(tiny_2b.base, weights_only=True)
    base["final_layer.linear.weight"] = base["final_layer.linear.weight"].bfloat16()
    network = tiny_2b.network(use_lora=False, dit_path=saved(base, tmp_path / "mixed.pt"))
    assert {p.dtype for p in network.parameters()} == {torch.float32}


class Bomb:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.mark}",)


def test_nothing_is_unpickled(tiny_2b: Any, tmp_path: Path) -> None:
    mark = tmp_path / "exploded"
    for name, zipped in (("new.pt", True), ("old.pt", False)):
        torch.save({"net.x": Bomb(mark)}, tmp_path / name, _use_new_zipfile_serialization=zipped)
        with pytest.raises(CheckpointError, match=r"refused, because it would run '(posix|nt)\.system' when loaded"):
            tiny_2b.network(dit_path=str(tmp_path / name))
    assert not mark.exists()


def test_files_that_are_no_checkpoint(tiny_2b: Any, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"none\.pt: no such checkpoint file"):
        tiny_2b.network(dit_path=str(tmp_path / "none.pt"))
    for name, content in (("text.pt", b"just a text file"), ("empty.pt", b""), ("zip.pt", b"PK\x03\x04 broken")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(CheckpointError, match=f"{name}: not a (readable )?checkpoint"):
            tiny_2b.network(dit_path=str(tmp_path / name))
    (tmp_path / "bad.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0{}")
    with pytest.raises(CheckpointError, match="not a readable checkpoint"):
        tiny_2b.network(dit_path=str(tmp_path / "bad.safetensors"))
    with pytest.raises(CheckpointError, match="holds a Tensor, not named tensors"):
        tiny_2b.network(dit_path=saved(torch.zeros(3), tmp_path / "tensor.pt"))
    with pytest.raises(CheckpointError, match=r"words\.pt: extra is a str, not a tensor"):
        tiny_2b.network(dit_path=saved({"net.extra": "hello"}, tmp_path / "words.pt"))


def test_keys_that_do_not_fit_are_named(tiny_2b: Any, trained: Any, tmp_path: Path) -> None:
    strange = dict(trained)
    strange["net.blocks.9.mlp.layer1.weight"] = strange.pop("net.blocks.1.mlp.layer2.base_layer.weight")
    strange["net.x_embedder.proj.1.weight"] = torch.zeros(3, 4)
    with pytest.raises(CheckpointError) as caught:
        tiny_2b.network(dit_path=saved(strange, tmp_path / "strange.pt"))
    message = str(caught.value)
    assert "1 of 90 keys are missing: blocks.1.mlp.layer2.base_layer.weight" in message
    assert "1 keys belong to no layer: blocks.9.mlp.layer1.weight" in message
    assert "x_embedder.proj.1.weight is 3×4 instead of 64×72" in message


def test_a_wrong_rank_stops(tiny_2b: Any) -> None:
    with pytest.raises(CheckpointError, match="LoRA weights of rank 4, but --lora_rank says 16"):
        tiny_2b.network(lora_rank=16)


def test_targets_must_name_layers_and_all_lora_layers_must_be_targets(tiny_2b: Any) -> None:
    with pytest.raises(CheckpointError, match="--lora_target_modules: 'qkv_proj' names no linear layer"):
        tiny_2b.network(lora_target_modules="q_proj,qkv_proj")
    with pytest.raises(CheckpointError, match=r"keys belong to no layer: .*k_proj\.lora_A"):
        tiny_2b.network(lora_target_modules="q_proj,v_proj,output_proj,mlp.layer1,mlp.layer2")


def test_a_lora_that_changes_nothing_stops(tiny_2b: Any, trained: Any, tmp_path: Path) -> None:
    untrained = {key: value * 0 if ".lora_B." in key else value for key, value in trained.items()}
    with pytest.raises(CheckpointError, match="the LoRA changes nothing"):
        tiny_2b.network(dit_path=saved(untrained, tmp_path / "untrained.pt"))


def test_half_a_lora_stops(tiny_2b: Any, trained: Any, tmp_path: Path) -> None:
    del trained["net.blocks.0.mlp.layer1.lora_B.default.weight"]
    with pytest.raises(CheckpointError, match=r"only one of lora_A and lora_B: blocks\.0\.mlp\.layer1"):
        tiny_2b.network(dit_path=saved(trained, tmp_path / "half.pt"))


def test_lora_and_base_are_not_taken_for_each_other(tiny_2b: Any) -> None:
    with pytest.raises(CheckpointError, match=r"holds LoRA weights of 20 layers; add --use_lora"):
        tiny_2b.network(use_lora=False)
    with pytest.raises(CheckpointError, match=r"holds no LoRA weights; drop --use_lora"):
        tiny_2b.network(dit_path=str(tiny_2b.base))


@pytest.mark.parametrize(
    "key", ["blocks.1.mlp.layer2.base_layer.weight", "blocks.0.self_attn.q_proj.lora_A.default.weight"]
)
def test_nan_stops(tiny_2b: Any, trained: Any, tmp_path: Path, key: str) -> None:
    trained[f"net.{key}"][0, 0] = float("nan")
    with pytest.raises(CheckpointError, match=r"NaN .*blocks\.\d\.(mlp\.layer2|self_attn\.q_proj)"):
        tiny_2b.network(dit_path=saved(trained, tmp_path / "nan.pt"))


def test_integers_are_no_weights(tiny_2b: Any) -> None:
    base = {key: value.to(torch.int8) for key, value in torch.load(tiny_2b.base, weights_only=True).items()}
    with pytest.raises(CheckpointError, match=r"weights of type torch\.int8"):
        assign(network_on_meta(tiny_2b.shape), base, tiny_2b.base)


def test_the_base_checkpoint_of_the_resolution_and_rate_is_the_default(tiny_folder: Path) -> None:
    options = CosmosOptions(model_size="tiny", checkpoints_dir=str(tiny_folder), resolution="480", fps=10)
    assert options.folders.base.name == "model-480p-10fps.pt"
    network = load_network(options, SHAPES["tiny"], CPU, torch.float32)
    assert torch.isfinite(probe(network)).all()


def test_weights_are_named_by_their_bytes(tiny_folder: Path, tmp_path: Path) -> None:
    options = CosmosOptions(model_size="tiny", checkpoints_dir=str(tiny_folder))
    entries = torch.load(options.folders.base, weights_only=True)
    same = options.model_copy(update={"dit_path": str(options.folders.base)})
    entries["net.final_layer.linear.weight"][0, 0] += 1
    other = options.model_copy(update={"dit_path": saved(entries, tmp_path / "other.pt")})
    assert weights_of(options).sha256 == weights_of(same).sha256 != weights_of(other).sha256
    assert set(weights_of(other).by_role) == {"network", "vae", "text_encoder"}
