"""Seconds of a forward on this device, without weights: small networks of the true width and length.

    python -m its_core.engines.cosmos.model.inference.timing '{"model_size": "2B"}'

prints them for these options as JSON, with the device's name, and leaves nothing on the GPU.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace

import torch

from its_core.engines.cosmos.device import pick_device
from its_core.engines.cosmos.model.inference.load import check_precision, pack
from its_core.engines.cosmos.model.network import LATENT_CHANNELS, Video2WorldNetwork
from its_core.engines.cosmos.model.parallel import ClipGroup
from its_core.engines.cosmos.neighbourhoods import Neighbourhood
from its_core.engines.cosmos.options import CosmosOptions
from its_core.engines.cosmos.shapes import SHAPES

_TEXT_TOKENS, _SPACE, _TIME = 512, 8, 4


def main() -> None:
    options = CosmosOptions.model_validate_json(sys.argv[1])
    device = pick_device(options)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
    geometry = options.geometry
    latent = (geometry.frames - 1) // _TIME + 1, geometry.height_px // _SPACE, geometry.width_px // _SPACE
    print(json.dumps({"forward_s": forward_s(options, device, latent), "device": name}))


def forward_s(options: CosmosOptions, device: torch.device, latent_THW: tuple[int, int, int]) -> float:
    """One text. Networks of one and two blocks are timed: all further blocks take what the second does, or of a sparse
    network each as long as a second one with its neighbourhood.

    Raises ValueError where the device cannot compute in the precision that is asked for, RuntimeError for what torch
    says, WrongAttention for a kernel that computes something else.
    """
    check_precision(options, device)
    shape = SHAPES[options.model_size]
    first, *others = options.neighbourhoods or [None] * shape.blocks
    one = _timed([first], options, device, latent_THW)
    further = {each: max(0.0, _timed([first, each], options, device, latent_THW) - one) for each in set(others)}
    return one + sum(further[each] for each in others)


@torch.no_grad()
def _timed(
    neighbourhoods: list[Neighbourhood | None],
    options: CosmosOptions,
    device: torch.device,
    latent_THW: tuple[int, int, int],
) -> float:
    shape = replace(SHAPES[options.model_size], blocks=len(neighbourhoods))
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    frames, rows, columns = latent_THW
    x = torch.randn(1, LATENT_CHANNELS, *latent_THW, device=device)
    text = torch.randn(1, _TEXT_TOKENS, shape.text_width, device=device, dtype=dtype)
    time_BT, mask = torch.full((1, frames), 0.5, device=device), torch.zeros_like(x[:, :1])
    with device:
        network = Video2WorldNetwork(shape).to(dtype).eval().requires_grad_(False)
    tokens = frames * (rows // 2) * (columns // 2)
    sparse = neighbourhoods if options.natten else []
    packed = pack(network, options.precision, tokens, ClipGroup(), sparse).network
    spent = 0.0
    for _ in range(3):  # the first ones load kernels
        _wait(device)
        since = time.perf_counter()
        packed.for_texts(x, time_BT, [text], mask)
        _wait(device)
        spent = time.perf_counter() - since
    return spent


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


if __name__ == "__main__":
    main()
