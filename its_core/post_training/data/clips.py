"""A clip of a training set before it is prepared, and what becomes of one that cannot be used."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["incident", "normal"]
Use = Literal["train", "validate"]
KINDS: tuple[Kind, ...] = ("incident", "normal")


@dataclass(frozen=True, slots=True)
class SourceClip:
    """A video and what is to be seen in it.

    ``name`` is its own in the training set. ``video_url`` is a path or an ``s3://`` URL. ``event_s`` is when the
    incident happens, where that is known: windows without it are not used. ``origin`` says where the clip comes from,
    as JSON values.
    """

    name: str
    video_url: str
    caption: str
    kind: Kind
    use: Use
    event_s: float | None = None
    origin: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A clip that is not used, and why: ``code`` for programs, ``reason`` for people."""

    name: str
    code: str
    reason: str
