"""The option ``--engine``, for the commands that ask which engine is to render."""

from __future__ import annotations

from typing import Annotated

import typer

from its_core.engines.engine import engine_names


def _known(name: str) -> str:
    if name not in engine_names():
        raise typer.BadParameter(f"{name!r}: no such engine; there are {', '.join(engine_names())}")
    return name


EngineOption = Annotated[
    str, typer.Option("--engine", callback=_known, metavar="|".join(engine_names()), help="The engine that renders.")
]
