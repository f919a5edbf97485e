"""The ``engine.options`` of a dataset definition that uses the simulator, and the version of what they drive."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

# Part of every clip's name: a change that alters any clip's pixels or labels needs a new one.
VERSION = "20"


Truth = Literal["masks", "depth", "flow", "normals"]
Control = Literal["depth", "segmentation", "edges", "blur"]


def _words(value: Any) -> Any:
    """A list of words, also as one text with commas (a flag's value); each once, in order of the alphabet."""
    if isinstance(value, str):
        value = [word.strip() for word in value.split(",") if word.strip()]
    return tuple(sorted(set(value))) if isinstance(value, list | tuple) else value


class SimulatorOptions(BaseModel):
    """The simulator's options."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    attempts: int = Field(
        12, ge=1, le=100, description="seeds that are tried, physics only, until the incident asked for has happened"
    )
    truth: Annotated[tuple[Truth, ...], BeforeValidator(_words)] = Field(
        (), description="exact truth by pixel: masks (in the annotations), depth, flow, normals (a file each, .npz)"
    )
    controls: Annotated[tuple[Control, ...], BeforeValidator(_words)] = Field(
        (), description="control videos beside the clip, for Cosmos-Transfer: depth, segmentation, edges, blur"
    )
