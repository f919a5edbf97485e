"""``its make-tiny-checkpoint``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from its_flows.cli.app import app, errors_in_a_line, out


@app.command("make-tiny-checkpoint", epilog="Example: its make-tiny-checkpoint checkpoints")
def make_tiny_checkpoint(
    folder: Annotated[Path, typer.Argument(help="Where to put it; made when it is not there.")],
) -> None:
    """Make small random weights of every part of the cosmos engine, for dry runs on any CPU (`--model_size tiny`)."""
    from its_core.engines.cosmos.model.tiny import make_tiny_checkpoint as make

    with errors_in_a_line():
        dit_path = make(folder)
    out.print(f"small random weights, for dry runs only, under {folder}; its LoRA: {dit_path}", soft_wrap=True)
