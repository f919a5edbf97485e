"""One rank's share of a shard: clip after clip through the engine, the encoder and into a receipt."""

from __future__ import annotations

import contextlib
import gzip
import logging
import shutil
import socket
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from queue import Queue

from its_core import marking, storage, video
from its_core.clip import ClipRequest, EngineIdentity, Outcome
from its_core.engines.engine import Clip, Engine, EngineFailure, Frame
from its_core.provenance import code_version
from its_core.shards.batch import Job
from its_core.shards.progress import RankProgress
from its_core.shards.receipts import Attempt, MadeFrom, utc_now

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RankGroup:
    """This process among the ranks: groups of ``ranks_per_clip`` make a clip together; the first rank of each writes
    it."""

    rank: int
    ranks: int
    ranks_per_clip: int

    @property
    def writes(self) -> bool:
        return self.rank % self.ranks_per_clip == 0

    def share(self, jobs: list[Job]) -> list[Job]:
        return jobs[self.rank // self.ranks_per_clip :: self.ranks // self.ranks_per_clip]


class Rank:
    """Renders its jobs one after another, all of them; a clip is encoded while the next one is being made."""

    def __init__(
        self,
        engine: Engine,
        group: RankGroup,
        launch: str,
        progress: RankProgress,
        identity: EngineIdentity | None = None,
        *,
        by_hand: bool = False,
    ) -> None:
        """``identity`` is the engine's, for the receipts; ``by_hand``: an earlier clip may lie under the same path."""
        self._engine = engine
        self._group = group
        self._launch = launch
        self._progress = progress
        self._identity = identity
        self._by_hand = by_hand
        self._encoder = ThreadPoolExecutor(1, thread_name_prefix="encoder")
        self._encoding: Future[None] | None = None

    def render(self, jobs: list[Job]) -> None:
        self._engine.prepare([job.request for job in jobs])
        for job in jobs:
            self._progress.starts(job.request.clip_id)
            if self._by_hand and self._group.writes and self._identity is not None:
                job.files.begin(made_from(job.request, self._identity), self._identity.reads)
            self._render_one(job)
        self._await_encoder()
        self._progress.ends()

    def _render_one(self, job: Job) -> None:
        started = _Stopwatch()
        try:
            clip = self._engine.generate(job.request)
        except Exception as error:
            self._await_encoder()
            self._fail(job, error, started, {})
            return
        if not self._group.writes:
            self._render_without_writing(clip)
            return
        self._await_encoder()
        feed: Queue[Frame | BaseException | None] = Queue(maxsize=job.request.geometry.frames + 1)
        self._encoding = self._encoder.submit(self._encode, job, clip, feed, started)
        try:
            for frame in clip.frames:
                feed.put(frame)
                if self._encoding.done():  # it failed early: no more frames are taken
                    break
            feed.put(None)
        except Exception as error:
            feed.put(error)
        except BaseException as error:
            feed.put(error)
            raise

    @staticmethod
    def _render_without_writing(clip: Clip) -> None:
        """This rank's work for a clip that another rank of its group writes and reports."""
        with contextlib.suppress(EngineFailure):
            for _ in clip.frames:
                pass

    def _encode(self, job: Job, clip: Clip, feed: Queue[Frame | BaseException | None], started: _Stopwatch) -> None:
        try:
            video.write_mp4(job.files.video, _drain(feed), job.request.geometry)
            marking.sign_where_configured(job.files.video, job.request.clip_id, self._engine.digital_source_type)
            for suffix, made in clip.beside.items():
                with storage.replacing(job.files.video.with_suffix(suffix)) as part:
                    shutil.move(made, part)
            if clip.annotations is None:
                job.files.annotations.unlink(missing_ok=True)  # an earlier clip's
            else:
                with storage.replacing(job.files.annotations) as part:
                    part.write_bytes(gzip.compress(clip.annotations.model_dump_json().encode(), mtime=0))
        except Exception as error:
            self._fail(job, error, started, clip.record)
            return
        self._receipt(job, Outcome.GENERATED, "", started, clip.record, storage.sha256_file(job.files.video))

    def _fail(self, job: Job, error: Exception, started: _Stopwatch, record: dict[str, object]) -> None:
        match error:
            case EngineFailure():
                outcome, reason = error.outcome, error.reason
            case MemoryError():
                outcome, reason = (
                    Outcome.OUT_OF_MEMORY,
                    "this machine's memory is used up: fewer processes a shard help",
                )
            case _:
                outcome, reason = Outcome.ENGINE_ERROR, f"{type(error).__name__}: {error}"
        self._receipt(job, outcome, reason, started, record)

    def _receipt(
        self,
        job: Job,
        outcome: Outcome,
        reason: str,
        started: _Stopwatch,
        record: dict[str, object],
        clip_sha256: str | None = None,
    ) -> None:
        if not self._group.writes:
            return
        attempt = Attempt(
            outcome=outcome,
            reason=reason,
            started_at=started.at,
            duration_s=round(started.elapsed_s(), 3),
            rank=self._group.rank,
            launch=self._launch,
            code_version=code_version(),
            host=socket.gethostname(),
        )
        source = None
        if self._identity is not None:
            weights_sha256 = self._engine.weights_sha256() if clip_sha256 else None
            source = made_from(job.request, self._identity, weights_sha256)
        job.files.add_attempt(job.request, attempt, clip_sha256=clip_sha256, record=record, made_from=source)
        fields = {"clip": job.request.clip_id, "outcome": outcome, "duration_s": attempt.duration_s}
        _log.info("%s %s %s s %s", job.request.clip_id, outcome, attempt.duration_s, reason, extra=fields)

    def _await_encoder(self) -> None:
        if self._encoding is not None:
            self._encoding.result()


def made_from(request: ClipRequest, identity: EngineIdentity, weights_sha256: str | None = None) -> MadeFrom:
    return MadeFrom(
        request=request,
        fingerprint=identity.fingerprint,
        settings=identity.settings,
        weights_sha256=weights_sha256 or identity.weights_sha256,
    )


class _Stopwatch:
    def __init__(self) -> None:
        self.at = utc_now()
        self._since = time.monotonic()

    def elapsed_s(self) -> float:
        return time.monotonic() - self._since


def _drain(feed: Queue[Frame | BaseException | None]) -> Iterator[Frame]:
    while (item := feed.get()) is not None:
        if isinstance(item, BaseException):
            raise item
        yield item
