"""Writes and reads the batch file.

Every entry holds ``input_video``, ``prompt`` and ``output_video``, which is all that NVIDIA's script reads. Beside them
stand the other fields of the clip's request and the engine with its options.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError

from its_core import storage
from its_core.shards.batch.entries import Defaults, entry_of_job, job_of_entry
from its_core.shards.batch.jobs import BatchError, EngineSettings, Job

_ENGINE: TypeAdapter[EngineSettings] = TypeAdapter(EngineSettings)
_FORMAT = 'a batch is a JSON array of {"input_video", "prompt", "output_video"}'


def write(path: Path, jobs: list[Job], engine: EngineSettings) -> None:
    """Writes the shard's batch file, whole or not at all."""
    entries = [entry_of_job(job) | {"engine": asdict(engine)} for job in jobs]
    with storage.replacing(path) as part:
        part.write_bytes(orjson.dumps(entries, option=orjson.OPT_INDENT_2))


def read(path: Path, defaults: Defaults) -> tuple[list[Job], EngineSettings | None]:
    """The jobs of a batch file and the engine it names, if any.

    Keys that an entry does not have, or that are null, are taken from ``defaults``. Raises BatchError.
    """
    entries = _entries(path)
    engine = _engine(path, entries)
    jobs = [
        job_of_entry(entry, position, defaults, partial(_label, path, position))
        for position, entry in enumerate(entries)
    ]
    return jobs, engine


def _label(path: Path, position: int, key: str) -> str:
    return f"{path}: entry[{position}].{key}"


def _entries(path: Path) -> list[dict[str, Any]]:
    text = _text(path)
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BatchError(f"{path}: is not JSON ({error}); {_FORMAT}", code="batch.json") from None
    if not isinstance(entries, list) or not entries:
        raise BatchError(f"{path}: holds no entry; {_FORMAT}", code="batch.empty")
    for position, entry in enumerate(entries):
        if not isinstance(entry, dict):
            raise BatchError(f"{path}: entry[{position}]: is no JSON object; {_FORMAT}", code="batch.entry")
    return entries


def _text(path: Path) -> str:
    """The file's text: UTF-8, or UTF-16 and UTF-32 as Windows tools write them, with or without a byte order mark."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BatchError(f"{path}: cannot be read: {error.strerror}", code="batch.unreadable") from None
    encoding = json.detect_encoding(content)
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise BatchError(
            f"{path}: is not {encoding.upper()} at byte {error.start}; save it as UTF-8", code="batch.encoding"
        ) from None


def _engine(path: Path, entries: list[dict[str, Any]]) -> EngineSettings | None:
    """The one engine that the entries name; None where they name none."""
    named = {json.dumps(engine, sort_keys=True): engine for entry in entries if (engine := entry.get("engine"))}
    if len(named) > 1:
        raise BatchError(
            f"{path}: names {len(named)} different engines or engine options; a batch has one", code="batch.engines"
        )
    try:
        return next((_ENGINE.validate_python(engine) for engine in named.values()), None)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in ("engine", *first["loc"]))
        raise BatchError(f"{path}: {where}: {first['msg']}", code="batch.engine") from None
