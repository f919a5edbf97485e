"""One entry of a batch as a clip to make, and back: the guide's three keys, and the other fields of the request."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from its_core.clip import MAX_GUIDANCE, MAX_PROMPT_CHARS, MAX_SEED, ClipRequest, Geometry, clip_seed
from its_core.clip.request_json import REQUEST
from its_core.shards.batch.jobs import BatchError, Job
from its_core.shards.receipts import ClipFiles
from its_core.text import refuse_invisible

Label = Callable[[str], str]  # a key, as the message about its value names it

_MAX_SIDE_PX = 8192
_MAX_FRAMES = 10_000


@dataclass(frozen=True, slots=True)
class Defaults:
    """What an entry without our keys gets: the values of the command line. Entries after the first mix ``seed`` with
    their position, so that a batch is not one noise over and over."""

    seed: int
    negative_prompt: str
    guidance: float
    geometry: Geometry

    def check(self, label: Label) -> None:
        """Raises BatchError for a value that no clip can be made with."""
        _check_number(self.seed, 0, MAX_SEED, "seed", label)
        _check_number(self.guidance, 0, MAX_GUIDANCE, "guidance", label)
        check_prompt(self.negative_prompt, "negative_prompt", label, may_be_blank=True)


def entry_of_job(job: Job) -> dict[str, Any]:
    """The entry of a job, the guide's three keys first."""
    request: dict[str, Any] = REQUEST.dump_python(job.request, mode="json")
    guides = {
        "input_video": request.pop("input_path"),
        "prompt": request.pop("prompt"),
        "output_video": str(job.files.video),
    }
    return guides | request


def job_of_entry(entry: Mapping[str, Any], position: int, defaults: Defaults, label: Label) -> Job:
    """The job that an entry asks for. ``label`` names a key in a message. Raises BatchError."""
    given = {key: value for key, value in entry.items() if value is not None}
    output = _output_path(given.get("output_video"), label("output_video"))
    given["input_path"] = given.pop("input_video", None) or None
    stem = output.stem
    filled = {
        "clip_id": stem,
        "scenario_id": stem,
        "variant": 0,
        "seed": clip_seed(defaults.seed, stem, position),
        "negative_prompt": defaults.negative_prompt,
        "guidance": defaults.guidance,
        "geometry": defaults.geometry,
        "scene": {"camera_id": stem},
    } | given
    for key in ("seed", "variant", "guidance"):
        if isinstance(filled[key], bool):
            raise BatchError(f"{label(key)}: {filled[key]}: must be a number", code=f"batch.{key}")
    try:
        request = REQUEST.validate_python(filled)
    except ValidationError as error:
        raise _wrong_type(error, label) from None
    check_values(request, label)
    return Job(request, ClipFiles(output))


def check_values(request: ClipRequest, label: Label) -> None:
    """Raises BatchError for a value that no clip can be made with, before anything is loaded."""
    _check_number(request.seed, 0, MAX_SEED, "seed", label)
    _check_number(request.guidance, 0, MAX_GUIDANCE, "guidance", label)
    _check_number(request.variant, 0, MAX_SEED, "variant", label)
    geometry = request.geometry
    for key, low, high in (("width_px", 2, _MAX_SIDE_PX), ("height_px", 2, _MAX_SIDE_PX), ("fps", 1, 240)):
        _check_number(getattr(geometry, key), low, high, f"geometry.{key}", label)
    _check_number(geometry.frames, 1, _MAX_FRAMES, "geometry.frames", label)
    if geometry.width_px % 2 or geometry.height_px % 2:
        raise BatchError(
            f"{label('geometry')}: {geometry.width_px}×{geometry.height_px}: both sides must be even numbers",
            code="batch.geometry",
        )
    check_prompt(request.prompt, "prompt", label)
    check_prompt(request.negative_prompt, "negative_prompt", label, may_be_blank=True)
    if request.input_path is not None:
        _check_path(request.input_path, "input_video", label)


def check_prompt(prompt: str, key: str, label: Label, *, may_be_blank: bool = False) -> None:
    """Raises BatchError for a text that the text encoder cannot read whole."""
    try:
        if not may_be_blank and not prompt.strip():
            raise ValueError("is empty: say what is to be seen")
        if len(prompt) > MAX_PROMPT_CHARS:
            raise ValueError(f"{len(prompt)} characters long; the text encoder reads about {MAX_PROMPT_CHARS} at most")
        refuse_invisible(prompt)
    except ValueError as error:
        raise BatchError(f"{label(key)}: {error}", code=f"batch.{key}") from None


def _check_number(value: float, low: float, high: float, key: str, label: Label) -> None:
    if not (math.isfinite(value) and low <= value <= high):
        hint = " (null where it is not given)" if math.isnan(value) else ""
        raise BatchError(
            f"{label(key)}: {value}: must be from {low} to {high}{hint}", code=f"batch.{key.partition('.')[0]}"
        )


def _check_path(path: str, key: str, label: Label) -> None:
    try:
        refuse_invisible(path, also="\n\t")
    except ValueError as error:
        raise BatchError(f"{label(key)}: {error}", code=f"batch.{key}") from None


def _output_path(value: object, where: str) -> Path:
    """The MP4 that an entry names. Raises BatchError for what can be no file here."""

    def refused(reason: str) -> BatchError:
        return BatchError(f"{where}: {value!r}: {reason}", code="batch.output_video")

    if value is None:
        raise BatchError(f"{where}: is missing: name the MP4 to write", code="batch.output_video")
    if not isinstance(value, str):
        raise refused("must be a text, the path of the MP4 to write")
    if not value.strip():
        raise refused("is empty: name the MP4 to write")
    if "://" in value:
        raise refused("must be a path on this machine")
    try:
        refuse_invisible(value, also="\n\t")
    except ValueError as error:
        raise refused(str(error)) from None
    path = Path(value)
    if not path.stem or value.endswith("/") or path.name in {".", ".."} or path.is_dir():
        raise refused("is a folder: name the MP4 to write")
    return path


def _wrong_type(error: ValidationError, label: Label) -> BatchError:
    first = error.errors(include_url=False)[0]
    key = ".".join(str(part) for part in first["loc"])
    shown = f"{first['input']!r}: " if first["type"] != "missing" else ""
    name = "input_video" if key == "input_path" else key
    return BatchError(f"{label(name)}: {shown[:120]}{first['msg']}", code=f"batch.{name.partition('.')[0]}")
