"""The learner of a run: base weights, a fresh LoRA, the optimiser, on this process's device."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.distributed.tensor import DTensor

from its_core.engines.cosmos.device import pick_device
from its_core.engines.cosmos.model.attention import attention_backends
from its_core.engines.cosmos.model.checkpoint import check_finite, read_network
from its_core.engines.cosmos.model.lora import assign
from its_core.engines.cosmos.model.network import Video2WorldNetwork, network_on_meta
from its_core.engines.cosmos.shapes import SHAPES
from its_core.post_training.errors import PostTrainingError
from its_core.post_training.model import groups
from its_core.post_training.model.activations import Activations, OnDevice, OnHost
from its_core.post_training.model.groups import TrainingGroup
from its_core.post_training.model.learner import Learner
from its_core.post_training.model.lora import LoraSettings, add_lora
from its_core.post_training.model.optimiser import LoraOptimiser
from its_core.post_training.model.schedule import Schedule
from its_core.post_training.model.sharding import shard_network
from its_core.post_training.model.training_network import TrainingNetwork
from its_core.post_training.run_folder import Orders


@dataclass(frozen=True, slots=True)
class Loaded:
    learner: Learner
    group: TrainingGroup
    device: torch.device
    compiled: bool

    def frozen_numbers_held(self) -> int:
        """How many of the base model's numbers this process holds between steps."""
        frozen = [weight for weight in self.learner.network.parameters() if not weight.requires_grad]
        held = (weight.to_local() if isinstance(weight, DTensor) else weight for weight in frozen)
        return sum(weight.numel() for weight in held)


def load(orders: Orders) -> Loaded:
    """Everything a process trains with. Raises CheckpointError and PostTrainingError; every process must call it."""
    shape, recipe = SHAPES[orders.model_size], orders.recipe
    device = pick_device_for(orders)
    latent_frames = (orders.geometry.frames - 1) // 4 + 1
    group = groups.join(orders.context_parallel, device, latent_frames, shape.heads)
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    network = load_base(orders, dtype)
    if not orders.shard_network:
        network.to(device)
    network.share = group.share
    settings = LoraSettings(recipe.lora_rank, recipe.lora_alpha, recipe.targets)
    weights = add_lora(network, settings, recipe.seed)
    for weight in weights.values():
        weight.data = weight.data.to(device)
    training = TrainingNetwork(network, _activations(orders, device))
    if orders.shard_network:
        shard_network(training, group, device)
    schedule = Schedule(recipe.learning_rate, recipe.warm_up, recipe.iterations, recipe.peak, recipe.end)
    optimiser = LoraOptimiser(weights, schedule, recipe.weight_decay, recipe.clip_norm)
    compiled = training.compile_stages()
    backends = attention_backends(device, dtype, shape.width // shape.heads)
    return Loaded(Learner(training, optimiser, group, device, backends), group, device, compiled)


def pick_device_for(orders: Orders) -> torch.device:
    """Raises PostTrainingError where this process has no device."""
    from its_core.engines.cosmos.options import CosmosOptions

    try:
        return pick_device(CosmosOptions(model_size=orders.model_size))
    except ValueError as error:
        raise PostTrainingError(str(error), code="post_training.no_gpu") from None


def load_base(orders: Orders, dtype: torch.dtype) -> Video2WorldNetwork:
    """The base network on the CPU. Raises CheckpointError for weights that do not fit or are not finite, and
    PostTrainingError for a LoRA in place of a base."""
    weights = read_network(orders.base_path)
    if weights.lora:
        raise PostTrainingError(
            f"{orders.base_path}: holds a LoRA; post-training starts from a base checkpoint", code="post_training.base"
        )
    network = network_on_meta(SHAPES[orders.model_size])
    assign(network, weights.base, orders.base_path)
    network.to(dtype)
    check_finite(orders.base_path, network)
    return network


def _activations(orders: Orders, device: torch.device) -> Activations:
    return OnHost(device) if orders.activations == "offload" else OnDevice()
