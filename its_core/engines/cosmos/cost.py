"""What a clip takes of a GPU, said before anything is loaded.

Memory adds up the parts that are on the GPU at a time. What sampling and decoding need beside the weights is what was
measured on an H200 (benchmarks/results/cosmos_h200.md), by token and by pixel; text encoder, guardrail and refiner are
their parameters in 16 bits.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from its_core.engines.cosmos.options import CosmosOptions
from its_core.engines.cosmos.shapes import SHAPES, ModelSize
from its_core.engines.engine import ClipCost

GIB = 2**30
NETWORK_GIB: dict[ModelSize, float] = {"2B": 3.64, "14B": 26.57, "tiny": 0.0}
AUTOENCODER_GIB, TEXT_ENCODER_GIB, GUARDRAIL_GIB, REFINER_GIB = 0.24, 9.1, 3.5, 15.5
SAMPLING_BYTES = {"bf16": 32.0, "fp8": 34.6}  # a token and a column of the network's width
WINDOWS_BYTES = {"bf16": 8.1, "fp8": 2.5}  # the same, more where attention is sparse: keys and values are copied
DECODING_GIB_A_MEGAPIXEL = 8.8
TOKEN_PX = 16  # a token's side in pixels
# On an H200, a second: operations of self-attention and of the products, and columns of tokens a block for the rest.
H200_RATES = {"bf16": (0.70e15, 0.74e15, 7.6e10), "fp8": (0.91e15, 1.51e15, 5.3e10)}
# Self-attention to the windows of sparse checkpoints, the copies of queries and keys included.
H200_WINDOWS_RATE = {"bf16": 0.66e15, "fp8": 0.83e15}
_DEVICES, _MEASURES_WITHIN_S = Path("/dev"), 180
PRODUCTS_A_BLOCK = 14  # matrices of width × width, counting an MLP as eight


def clip_cost(options: CosmosOptions) -> ClipCost:
    """Measures a forward where there is a GPU; else the rates of an H200 are taken."""
    if options.model_size == "tiny":
        return ClipCost(None, (), None, "size tiny is for dry runs")
    seconds, source = _forward_s(options)
    forwards = forwards_of(options)
    decoding_s = 3.3 * options.geometry.width_px * options.geometry.height_px / (1280 * 704)
    whole = f"{forwards} forwards of {seconds:.2f} s, {source}"
    return ClipCost(round(gpu_gib(options), 1), tuple(_savings(options)), forwards * seconds + decoding_s, whole)


def gpu_gib(options: CosmosOptions) -> float:
    """The most that is in use at a time on one GPU that makes a clip alone."""
    geometry, width = options.geometry, SHAPES[options.model_size].width
    network = NETWORK_GIB[options.model_size]
    refiner = 0.0 if options.disable_prompt_refiner else REFINER_GIB
    guardrail = 0.0 if options.disable_guardrail else GUARDRAIL_GIB
    resident = network / (2 if options.precision == "fp8" else 1) + AUTOENCODER_GIB
    visits = [TEXT_ENCODER_GIB, DECODING_GIB_A_MEGAPIXEL * geometry.width_px * geometry.height_px / 1e6]
    sampling = SAMPLING_BYTES[options.precision] + (WINDOWS_BYTES[options.precision] if options.natten else 0.0)
    visits.append(token_count(options) * width * sampling / GIB)
    for part, is_offloaded in (
        (refiner, options.offload_prompt_refiner),
        (guardrail, options.offload_guardrail),
    ):
        if is_offloaded:
            visits.append(part)
        else:
            resident += part
    return max(network, resident + max(visits))  # it is loaded in 16 bits, whatever it runs in


def token_count(options: CosmosOptions) -> int:
    geometry = options.geometry
    latent_frames = (geometry.frames - 1) // 4 + 1
    return latent_frames * (geometry.width_px // TOKEN_PX) * (geometry.height_px // TOKEN_PX)


def forwards_of(options: CosmosOptions) -> int:
    """How often the network is evaluated for a clip, one text at a time."""
    from its_core.engines.cosmos.model.sampling import Shortcuts, computed_forwards

    shortcuts = Shortcuts((options.guidance_sigma_min, options.guidance_sigma_max), options.step_cache)
    return computed_forwards(options.preset != "distilled", shortcuts, options.sampling_steps)


def h200_forward_s(options: CosmosOptions) -> float:
    """What a forward takes on an H200, from its rates; within a tenth of what was measured."""
    shape, tokens = SHAPES[options.model_size], token_count(options)
    attention_rate, product_rate, rest_rate = H200_RATES[options.precision]
    if options.natten:
        attention_rate = H200_WINDOWS_RATE[options.precision]
    attention = 4 * tokens**2 * shape.width * _dense_blocks(options) / attention_rate
    products = 2 * tokens * PRODUCTS_A_BLOCK * shape.width**2 / product_rate
    return attention + shape.blocks * (products + tokens * shape.width / rest_rate)


def _dense_blocks(options: CosmosOptions) -> float:
    """How many blocks that attend to all tokens have as many scores as this network."""
    if not options.natten:
        return SHAPES[options.model_size].blocks
    grid = options.geometry.height_px // TOKEN_PX, options.geometry.width_px // TOKEN_PX
    return sum(1.0 if each is None else each.density(*grid) for each in options.neighbourhoods)


def _forward_s(options: CosmosOptions) -> tuple[float, str]:
    """Seconds, and where they are from. What goes wrong in measuring is left to the load, which says it."""
    if not any(_DEVICES.glob("nvidia[0-9]*")):
        return h200_forward_s(options), "an H200's rate"
    # In a process of its own: this one must not hold a GPU while the clips are made.
    command = [sys.executable, "-m", "its_core.engines.cosmos.model.inference.timing", options.model_dump_json()]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=_MEASURES_WITHIN_S)
        found = json.loads(done.stdout.splitlines()[-1])
        return float(found["forward_s"]), f"measured on {found['device']}"
    except (subprocess.SubprocessError, OSError, LookupError, ValueError):
        return h200_forward_s(options), "an H200's rate: it could not be measured here"


def _savings(options: CosmosOptions) -> Iterator[tuple[str, float]]:
    """What lowers the memory, each together with those before it."""
    steps: list[tuple[str, dict[str, object]]] = []
    if not (options.disable_prompt_refiner or options.offload_prompt_refiner):
        steps.append(("offload_prompt_refiner: true", {"offload_prompt_refiner": True}))
    if not (options.disable_guardrail or options.offload_guardrail):
        steps.append(("offload_guardrail: true", {"offload_guardrail": True}))
    if not options.disable_prompt_refiner:
        steps.append(("disable_prompt_refiner: true", {"disable_prompt_refiner": True}))
    if options.precision == "bf16":
        steps.append(("precision: fp8", {"precision": "fp8"}))
    if options.resolution == "720":
        steps.append(("resolution: 480", {"resolution": "480"}))
    lowest = gpu_gib(options)
    for words, change in steps:
        options = options.model_copy(update=change)
        if (gib := gpu_gib(options)) < lowest - 0.05:
            lowest = gib
            yield words, round(gib, 1)
