"""The engine's network in training."""

from __future__ import annotations

import os
import shutil
from typing import cast

import torch
from torch import Tensor, nn

from its_core.engines.cosmos.model.network import Block, Video2WorldNetwork, unpatch
from its_core.post_training.model.activations import Activations
from its_core.post_training.model.staged_block import StagedBlock


class TrainingNetwork(nn.Module):
    """Computes what ``network`` computes, in the same precision, with gradients for its LoRA and little memory."""

    def __init__(self, network: Video2WorldNetwork, activations: Activations) -> None:
        super().__init__()
        self.network = network
        self.blocks = nn.ModuleList(StagedBlock(cast(Block, block), activations) for block in network.blocks)

    @property
    def dtype(self) -> torch.dtype:
        """The precision that the network computes in."""
        return self.network.t_embedding_norm.weight.dtype

    def forward(self, x_BCTHW: Tensor, time_BT: Tensor, text_BND: Tensor, given_B1THW: Tensor) -> Tensor:
        """The velocity of this process's share of the latent frames, B C T H W, in the network's precision.

        Arguments as of ``Video2WorldNetwork``, of all frames.
        """
        network, share = self.network, self.network.share
        with torch.no_grad():
            x_BTSD, time, rope = network.embed(x_BCTHW, time_BT, given_B1THW)
        text_BND = text_BND.to(x_BTSD.dtype)
        for block in self.blocks:
            x_BTSD = block(x_BTSD, time, text_BND, rope, share)
        return unpatch(network.final_layer(x_BTSD, time), x_BCTHW.shape[3])

    def compile_stages(self) -> bool:
        """Compiles what lies before and after each attention, on a GPU where a C compiler is at hand; says whether."""
        compiler = shutil.which(os.environ.get("CC", "cc")) or shutil.which("gcc") or shutil.which("clang")
        if self.network.t_embedding_norm.weight.device.type != "cuda" or compiler is None:
            return False
        for block in self.network.blocks:
            for stage in ("before_attention", "after_attention"):
                setattr(block, stage, torch.compile(getattr(block, stage), dynamic=False))
        return True
