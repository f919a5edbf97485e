"""Networks, inputs and checkpoints of the Cosmos engine with random weights of the true shapes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch

from its_core.clip import ClipRequest, Scene
from its_core.engines.cosmos.model.network import LATENT_CHANNELS, Video2WorldNetwork
from its_core.engines.cosmos.model.tiny import LORA_CHECKPOINT, make_tiny_checkpoint, save_random_text_encoder
from its_core.engines.cosmos.options import CosmosOptions
from its_core.engines.cosmos.shapes import SHAPES, ModelSize

# Latent frames, rows and columns at 16 fps; "small" is for whole trajectories.
LATENT: dict[tuple[ModelSize, str], tuple[int, int, int]] = {
    **{(size, "720"): (24, 88, 160) for size in ("2B", "14B")},
    **{(size, "480"): (24, 54, 96) for size in ("2B", "14B")},
    **{(size, "small"): (6, 32, 32) for size in ("2B", "14B")},
    **{("tiny", resolution): (4, 12, 20) for resolution in ("720", "480", "small")},
}
TEXT_TOKENS = 512


def dtype_on(device: torch.device) -> torch.dtype:
    return torch.bfloat16 if device.type == "cuda" else torch.float32


def random_network(size: ModelSize, device: torch.device) -> Video2WorldNetwork:
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype_on(device))
    try:
        with device:
            network = Video2WorldNetwork(SHAPES[size])
    finally:
        torch.set_default_dtype(before)
    for parameter in network.parameters():
        if parameter.ndim == 2:
            parameter.normal_(std=0.6 * parameter.shape[1] ** -0.5)
    return network.eval().requires_grad_(False)


def structured_network(size: ModelSize, device: torch.device) -> Video2WorldNetwork:
    """Random weights with what makes trained networks hard to round: a few loud channels in the tokens, weights of
    heavy tails, and norms that sharpen attention."""
    torch.manual_seed(0)
    network = random_network(size, device)
    for name, parameter in network.named_parameters():
        if parameter.ndim == 2:
            parameter.mul_(1 + 0.5 * torch.randn_like(parameter).abs() ** 3)
            parameter.mul_(parameter.shape[1] ** -0.5 * 0.6 / parameter.std())
        elif name.endswith(("q_norm.weight", "k_norm.weight")):
            parameter.uniform_(0.5, 1.5)
            parameter[:: len(parameter) // 4] *= 3
    network.x_embedder.proj[1].weight[:3] *= 25
    return network


def random_inputs(size: ModelSize, device: torch.device, resolution: str = "720") -> tuple[torch.Tensor, ...]:
    """Latent, time, text and the mask of one given frame, as in the middle of sampling."""
    frames, rows, columns = LATENT[size, resolution]
    x = torch.randn(1, LATENT_CHANNELS, frames, rows, columns, device=device)
    time_BT = torch.full((1, frames), 0.7, device=device)
    time_BT[:, 0] = 1e-4
    mask = torch.zeros_like(x[:, :1])
    mask[:, :, 0] = 1
    text = torch.randn(1, TEXT_TOKENS, SHAPES[size].text_width, device=device, dtype=dtype_on(device)) * 0.2
    text[:, 120:] = 0
    return x, time_BT, text, mask


def make_checkpoints(size: ModelSize, device: torch.device, work: Path, resolution: str = "720") -> CosmosOptions:
    """Random weights on disk, laid out like NVIDIA's: base network, a LoRA alone, VAE, a shallow T5 of full width.
    What is there already is left alone."""
    lora = work / LORA_CHECKPOINT if size == "tiny" else work / f"iter_000001000.{resolution}.pt"
    chosen = CosmosOptions.model_validate({"resolution": resolution, "use_lora": True, "dit_path": str(lora)})
    if size == "tiny":
        if not lora.exists():
            make_tiny_checkpoint(work)
        return chosen.model_copy(update={"model_size": "tiny", "checkpoints_dir": str(work)})
    from diffusers import AutoencoderKLWan

    options = CosmosOptions(
        model_size=size,
        resolution=chosen.resolution,
        use_lora=True,
        dit_path=str(lora),
        checkpoints_dir=str(work),
        disable_guardrail=True,
        disable_prompt_refiner=True,
    )
    folders = options.folders
    if lora.exists():
        return options
    folders.base.parent.mkdir(parents=True, exist_ok=True)
    network = random_network(size, device)
    torch.save({f"net.{key}": value for key, value in network.state_dict().items()}, folders.base)
    os.link(folders.base, options.model_copy(update={"natten": True}).folders.base)  # the network's shape is the same
    torch.save(random_lora(network, options), lora)
    vae: Any = AutoencoderKLWan()
    vae.save_pretrained(folders.model / "vae")
    save_random_text_encoder(folders.text_encoder, width=SHAPES[size].text_width)
    return options


def random_lora(network: Video2WorldNetwork, options: CosmosOptions) -> dict[str, torch.Tensor]:
    rank, weights = options.lora_rank, {}
    for name, layer in network.named_modules():
        if isinstance(layer, torch.nn.Linear) and any(name.endswith(f".{target}") for target in options.targets):
            like = layer.weight
            weights[f"net.{name}.lora_A.default.weight"] = torch.randn_like(like[:rank]) * 0.02
            weights[f"net.{name}.lora_B.default.weight"] = torch.randn_like(like[:, :rank]) * 0.02
    return weights


def request_of(options: CosmosOptions, work: Path, number: int) -> ClipRequest:
    from PIL import Image

    frame = work / "frame.png"
    Image.linear_gradient("L").resize((1280, 720)).convert("RGB").save(frame)
    return ClipRequest(
        clip_id=f"clip_{number}",
        scenario_id=f"clip_{number}",
        variant=0,
        seed=number,
        prompt="A static traffic camera captures a junction where a car runs a red light and hits another.",
        negative_prompt="blurry, shaking camera",
        guidance=7.0,
        geometry=options.geometry,
        scene=Scene(camera_id="benchmark"),
        input_path=str(frame),
    )
