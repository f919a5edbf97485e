"""The program that prepares clips: ``torchrun --nproc_per_node=N -m its_core.post_training.data.worker --orders FILE``.

Every process takes clips ``rank``, ``rank + N`` … What is there already is not computed again, so the same command goes
on where the last one stopped.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path

from its_core import logs
from its_core.errors import FactoryError
from its_core.post_training.data.orders import PrepareOrders
from its_core.post_training.torchrun import refuse
from its_core.shards.parent_death import die_with_parent

_log = logging.getLogger("its_core.post_training.data.worker")


def main() -> None:
    die_with_parent()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=Path, required=True, help="the JSON file that says what to prepare")
    arguments = parser.parse_args()
    rank, ranks = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    logs.configure(sys.stdout, f"[rank {rank}] %(message)s", rank=rank)
    try:
        orders = PrepareOrders.model_validate_json(arguments.orders.read_bytes())
        _prepare(orders, rank, ranks)
    except (FactoryError, OSError, ValueError) as error:
        refuse(error)


def _prepare(orders: PrepareOrders, rank: int, ranks: int) -> None:
    import torch

    from its_core.engines.cosmos.device import pick_device
    from its_core.engines.cosmos.model.text_encoder import TextEncoder
    from its_core.engines.cosmos.model.vae import WanVae
    from its_core.engines.cosmos.shapes import SHAPES
    from its_core.post_training.data.prepare import prepare_clip, prepare_texts
    from its_core.storage import input_cache

    options, store = orders.options, orders.store()
    device = pick_device(options)
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    texts = TextEncoder(options.folders.text_encoder, SHAPES[options.model_size].text_width, device, dtype)
    clips = orders.source_clips()[rank::ranks]
    captions = [clip.caption for clip in clips]
    if rank == 0:
        captions.append(orders.negative_prompt)
    prepare_texts(captions, store, texts)
    vae = WanVae(options.folders.vae, device, dtype)
    with input_cache.of_this_machine() as cache:
        for clip in clips:
            prepare_clip(clip, store, vae, cache, orders.receipts)


if __name__ == "__main__":
    main()
