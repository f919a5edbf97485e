"""The ``engine.options`` of a dataset definition that uses the simulator, and the version of what they drive."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

# Part of every clip's name: a change that alters any clip's pixels or labels needs a new one.
VERSION = "3"


class SimulatorOptions(BaseModel):
    """The simulator's options."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    attempts: int = Field(
        12, ge=1, le=100, description="seeds that are tried, physics only, until the incident asked for has happened"
    )
