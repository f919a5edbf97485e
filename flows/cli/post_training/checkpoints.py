"""``its make-tiny-checkpoint``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from its_flows.cli.app import app, errors_in_a_line, out

from its_core.engines.engine import engine_module, engine_names


@app.command(
    "make-tiny-checkpoint",
    epilog="Example: its make-tiny-checkpoint checkpoints",
    rich_help_panel="Post-train the model",
)
def make_tiny_checkpoint(
    folder: Annotated[Path, typer.Argument(help="Where to put it; made when it is not there.")],
    for_training: Annotated[
        bool, typer.Option("--for-training", help="With a base network that a LoRA can be trained on.")
    ] = False,
) -> None:
    """Make small random weights of every part of the cosmos engine, for dry runs on any CPU (`--model_size tiny`)."""
    if for_training:
        with errors_in_a_line():
            from its_core.engines.cosmos.model.tiny import make_tiny_checkpoint as make

            make(folder, for_training=True)
        out.print(f"small weights to train a LoRA on, for dry runs only, under {folder}", soft_wrap=True)
        return
    for name in engine_names():
        with errors_in_a_line():
            checkpoint = engine_module(name).make_stand_in_weights(folder)
        if checkpoint is not None:
            line = f"small random weights of {name}, for dry runs only, under {folder}; its LoRA: {checkpoint}"
            out.print(line, soft_wrap=True)
