"""Wan 2.1's video autoencoder, through diffusers: frames to normalised latents and back, frame by frame.

Latents: 16 channels, 8 times smaller in space; the first frame has a latent of its own, each further one holds four
frames. The convolutions are causal in time, so the latents of a clip's first frames need those frames alone.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderKLWan
from diffusers.loaders.single_file_utils import convert_wan_vae_to_diffusers
from einops import rearrange
from numpy.typing import NDArray
from torch import Tensor, nn

from its_core.engines.cosmos.errors import CheckpointError
from its_core.engines.cosmos.model.checkpoint import check_finite, check_keys, read_tensors
from its_core.engines.cosmos.model.vae_layers import fuse_decoder

SPACE, TIME = 8, 4


class WanVae:
    """Encodes and decodes on one device; raises CheckpointError when the weights do not fit."""

    def __init__(self, path: Path, device: torch.device, dtype: torch.dtype) -> None:
        self._model = _load(path)
        check_finite(path, self._model)
        self._model.to(device, dtype).eval().requires_grad_(False)
        self._layout = torch.channels_last_3d if device.type == "cuda" else torch.contiguous_format
        if device.type == "cuda":
            _channels_last(self._model)
        self._remembering = fuse_decoder(self._model.decoder, device)
        self._device, self._dtype = device, dtype
        config = self._model.config
        self.channels: int = config.z_dim
        self._mean, self._std = (
            torch.tensor(values, device=device, dtype=torch.float32).view(1, -1, 1, 1, 1)
            for values in (config.latents_mean, config.latents_std)
        )

    @torch.no_grad()
    def encode(self, frames_THW3: NDArray[np.uint8]) -> Tensor:
        """The normalised latents (1 C T H W, float32) of 4k + 1 frames whose sides 8 divides."""
        frames, height, width, _ = frames_THW3.shape
        if frames % TIME != 1 or height % SPACE or width % SPACE:
            raise ValueError(f"{frames} frames of {width}×{height}: 4k + 1 frames with sides that 8 divides are needed")
        pixels = torch.from_numpy(frames_THW3).to(self._device).to(torch.float32) / 127.5 - 1
        video = rearrange(pixels, "t h w c -> 1 c t h w").to(self._dtype)
        latent: Tensor = self._model.encode(video).latent_dist.mode().float()
        return (latent - self._mean) / self._std

    @torch.no_grad()
    def decode(self, latent_BCTHW: Tensor) -> Iterator[NDArray[np.uint8]]:
        """The frames (H×W×3) of normalised latents, four at a time: equal to decoding the whole, in bounded memory.

        On a GPU the next four are computed while the last ones are taken."""
        model = self._model
        latent = (latent_BCTHW.to(self._device, torch.float32) * self._std + self._mean).to(self._dtype)
        memory: list[Any] = [None] * self._remembering  # what each causal convolution keeps of earlier frames
        hidden = model.post_quant_conv(latent).contiguous(memory_format=self._layout)
        ahead: _OnItsWay | None = None
        for t in range(hidden.shape[2]):
            pixels = model.decoder(hidden[:, :, t : t + 1], feat_cache=memory, feat_idx=[0], first_chunk=t == 0)
            levels = ((pixels.float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
            before, ahead = ahead, _OnItsWay(rearrange(levels, "1 c t h w -> t h w c"))
            if before is not None:  # the GPU computes the next frames while these are handed out
                yield from before.arrived()
        if ahead is not None:
            yield from ahead.arrived()


class _OnItsWay:
    """A tensor's copy to the CPU, which later work on the GPU does not hold up."""

    def __init__(self, tensor: Tensor) -> None:
        self._copied: torch.cuda.Event | None = None
        if tensor.device.type != "cuda":
            self._host = tensor
            return
        self._host = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
        self._host.copy_(tensor, non_blocking=True)
        self._copied = torch.cuda.current_stream(tensor.device).record_event()

    def arrived(self) -> NDArray[np.uint8]:
        """The copy, in memory of its own: page-locked memory is used again."""
        if self._copied is None:
            return np.asarray(self._host.numpy(), np.uint8)
        self._copied.synchronize()
        return np.array(self._host.numpy(), np.uint8)


def _channels_last(model: nn.Module) -> None:
    """The layout that cuDNN's convolutions like best: a fifth less time to decode on an H200."""
    for layer in model.modules():
        if isinstance(layer, nn.Conv3d):
            layer.weight.data = layer.weight.data.contiguous(memory_format=torch.channels_last_3d)
        elif isinstance(layer, nn.Conv2d):
            layer.weight.data = layer.weight.data.contiguous(memory_format=torch.channels_last)


def _load(path: Path) -> Any:
    """The model of NVIDIA's ``tokenizer.pth`` (Wan's own key names) or of a diffusers folder."""
    if path.is_dir():
        config, weights = _read_config(path), read_tensors(path / "diffusion_pytorch_model.safetensors")
    else:
        config = {}
        weights = read_tensors(path)
        if "conv1.weight" not in weights:
            raise CheckpointError(f"{path}: not Wan's video autoencoder (no key conv1.weight)")
        weights = convert_wan_vae_to_diffusers(dict(weights))  # type: ignore[no-untyped-call]
    with torch.device("meta"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = AutoencoderKLWan.from_config(config)  # type: ignore[no-untyped-call]
    check_keys(path, {key: tuple(value.shape) for key, value in model.state_dict().items()}, weights)
    model.load_state_dict(weights, strict=True, assign=True)
    return model


def _read_config(folder: Path) -> dict[str, Any]:
    file = folder / "config.json"
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{file}: no configuration of a video autoencoder: {error}") from None
    if not isinstance(config, dict) or config.get("_class_name") != "AutoencoderKLWan":
        raise CheckpointError(f"{file}: not the configuration of an AutoencoderKLWan")
    return config
