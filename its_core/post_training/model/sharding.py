"""The frozen network spread over all processes (FSDP2), for sizes that do not fit one GPU beside their activations.

Only weights that never change are spread; each block's are gathered while it computes. The LoRA stays whole everywhere,
so its gradients, steps and checkpoints are the same with and without.
"""

from __future__ import annotations

import torch
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.nn import Parameter

from its_core.post_training.model.groups import TrainingGroup
from its_core.post_training.model.training_network import TrainingNetwork


def shard_network(network: TrainingNetwork, group: TrainingGroup, device: torch.device) -> None:
    """Every process must call it. Afterwards ``network`` may only be called as a whole."""
    mesh = init_device_mesh(device.type, (group.ranks,))
    kept: set[Parameter] = {weight for weight in network.parameters() if weight.requires_grad}
    for block in network.blocks:
        fully_shard(block, mesh=mesh, reshard_after_forward=True, ignored_params=kept)
    # The engine's network holds the blocks too: to the whole they are not new.
    fully_shard(network, mesh=mesh, ignored_params=kept | set(network.blocks.parameters()))
