"""The batch file of a shard: the guide's JSON array, with our keys beside its own.

Every entry holds ``input_video``, ``prompt`` and ``output_video``, which is all that NVIDIA's script reads. Ours add
the clip's identity, its own seed, guidance and negative prompt, its geometry and the structured scene.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from its_core import storage
from its_core.clip import ClipRequest, Geometry, Scene, clip_seed
from its_core.engines.engine import EngineName
from its_core.errors import FactoryError
from its_core.shards.receipts import ClipFiles


class BatchError(FactoryError, ValueError):
    """A batch file that cannot be run; the message names the file, the entry, the key and what would be right."""

    default_code = "batch"


@dataclass(frozen=True, slots=True)
class Job:
    """A clip to make and where it goes."""

    request: ClipRequest
    files: ClipFiles


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """``planned`` is ``EngineIdentity.made_by`` of the engine that the clips were named for, ``weights_sha256`` its
    weights'; None where nobody named them."""

    name: EngineName
    options: dict[str, Any]
    planned: str | None = None
    weights_sha256: str | None = None


class _Entry(BaseModel):
    """One entry as it may stand in a file; only the guide's three keys are required."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=False)

    input_video: str | None
    prompt: str
    output_video: str
    input_sha256: str | None = None
    clip_id: str | None = None
    scenario_id: str | None = None
    variant: int = 0
    seed: int | None = None
    negative_prompt: str | None = None
    guidance: float | None = None
    geometry: Geometry | None = None
    scene: Scene | None = None
    engine: EngineSettings | None = None


@dataclass(frozen=True, slots=True)
class Defaults:
    """What an entry without our keys gets: the values of the command line. Entries after the first mix ``seed`` with
    their place, so that a batch is not one noise over and over."""

    seed: int
    negative_prompt: str
    guidance: float
    geometry: Geometry


_entries = TypeAdapter(list[_Entry])


def write(path: Path, jobs: list[Job], engine: EngineSettings) -> None:
    """Writes the shard's batch file, whole or not at all."""
    with storage.replacing(path) as part:
        part.write_bytes(orjson.dumps([_as_entry(job, engine) for job in jobs], option=orjson.OPT_INDENT_2))


def _as_entry(job: Job, engine: EngineSettings) -> dict[str, Any]:
    request = job.request
    return {
        "input_video": request.input_path,
        "prompt": request.prompt,
        "output_video": str(job.files.video),
        "input_sha256": request.input_sha256,
        "clip_id": request.clip_id,
        "scenario_id": request.scenario_id,
        "variant": request.variant,
        "seed": request.seed,
        "negative_prompt": request.negative_prompt,
        "guidance": request.guidance,
        "geometry": asdict(request.geometry),
        "scene": asdict(request.scene),
        "engine": asdict(engine),
    }


def read(path: Path, defaults: Defaults) -> tuple[list[Job], EngineSettings | None]:
    """The jobs of a batch file and the engine it names, if any. Raises BatchError."""
    try:
        entries = _entries.validate_json(path.read_bytes())
    except OSError as error:
        raise BatchError(f"{path}: cannot be read: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"])
        raise BatchError(
            f"{path}: entry{where}: {first['msg']}; a batch is a JSON array of "
            '{"input_video", "prompt", "output_video"}'
        ) from None
    if not entries:
        raise BatchError(f"{path}: holds no entry; a batch is a JSON array of at least one clip")
    engines = {json.dumps(asdict(entry.engine), sort_keys=True): entry.engine for entry in entries if entry.engine}
    if len(engines) > 1:
        raise BatchError(f"{path}: names {len(engines)} different engines or engine options; a batch has one")
    jobs = [_as_job(entry, place, defaults) for place, entry in enumerate(entries)]
    outputs = {str(job.files.video) for job in jobs}
    if len(outputs) < len(jobs):
        raise BatchError(f"{path}: {len(jobs)} entries share {len(outputs)} output_video paths; each needs its own")
    return jobs, next(iter(engines.values()), None)


def _as_job(entry: _Entry, place: int, defaults: Defaults) -> Job:
    stem = Path(entry.output_video).stem
    request = ClipRequest(
        clip_id=entry.clip_id or stem,
        scenario_id=entry.scenario_id or stem,
        variant=entry.variant,
        seed=clip_seed(defaults.seed, stem, place) if entry.seed is None else entry.seed,
        prompt=entry.prompt,
        negative_prompt=defaults.negative_prompt if entry.negative_prompt is None else entry.negative_prompt,
        guidance=defaults.guidance if entry.guidance is None else entry.guidance,
        geometry=entry.geometry or defaults.geometry,
        scene=entry.scene or Scene(camera_id=stem),
        input_path=entry.input_video or None,
        input_sha256=entry.input_sha256,
    )
    return Job(request, ClipFiles(Path(entry.output_video)))
