"""From a checkpoint to the network that sampling runs, with the kernels that suit this device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from its_core.engines.cosmos.model.inference.attention import Choice, choose_attention, installed_kernels
from its_core.engines.cosmos.model.inference.elementwise import elementwise_on
from its_core.engines.cosmos.model.inference.network import Fp8Plan, PackedNetwork
from its_core.engines.cosmos.model.inference.precision import measure_fp8
from its_core.engines.cosmos.model.inference.windows import self_test_windows
from its_core.engines.cosmos.model.lora import load_network
from its_core.engines.cosmos.model.network import Video2WorldNetwork
from its_core.engines.cosmos.model.parallel import ClipGroup
from its_core.engines.cosmos.neighbourhoods import Neighbourhood
from its_core.engines.cosmos.options import CosmosOptions
from its_core.engines.cosmos.shapes import SHAPES

FP8_CAPABILITY = (8, 9)  # Ada and Hopper are the first with FP8 products


@dataclass(frozen=True, slots=True)
class Loaded:
    """``record`` says which kernels and which precision were chosen, as JSON values."""

    network: PackedNetwork
    record: dict[str, Any]


def load_packed(
    options: CosmosOptions, device: torch.device, dtype: torch.dtype, tokens: int, group: ClipGroup
) -> Loaded:
    """The network that ``options`` name; ``tokens`` is how many a clip has.

    Raises CheckpointError for weights that do not fit, WrongAttention for a kernel that computes something else, and
    ValueError where the device cannot compute in the precision that is asked for.
    """
    check_precision(options, device)
    network = load_network(options, SHAPES[options.model_size], device, dtype)
    return pack(network, options.precision, tokens, group, options.neighbourhoods)


def pack(
    network: Video2WorldNetwork,
    precision: str,
    tokens: int,
    group: ClipGroup,
    neighbourhoods: Sequence[Neighbourhood | None] = (),
) -> Loaded:
    """Takes over the network's weights. Processes that share a clip use the first one's attention kernel. With
    ``neighbourhoods``, one a block, self-attention is sparse."""
    weight = network.t_embedding_norm.weight
    heads, head_width = network.shape.heads, network.shape.width // network.shape.heads
    fp8 = precision == "fp8"
    wanted = choose_attention(weight.device, weight.dtype, heads, head_width, tokens, fp8)
    attention = _agreed(wanted, group, weight.device)
    if neighbourhoods:
        self_test_windows(attention.kernel, weight.device, weight.dtype, heads, head_width, fp8)
    elementwise = elementwise_on(weight.device, head_width)
    plan, kept = Fp8Plan(), list[str]()
    if fp8:
        errors = measure_fp8(network, attention.kernel)
        plan, kept = errors.plan(), errors.kept()
    record = {
        "precision": precision if fp8 else str(weight.dtype).removeprefix("torch."),
        "attention": attention.record() | {"fp8": any(name.endswith("attention") for name in plan.names)},
        "elementwise": elementwise.name,
        **({"kept_in_16_bits": kept} if fp8 else {}),
    }
    packed = PackedNetwork(network, attention.kernel, elementwise, plan, neighbourhoods)
    packed.share = group.share
    return Loaded(packed, record)


def check_precision(options: CosmosOptions, device: torch.device) -> None:
    """Raises ValueError where FP8 is asked for and the GPU has no products in it."""
    if options.precision == "fp8" and device.type == "cuda":
        capability = torch.cuda.get_device_capability(device)
        if capability < FP8_CAPABILITY:
            raise ValueError(
                f"--precision fp8 needs a GPU of compute capability 8.9 or newer (Ada, Hopper), "
                f"{torch.cuda.get_device_name(device)} has {capability[0]}.{capability[1]}: use --precision bf16"
            )


def _agreed(mine: Choice, group: ClipGroup, device: torch.device) -> Choice:
    """The choice of the group's first process: measurements may differ, one clip's kernels must not."""
    name = group.everyones_object(mine.kernel.name)[0]
    if name == mine.kernel.name:
        return mine
    for kernel in installed_kernels(device):
        if kernel.name == name:
            return Choice(kernel, mine.measured_ms)
    raise ValueError(f"the ranks of one clip must have the same attention kernels installed: {name} is not on this one")
