"""A LoRA's own settings are applied, or refused by name."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed.checkpoint as dcp
from safetensors.torch import save_file
from torch import Tensor

from its_core.engines.cosmos import engine
from its_core.engines.cosmos.errors import CheckpointError
from its_core.engines.cosmos.model.adapter import AdapterSettings, adapter_settings
from its_core.engines.cosmos.model.checkpoint import read_network
from its_core.engines.cosmos.model.lora import lora_record, probe
from its_core.engines.cosmos.options import CosmosOptions

LAYER = "blocks.0.self_attn.q_proj.weight"


@pytest.fixture
def adapter(tiny_2b: Any, tmp_path: Path) -> Any:
    """A PEFT adapter's folder beside its base; called with more settings, the network that it makes."""
    entries = torch.load(tiny_2b.lora, weights_only=True)
    trained = {key.removeprefix("net."): value for key, value in entries.items() if key.startswith("net.")}
    base = {key.replace(".base_layer", ""): value for key, value in trained.items() if ".lora_" not in key}
    torch.save(base, tmp_path / "base.pt")
    folder = tmp_path / "adapter"
    folder.mkdir()
    alone = {f"base_model.model.{k.replace('.default', '')}": v for k, v in trained.items() if ".lora_" in k}

    class Adapter:
        def __init__(self) -> None:
            self.path, self.weights = folder, alone
            self.given = {"dit_path": str(folder), "base_path": str(tmp_path / "base.pt")}

        def network(self, **settings: Any) -> Any:
            self.save(**settings)
            return tiny_2b.network(**self.given)

        def save(self, **settings: Any) -> None:
            save_file(
                {key: value.contiguous() for key, value in self.weights.items()}, folder / "adapter_model.safetensors"
            )
            written = {"peft_type": "LORA", "r": tiny_2b.options.lora_rank, "lora_alpha": tiny_2b.options.lora_alpha}
            (folder / "adapter_config.json").write_text(json.dumps(written | settings))

        def change(self, network: Any, layer: str = LAYER) -> Tensor:
            return network.get_parameter(layer) - base[layer]

    return Adapter()


def test_rank_stabilised_scaling_is_applied(adapter: Any, tiny_2b: Any, relative_error: Any) -> None:
    plain, stabilised = adapter.change(adapter.network()), adapter.change(adapter.network(use_rslora=True))
    assert relative_error(stabilised, plain * tiny_2b.options.lora_rank**0.5) < 1e-5
    assert lora_record(tiny_2b.options.model_copy(update=adapter.given))["rslora"] is True


def test_alpha_patterns_are_applied(adapter: Any, tiny_2b: Any, relative_error: Any) -> None:
    plain = adapter.network()
    stronger = adapter.network(alpha_pattern={"q_proj": 4 * tiny_2b.options.lora_alpha})
    assert relative_error(adapter.change(stronger), 4 * adapter.change(plain)) < 1e-5
    other = "blocks.0.self_attn.v_proj.weight"
    assert torch.equal(adapter.change(stronger, other), adapter.change(plain, other))


def test_rank_patterns_are_applied(adapter: Any, tiny_2b: Any, relative_error: Any) -> None:
    plain = adapter.network()
    for key, value in adapter.weights.items():
        if re.search(r"q_proj\.lora_A", key):  # the same product by twice the rank
            adapter.weights[key] = torch.cat([value, value])
        elif re.search(r"q_proj\.lora_B", key):
            adapter.weights[key] = torch.cat([value, value], dim=1) / 2
    rank, alpha = tiny_2b.options.lora_rank, tiny_2b.options.lora_alpha
    wider = adapter.network(rank_pattern={"q_proj": 2 * rank}, alpha_pattern={"q_proj": 2 * alpha})
    assert relative_error(adapter.change(wider), adapter.change(plain)) < 1e-5
    with pytest.raises(CheckpointError, match=r"q_proj\.lora_A\.default\.weight is 8×64 instead of 16×64"):
        adapter.network(rank_pattern={"q_proj": 4 * rank})
    with pytest.raises(CheckpointError, match="LoRA weights of rank 4, 8, but --lora_rank says 4"):
        adapter.network()


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("use_dora", True), ("lora_bias", True), ("fan_in_fan_out", True), ("bias", "all"), ("peft_type", "LOHA"),
        ("modules_to_save", ["final_layer"]), ("init_lora_weights", "pissa_niter_16"), ("init_lora_weights", "olora"),
        ("init_lora_weights", "corda"), ("layer_replication", [[0, 1]]), ("some_new_kind", {"rank": 3}),
    ],
)  # fmt: skip
def test_what_cannot_be_applied_is_refused_by_name(adapter: Any, setting: str, value: Any) -> None:
    adapter.save(**{setting: value})
    with pytest.raises(CheckpointError, match=setting) as caught:
        read_network(adapter.path)
    assert caught.value.code == "checkpoint.adapter_setting"


@pytest.mark.parametrize(
    ("setting", "value"), [("r", 0), ("r", 2.5), ("lora_alpha", float("nan")), ("alpha_pattern", {"(": 3}), ("r", None)]
)
def test_numbers_that_mean_nothing_are_refused(adapter: Any, setting: str, value: Any) -> None:
    adapter.save(**{setting: value})
    with pytest.raises(CheckpointError, match="not the configuration of a LoRA"):
        read_network(adapter.path)


def test_settings_at_their_defaults_change_nothing(adapter: Any) -> None:
    adapter.save(use_dora=False, bias="none", modules_to_save=None, layer_replication=None, init_lora_weights=False)
    assert adapter_settings(adapter.path) == AdapterSettings(rank=4, alpha=4.0)
    assert AdapterSettings().record() == {}


def test_weights_saved_by_torch_and_adapters_of_another_name_are_read(
    adapter: Any, tiny_2b: Any, tmp_path: Path
) -> None:
    expected = probe(adapter.network())
    (adapter.path / "adapter_model.safetensors").unlink()
    torch.save(adapter.weights, adapter.path / "adapter_model.bin")
    assert torch.equal(probe(tiny_2b.network(**adapter.given)), expected)
    entries = torch.load(tiny_2b.lora, weights_only=True)
    torch.save({key.replace(".default.", ".its."): value for key, value in entries.items()}, tmp_path / "named.pt")
    assert torch.equal(probe(tiny_2b.network(dit_path=str(tmp_path / "named.pt"))), expected)
    torch.save({**entries, **{k.replace(".default.", ".b."): v for k, v in entries.items()}}, tmp_path / "two.pt")
    with pytest.raises(CheckpointError, match=r"several adapters \(b, default\)"):
        read_network(tmp_path / "two.pt")


def test_other_tools_naming_is_refused_as_such(tmp_path: Path) -> None:
    for key in ("lora_unet_blocks_0.lora_down.weight", "blocks.0.q_proj.lora_magnitude_vector", "blocks.0.lokr_w1"):
        save_file({key: torch.zeros(2, 2)}, tmp_path / "other.safetensors")
        with pytest.raises(CheckpointError, match=re.escape(key)) as caught:
            read_network(tmp_path / "other.safetensors")
        assert caught.value.code == "checkpoint.adapter_keys"


def test_a_distributed_checkpoint_is_refused_with_the_command_that_converts_it(tmp_path: Path) -> None:
    dcp.save({"net.x": torch.zeros(3)}, checkpoint_id=tmp_path / "iter_000001000" / "model")
    for path in (tmp_path / "iter_000001000" / "model", tmp_path / "iter_000001000"):
        with pytest.raises(CheckpointError, match=r"dcp_to_torch .*/iter_000001000/model ") as caught:
            read_network(path)
        assert caught.value.code == "checkpoint.distributed"


def test_a_wrong_strength_is_found_while_planning(adapter: Any, tiny_2b: Any) -> None:
    adapter.save(lora_alpha=99)
    with pytest.raises(CheckpointError, match="trained with lora_alpha 99"):
        engine.identity(CosmosOptions(**tiny_2b.options.model_dump() | adapter.given))
