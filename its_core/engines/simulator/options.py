"""The ``engine.options`` of a dataset definition that uses the simulator, and the version of what they drive."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

# Part of every clip's name: a change that alters any clip's pixels or labels needs a new one.
VERSION = "2"


class SimulatorOptions(BaseModel):
    """``attempts``: how many seeds are tried, physics only, until the incident asked for has happened."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    attempts: Annotated[int, Field(ge=1, le=100)] = 12
