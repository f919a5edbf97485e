"""The packed network is the network: NVIDIA's reference tensors, one process and several, 16 and 8 bits."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from its_core.engines.cosmos.model import sampling
from its_core.engines.cosmos.model.inference.attention import AttentionKernel, installed_kernels, plain_attention
from its_core.engines.cosmos.model.inference.elementwise import PyTorch, ScaledHeads, Triton
from its_core.engines.cosmos.model.inference.linear import Linear
from its_core.engines.cosmos.model.inference.load import pack
from its_core.engines.cosmos.model.inference.network import Fp8Plan, PackedNetwork
from its_core.engines.cosmos.model.inference.precision import measure_fp8
from its_core.engines.cosmos.model.parallel import ClipGroup

CPU = torch.device("cpu")


def attend_scaled(heads: ScaledHeads, batch: int) -> Tensor:
    """What a kernel for FP8 computes, but for its own rounding."""
    parts = ((heads.q, heads.scales[0]), (heads.k, heads.scales[1]), (heads.v, heads.scales[2]))
    q, k, v = (x.float().view(batch, -1, *x.shape[1:]) * scale[0, :, None] for x, scale in parts)
    return plain_attention(q, k, v)


EMULATED = AttentionKernel("emulated", "1", plain_attention, attend_scaled)


def packed(
    case: Any, plan: Fp8Plan | None = None, kernel: AttentionKernel | None = None, **changes: Any
) -> PackedNetwork:
    return PackedNetwork(case.network(**changes), kernel or installed_kernels(CPU)[0], PyTorch(), plan)


def inputs(case: Any) -> tuple[Tensor, Tensor, tuple[Tensor, Tensor], Tensor]:
    tensors = case.tensors
    texts = tensors["text_B_N_D"], tensors["negative_text_B_N_D"]
    return tensors["x_B_C_T_H_W"], tensors["timesteps_B_T"], texts, tensors["condition_mask_B_1_T_H_W"]


def test_network_output(case: Any, relative_error: Any) -> None:
    for name, changes in (("dit_out", {"use_lora": False, "dit_path": str(case.base)}), ("dit_lora_out", {})):
        output = packed(case, **changes).for_texts(*inputs(case))[0]
        assert relative_error(output, case.tensors[name]) < 1e-5


def test_network_output_with_tritons_kernels(tiny_2b: Any, relative_error: Any) -> None:
    """The kernels themselves, interpreted; the plan has FP8 rows and heads, kept in float32 here."""
    case, steps = tiny_2b, Triton(fp8=torch.float32)
    exact = PackedNetwork(case.network(), installed_kernels(CPU)[0], steps).for_texts(*inputs(case))[0]
    assert relative_error(exact, case.tensors["dit_lora_out"]) < 1e-5
    attention = Fp8Plan(frozenset(f"blocks.{index}.attention" for index in range(case.shape.blocks)))
    scaled = PackedNetwork(case.network(), EMULATED, steps, attention).for_texts(*inputs(case))[0]
    assert relative_error(scaled, exact) < 1e-4


def test_both_texts_and_a_batch_of_two(case: Any, relative_error: Any) -> None:
    network, (x, time, texts, mask) = packed(case), inputs(case)
    plain = case.network().for_texts(x, time, texts, mask)
    together = network.for_texts(x, time, texts, mask)
    assert max(map(relative_error, together, plain)) < 1e-5
    pair = [torch.cat([part, part]) for part in (x, time, mask)]
    batched = network.for_texts(pair[0], pair[1], [torch.cat(texts)], pair[2])[0]
    assert relative_error(batched, torch.cat(plain)) < 1e-5


def test_the_final_latent(case: Any, relative_error: Any) -> None:
    tensors = case.tensors
    denoise = sampling.guided(
        packed(case).for_texts,
        inputs(case)[2],
        case.settings["guidance"],
        tensors["conditioning_latent_B_C_T_H_W"],
        tensors["condition_mask_B_1_T_H_W"],
        ClipGroup(),
    )
    final = sampling.sample(denoise, tensors["initial_noise"], case.settings["num_sampling_steps"])
    assert relative_error(final, tensors["final_latent"]) < 1e-4


def test_products_and_attention_in_8_bits_are_near_and_not_the_same(case: Any, relative_error: Any) -> None:
    everything = measure_fp8(case.network(), EMULATED).of
    blocks = case.shape.blocks
    assert len(everything) == 7 * blocks  # six products and attention
    exact = packed(case).for_texts(*inputs(case))[0]
    errors = []
    for suffix in ("mlp1", "attention", ""):
        plan = Fp8Plan(frozenset(name for name in everything if name.endswith(suffix)))
        errors.append(relative_error(packed(case, plan, EMULATED).for_texts(*inputs(case))[0], exact))
    assert all(1e-4 < error < 0.1 for error in errors)
    assert errors[2] > max(errors[:2])


def test_what_fp8_would_spoil_stays_in_16_bits(tiny_2b: Any) -> None:
    network = tiny_2b.network()
    with torch.no_grad():  # a row whose parts cancel: what is left is smaller than its rounding
        weight = network.blocks[0].mlp.layer2.weight
        weight.zero_()
        weight[:, :2] = torch.tensor([1.0, -1.0])
        network.blocks[0].mlp.layer1.weight[1] = network.blocks[0].mlp.layer1.weight[0] * 1.0001
    errors = measure_fp8(network, EMULATED)
    assert errors.kept() == ["blocks.0.mlp2"]
    assert errors.of["blocks.0.mlp2"] > 0.5
    assert "blocks.0.mlp1" in errors.plan()


def test_loading_in_8_bits_says_what_stays(tiny_2b: Any) -> None:
    loaded = pack(tiny_2b.network(), "fp8", tokens=96, group=ClipGroup())
    assert loaded.record["precision"] == "fp8"
    assert loaded.record["kept_in_16_bits"] == []
    assert loaded.record["attention"]["name"] == "flash_attention"  # a CPU has none in FP8
    assert not loaded.record["attention"]["fp8"]
    assert loaded.record["elementwise"] == "torch"
    sixteen = pack(tiny_2b.network(), "bf16", tokens=96, group=ClipGroup()).record
    assert sixteen["precision"] == "float32"  # a CPU's own
    assert "kept_in_16_bits" not in sixteen


@pytest.mark.parametrize("quantised", [False, True])
def test_a_product_refuses_the_other_kind_of_input(quantised: bool) -> None:
    product, rows = Linear(torch.randn(32, 16), quantised), torch.randn(8, 16)
    with pytest.raises(TypeError, match="quantised"):
        product(rows if quantised else PyTorch().quantise_rows(rows))
