"""The network in training against the engine's own forward pass under plain autograd."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from its_core.engines.cosmos.model.network import Video2WorldNetwork
from its_core.engines.cosmos.shapes import SHAPES
from its_core.post_training.model import staged_block
from its_core.post_training.model.activations import Activations, OnDevice, OnHost
from its_core.post_training.model.attention_tape import AttentionTape
from its_core.post_training.model.lora import LoraSettings, add_lora, lora_layers
from its_core.post_training.model.training_network import TrainingNetwork

TARGETS = ("q_proj", "k_proj", "v_proj", "output_proj", "mlp.layer1", "mlp.layer2")
ON_HOST = pytest.param(lambda: OnHost(torch.device("cpu"), small_bytes=0), id="on the host")
each_place = pytest.mark.parametrize("activations", [pytest.param(OnDevice, id="on the device"), ON_HOST])


def random_network(dtype: torch.dtype = torch.float32, rank: int = 4, warm: bool = True) -> Video2WorldNetwork:
    torch.manual_seed(3)
    network = Video2WorldNetwork(SHAPES["tiny"]).to(dtype)
    weights = add_lora(network, LoraSettings(rank, rank, TARGETS), seed=5)
    if warm:
        for name, weight in weights.items():
            if ".lora_B." in name:
                torch.nn.init.normal_(weight, std=0.05)
    return network


def inputs(frames: int = 6) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(2, 16, frames, 4, 6, generator=generator)
    mask = torch.zeros_like(x[:, :1])
    mask[:, :, 0] = 1
    text = torch.randn(2, 7, SHAPES["tiny"].text_width, generator=generator)
    return x, torch.rand(2, frames, generator=generator), text, mask


def gradients(network: torch.nn.Module, run: Callable[..., Tensor]) -> dict[str, Tensor]:
    for parameter in network.parameters():
        parameter.grad = None
    target = torch.randn(run(*inputs()).shape, generator=torch.Generator().manual_seed(2))
    (run(*inputs()).float() * target).sum().backward()
    return {name: parameter.grad for name, parameter in network.named_parameters() if parameter.requires_grad}


@each_place
@pytest.mark.parametrize("tokens_at_once", [1, 12, 1000])
def test_same_output_and_gradients(
    activations: Callable[[], Activations], tokens_at_once: int, monkeypatch: pytest.MonkeyPatch, relative_error
) -> None:
    monkeypatch.setattr(staged_block, "TOKENS_AT_ONCE", tokens_at_once)
    network = random_network()
    training = TrainingNetwork(network, activations())
    with torch.no_grad():
        assert relative_error(training(*inputs()), network(*inputs())) < 1e-6
    theirs, ours = gradients(network, network), gradients(network, training)
    assert len(ours) == 40
    for name, gradient in ours.items():
        assert relative_error(gradient, theirs[name]) < 1e-5, name


@each_place
def test_two_iterations_do_not_disturb_each_other(activations: Callable[[], Activations]) -> None:
    network = random_network()
    training = TrainingNetwork(network, activations())
    first, second = gradients(network, training), gradients(network, training)
    assert all(torch.equal(gradient, second[name]) for name, gradient in first.items())


def test_the_network_computes_in_bfloat16_and_the_lora_learns_in_float32() -> None:
    network = random_network(torch.bfloat16)
    training = TrainingNetwork(network, OnDevice())
    assert training(*inputs()).dtype is torch.bfloat16
    for name, gradient in gradients(network, training).items():
        assert gradient.dtype is torch.float32, name
        assert gradient.any(), name


def test_a_fresh_lora_changes_nothing() -> None:
    network = random_network(torch.bfloat16, warm=False)
    output = TrainingNetwork(network, OnDevice())(*inputs())
    for _, layer in lora_layers(network):
        layer.enable_adapters(False)
    assert torch.equal(output, TrainingNetwork(network, OnDevice())(*inputs()))


def test_the_start_of_a_lora_is_drawn_by_its_seed() -> None:
    one, same = (dict(random_network(warm=False).named_parameters()) for _ in range(2))
    drawn = [name for name in one if ".lora_A." in name]
    assert len(drawn) == 20
    assert all(torch.equal(one[name], same[name]) for name in drawn)
    assert all(one[name].abs().max() <= one[name].shape[1] ** -0.5 for name in drawn)
    assert all(not one[name].any() for name in one if ".lora_B." in name)


def test_attention_keeps_its_output_and_not_its_inputs() -> None:
    tape = AttentionTape(OnDevice())
    q, k, v = (torch.randn(1, 9, 2, 8) for _ in range(3))
    out = tape.forward(q, k, v)
    assert torch.equal(out, tape.output())
    kept = [weakref.ref(each) for each in (q, k, v)]
    again = [each.clone() for each in (q, k, v)]
    leaves = [each.clone().requires_grad_() for each in (q, k, v)]
    plain = torch.nn.functional.scaled_dot_product_attention(*(leaf.transpose(1, 2) for leaf in leaves)).transpose(1, 2)
    del q, k, v
    gc.collect()
    assert [reference() for reference in kept] == [None] * 3
    grad = torch.randn_like(out)
    theirs = torch.autograd.grad(plain, leaves, grad)
    for ours, wanted in zip(tape.backward(grad, *again), theirs, strict=True):
        assert torch.allclose(ours, wanted, atol=1e-6)
