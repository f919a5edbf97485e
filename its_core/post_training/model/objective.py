"""What the network is trained to do: the velocity loss of rectified flow, and the noise levels it is trained at.

Letters as in ``engines.cosmos.model.network``. A sample's state is clean latent + sigma · noise; the network sees it
scaled by 1 − t at the flow time t = sigma / (sigma + 1), and predicts the velocity noise − clean latent. The first
latent frames are given: they enter clean, at the time of SIGMA_GIVEN, and count nothing in the loss.

Source: NVIDIA's published training code (cosmos-predict2), whose loss in x0 form, weighted by 1/t², is this one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from its_core.engines.cosmos.model.sampling import SIGMA_GIVEN, flow_time

LOSS_SCALE = 10.0
HIGH_SIGMA_SHARE = 0.05  # without it the model leans to low noise and starts sampling badly
_HIGH_SIGMA = (200.0, 100_000.0)


@dataclass(frozen=True, slots=True)
class NoisyBatch:
    """What the network sees (``input_BCTHW``, ``time_BT``, ``given_B1THW``), and what it should answer."""

    input_BCTHW: Tensor
    time_BT: Tensor
    given_B1THW: Tensor
    target_BCTHW: Tensor


def draw_sigma(uniform: Tensor, uniform_high: Tensor, uniform_log: Tensor, latent_frames: int) -> Tensor:
    """Noise levels from three uniform numbers each (0 to 1): log-normal around √latent_frames, or, for the share
    HIGH_SIGMA_SHARE, log-uniform from 200 to 100,000. Float32."""
    normal = torch.special.ndtri(uniform.double()).float()
    usual = normal.exp() * math.sqrt(latent_frames)
    low, high = (math.log(bound) for bound in _HIGH_SIGMA)
    rare = (uniform_log.float() * (high - low) + low).exp()
    return torch.where(uniform_high < HIGH_SIGMA_SHARE, rare, usual)


def given_mask(given_frames_B: Tensor, shape_BCTHW: torch.Size) -> Tensor:
    """1 on each sample's first ``given_frames_B`` latent frames, B 1 T H W, float32."""
    batch, _, frames, rows, columns = shape_BCTHW
    frame = torch.arange(frames, device=given_frames_B.device)
    mask_BT = (frame[None] < given_frames_B[:, None]).float()
    return mask_BT[:, None, :, None, None].expand(batch, 1, frames, rows, columns).contiguous()


def add_noise(clean_BCTHW: Tensor, noise_BCTHW: Tensor, sigma_B: Tensor, given_frames_B: Tensor) -> NoisyBatch:
    """The network's input at each sample's noise level, float32."""
    mask = given_mask(given_frames_B, clean_BCTHW.shape)
    sigma = sigma_B.float().view(-1, 1, 1, 1, 1)
    time = sigma / (sigma + 1)
    state = clean_BCTHW + sigma * noise_BCTHW
    scaled = torch.where(mask > 0, clean_BCTHW, state * (1 - time))
    time_BT = torch.where(mask[:, 0, :, 0, 0] > 0, flow_time(SIGMA_GIVEN), time.view(-1, 1))
    return NoisyBatch(scaled, time_BT, mask, noise_BCTHW - clean_BCTHW)


def squared_errors(velocity_BCTHW: Tensor, target_BCTHW: Tensor, given_B1THW: Tensor) -> Tensor:
    """The sum of squared errors of each sample's frames, B T, with 0 for given frames. Float32."""
    error = (velocity_BCTHW.float() - target_BCTHW) * (1 - given_B1THW)
    return error.square().sum(dim=(1, 3, 4))


def loss_of(squared_errors_BT: Tensor, numbers_a_sample: int) -> Tensor:
    """The loss of each sample, B: LOSS_SCALE times the mean over all of its numbers, those of given frames included."""
    return LOSS_SCALE * squared_errors_BT.sum(dim=1) / numbers_a_sample
