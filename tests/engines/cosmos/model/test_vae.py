"""The video autoencoder: both checkpoint layouts, causal encoding, streamed decoding."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKLWan

from its_core.engines.cosmos.errors import CheckpointError
from its_core.engines.cosmos.model.vae import WanVae

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small random autoencoder in diffusers' layout."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("vae")
    AutoencoderKLWan(base_dim=4, num_res_blocks=1).save_pretrained(path)
    return path


def noise(frames: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (frames, 32, 48, 3), dtype=np.uint8)


def test_the_first_frames_alone_give_the_first_latents_of_the_whole(folder: Path) -> None:
    vae, frames = WanVae(folder, CPU, torch.float32), noise(9)
    whole = vae.encode(frames)
    assert whole.shape == (1, 16, 3, 4, 6)
    assert torch.equal(vae.encode(frames[:1]), whole[:, :, :1])
    assert torch.equal(vae.encode(frames[:5]), whole[:, :, :2])


def test_decoding_in_a_stream_equals_decoding_at_once(folder: Path) -> None:
    vae = WanVae(folder, CPU, torch.float32)
    latent = torch.randn(1, 16, 3, 4, 6)
    frames = list(vae.decode(latent))
    assert [frame.shape for frame in frames] == [(32, 48, 3)] * 9
    model = AutoencoderKLWan.from_pretrained(folder, local_files_only=True)
    mean, std = (torch.tensor(v).view(1, -1, 1, 1, 1) for v in (model.config.latents_mean, model.config.latents_std))
    whole = model.decode(latent * std + mean, return_dict=False)[0]
    levels = ((whole + 1) * 127.5).round().to(torch.uint8)[0].permute(1, 2, 3, 0)
    assert np.array_equal(np.stack(frames), levels.numpy())


def test_a_half_read_stream_does_not_spoil_the_next(folder: Path) -> None:
    vae, latent = WanVae(folder, CPU, torch.float32), torch.randn(1, 16, 2, 4, 6)
    whole = list(vae.decode(latent))
    stopped = vae.decode(torch.randn(1, 16, 2, 4, 6))
    next(stopped)
    stopped.close()
    assert np.array_equal(np.stack(list(vae.decode(latent))), np.stack(whole))


@pytest.mark.parametrize("shape", [(4, 32, 48), (5, 30, 48), (1, 32, 44)])
def test_sizes_that_would_lose_frames_or_pixels_are_refused(folder: Path, shape: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="4k \\+ 1 frames with sides that 8 divides are needed"):
        WanVae(folder, CPU, torch.float32).encode(np.zeros((*shape, 3), np.uint8))


def wans_own_name(key: str) -> str:
    """diffusers' key in the names of Wan's published checkpoint."""
    parts = {"norm1": "residual.0", "conv1": "residual.2", "norm2": "residual.3", "conv2": "residual.6"}
    if key.startswith(("quant_conv", "post_quant_conv")):
        return key.replace("post_quant_conv", "conv2").replace("quant_conv", "conv1")
    key = re.sub(r"\b(norm1|conv1|norm2|conv2)\b", lambda m: parts[m[1]], key)
    key = key.replace("conv_in", "conv1").replace("norm_out", "head.0").replace("conv_out", "head.2")
    key = key.replace("mid_block.resnets.0", "middle.0").replace("mid_block.resnets.1", "middle.2")
    key = key.replace("mid_block.attentions.0", "middle.1").replace("conv_shortcut", "shortcut")
    key = re.sub(
        r"up_blocks\.(\d)\.(resnets|upsamplers)\.(\d)",
        lambda m: f"upsamples.{4 * int(m[1]) + (int(m[3]) if m[2] == 'resnets' else 3)}",
        key,
    )
    return key.replace("down_blocks", "downsamples")


@pytest.fixture
def wan_checkpoint() -> dict[str, torch.Tensor]:
    """Wan 2.1's names and shapes; every tensor is one number, repeated without taking memory."""
    with torch.device("meta"):
        shapes = AutoencoderKLWan().state_dict()
    return {wans_own_name(key): torch.tensor(0.01).expand(value.shape) for key, value in shapes.items()}


def test_wans_own_layout_loads(wan_checkpoint: dict[str, torch.Tensor], tmp_path: Path) -> None:
    assert "encoder.downsamples.0.residual.2.weight" in wan_checkpoint
    assert "decoder.upsamples.14.residual.6.bias" in wan_checkpoint
    torch.save(wan_checkpoint, tmp_path / "tokenizer.pth")
    assert WanVae(tmp_path / "tokenizer.pth", CPU, torch.bfloat16).channels == 16


def test_what_is_no_wan_autoencoder_is_refused(
    wan_checkpoint: dict[str, torch.Tensor], folder: Path, tmp_path: Path
) -> None:
    del wan_checkpoint["decoder.head.2.bias"]
    torch.save(wan_checkpoint, tmp_path / "tokenizer.pth")
    with pytest.raises(CheckpointError, match=r"1 of 194 keys are missing: decoder\.conv_out\.bias"):
        WanVae(tmp_path / "tokenizer.pth", CPU, torch.float32)
    torch.save({"weight": torch.zeros(2)}, tmp_path / "other.pth")
    with pytest.raises(CheckpointError, match="not Wan's video autoencoder"):
        WanVae(tmp_path / "other.pth", CPU, torch.float32)
    (tmp_path / "config.json").write_text('{"_class_name": "AutoencoderKL"}')
    (tmp_path / "diffusion_pytorch_model.safetensors").write_bytes(
        (folder / "diffusion_pytorch_model.safetensors").read_bytes()
    )
    with pytest.raises(CheckpointError, match="not the configuration of an AutoencoderKLWan"):
        WanVae(tmp_path, CPU, torch.float32)
