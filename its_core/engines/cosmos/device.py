"""Which device this rank computes on, and its memory."""

from __future__ import annotations

import gc
import os

import torch

from its_core.engines.cosmos.options import CosmosOptions


def pick_device(options: CosmosOptions) -> torch.device:
    """This rank's GPU; the CPU for size tiny where there is none. Raises ValueError where there is no device."""
    local_rank = int(os.environ.get("LOCAL_RANK", "0"))
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if local_rank < gpus:
        device = torch.device("cuda", local_rank)
        torch.cuda.set_device(device)
        return device
    if options.model_size == "tiny":
        torch.set_num_threads(1)  # ranks share the cores, and layers this small only lose by threads
        return torch.device("cpu")
    if gpus == 0:
        raise ValueError(
            f"--model_size {options.model_size} needs a CUDA GPU, and this machine has none (size tiny needs none)"
        )
    raise ValueError(f"rank {local_rank} of this machine has no GPU: there are {gpus}; give --nproc_per_node={gpus}")


def free_memory() -> None:
    """Gives unused GPU memory back to the device."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def memory_in_use() -> str:
    """The most GPU memory that was in use, for a message; empty on a CPU."""
    if not torch.cuda.is_available():
        return ""
    peak, total = torch.cuda.max_memory_allocated(), torch.cuda.mem_get_info()[1]
    return f" ({peak / 2**30:.1f} of {total / 2**30:.1f} GiB were in use)"
