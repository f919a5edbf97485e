"""The last build of a dataset, in ``build.json`` beside its clips: that it runs, or how it ended."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from its_core import logs, storage
from its_core.clip import Outcome
from its_core.definition import DefinitionError, is_definition, set_from_outside
from its_core.redaction import without_secrets
from its_core.scenarios.manifest import ManifestError
from its_core.shards.receipts import TooFewClips, utc_now
from its_core.text import one_line

FILE = "build.json"
LOCK_FILE = "build.lock"
_log = logging.getLogger(__name__)


class BuildState(StrEnum):
    """How a build ended. ``running`` is also left by a build that was killed: then no process holds its lock."""

    RUNNING = "running"
    PUBLISHED = "published"
    FAILED = "failed"
    TOO_FEW_CLIPS = "too_few_clips"
    CANCELLED = "cancelled"
    WRONG_INPUT = "wrong_input"


class Build(BaseModel):
    """The last build of a dataset. ``overrides`` are the keys that the environment and the call set, as dotted names;
    ``withheld`` names those whose values may be secrets and are not kept. Times are ISO 8601 in UTC; ``clips`` is None
    until the clips are planned; ``outcomes``, ``url`` and ``marker`` are the published version's."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    dataset: str
    overrides: dict[str, Any]
    withheld: tuple[str, ...] = ()
    state: BuildState
    started_at: str
    ended_at: str | None = None
    reason: str = ""
    rows: int | None = None
    clips: int | None = None
    outcomes: dict[Outcome, int] = {}
    url: str | None = None
    marker: str | None = None


class BuildRecorder:
    """Keeps ``build.json`` up to date while a build runs."""

    def __init__(self, work: Path, build: Build) -> None:
        self._path = work / FILE
        self.build = build
        self._write()

    def planned(self, rows: int, clips: int) -> None:
        self._change(rows=rows, clips=clips)
        _log.info("planned %d clips from %d rows", clips, rows)

    def published(self, url: str, marker: str, outcomes: Mapping[Outcome, int]) -> None:
        self._change(state=BuildState.PUBLISHED, url=url, marker=marker, outcomes=dict(outcomes), ended_at=utc_now())
        _log.info("published %s", url, extra={"outcomes": dict(outcomes)})

    def ended(self, state: BuildState, reason: str) -> None:
        reason = one_line(reason)
        _log.info("%s: %s", state, reason)
        with suppress(OSError):  # the disk may be what ended it, and that error is on its way
            self._change(state=state, reason=reason, ended_at=utc_now())

    def _change(self, **changes: object) -> None:
        self.build = self.build.model_copy(update=changes)
        self._write()

    def _write(self) -> None:
        with storage.replacing(self._path) as part:
            part.write_text(self.build.model_dump_json(indent=1), encoding="utf-8")


@contextmanager
def recording(work: Path, dataset: str, overrides: Mapping[str, Any]) -> Iterator[BuildRecorder]:
    """Records a build that holds its work folder's lock: that it runs, and how it ended unless it was killed.

    ``dataset`` is the definition's folder. Raises DefinitionError where the work folder belongs to another dataset.
    """
    where = str(Path(dataset).resolve())
    refuse_other_dataset(work, Path(where))
    kept, withheld = _without_secrets(set_from_outside(overrides))
    build = Build(
        id=uuid.uuid4().hex[:12],
        dataset=where,
        overrides=kept,
        withheld=withheld,
        state=BuildState.RUNNING,
        started_at=utc_now(),
    )
    with logs.about(build=build.id):
        _log.info("build of %s started", where)
        record = BuildRecorder(work, build)
        try:
            yield record
        except (DefinitionError, ManifestError) as error:
            record.ended(BuildState.WRONG_INPUT, str(error).partition("\n")[0])
            raise
        except TooFewClips as error:
            record.ended(BuildState.TOO_FEW_CLIPS, str(error).partition("\n")[0])
            raise
        except Exception as error:
            record.ended(BuildState.FAILED, f"{type(error).__name__}: {error}".partition("\n")[0])
            raise
        except BaseException as error:  # Ctrl-C, SIGTERM, a run cancelled in Prefect
            record.ended(BuildState.CANCELLED, type(error).__name__)
            raise


def _without_secrets(overrides: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    kept = {key: value for key, value in overrides.items() if without_secrets(value, key) == value}
    return kept, tuple(sorted(overrides.keys() - kept.keys()))


def refuse_other_dataset(work: Path, folder: Path) -> None:
    """Raises DefinitionError where ``work`` is the work folder of another dataset than the one in ``folder``. A dataset
    whose folder was moved or copied has its own in it."""
    last = read(work)
    if last is None or work.is_relative_to(folder) or Path(last.dataset) == folder or not is_definition(last.dataset):
        return
    other = Path(last.dataset) if Path(last.dataset).is_dir() else Path(last.dataset).parent
    if not other.samefile(folder):
        raise DefinitionError(
            f"{folder}: work_dir: {work} is the work folder of {other}: name another one", code="definition.work_dir"
        )


def read(work: Path) -> Build | None:
    """The last build of a work folder, or None where there was none that can be read."""
    try:
        return Build.model_validate_json((work / FILE).read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def running(work: Path) -> str | None:
    """The process that builds in this work folder now, ``<number> on <host>``."""
    return storage.holder(work / LOCK_FILE)
