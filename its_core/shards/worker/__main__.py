"""``python -m its_core.shards.worker``, once a rank under torchrun; ``command_line.DESCRIPTION`` says what it does."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from dataclasses import dataclass
from types import FrameType

from its_core import logs
from its_core.clip import EngineIdentity
from its_core.engines.engine import Engine
from its_core.provenance import code_version
from its_core.shards import batch
from its_core.shards.parent_death import die_with_parent
from its_core.shards.progress import FOLDER, RankProgress
from its_core.shards.receipts import LAUNCH
from its_core.shards.worker import hand_typed, multi_node
from its_core.shards.worker.command_line import ChosenEngine, choose_engine, jobs_of, parser, with_scene
from its_core.shards.worker.multi_node import Nodes
from its_core.shards.worker.rank import Rank, RankGroup
from its_core.shards.worker.summary import failures, failures_everywhere

# Run as a program, this module's own name is __main__.
_log = logging.getLogger("its_core.shards.worker")


@dataclass(frozen=True, slots=True)
class _Work:
    """What this rank is to do. ``missing`` are the videos that no rank has made yet."""

    jobs: list[batch.Job]
    missing: set[str]
    engine: ChosenEngine
    identity: EngineIdentity
    weights_sha256: str | None
    group: RankGroup
    nodes: Nodes | None
    launch: str
    by_hand: bool

    @property
    def own_jobs(self) -> list[batch.Job]:
        return [job for job in self.group.share(self.jobs) if str(job.files.video) in self.missing]

    def load_engine(self) -> Engine | None:
        """The engine, None where this rank has nothing to do. Raises ValueError where it cannot be loaded."""
        # Ranks that make clips together load together: also one whose own group has nothing to do.
        if not (self.missing if self.group.ranks_per_clip > 1 else self.own_jobs):
            return None
        return self.engine.module.load(self.engine.options, self.group.ranks_per_clip, self.weights_sha256)


def main() -> None:
    die_with_parent()
    arguments = parser().parse_args()
    rank, ranks = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    logs.configure(sys.stdout, f"[rank {rank}] %(message)s", rank=rank)
    progress = RankProgress(os.environ.get(FOLDER), rank)
    _stop_on_sigterm(progress)
    try:
        work = _find_work(arguments, rank, ranks)
        engine = work.load_engine()
    except ValueError as error:
        progress.refuses(str(error))
        sys.exit(f"error: {error}")
    mine = work.own_jobs
    _log.info("%d clips to make, %d are there already", len(mine), len(work.group.share(work.jobs)) - len(mine))
    if engine is not None:
        try:
            Rank(engine, work.group, work.launch, progress, work.identity, by_hand=work.by_hand).render(mine)
        finally:
            engine.close()
    else:
        progress.ends()
    if work.nodes is None:
        sys.exit(failures(work.jobs, work.launch))
    sys.exit(failures_everywhere(work.jobs, work.group, work.nodes))


def _stop_on_sigterm(progress: RankProgress) -> None:
    def stop(number: int, _: FrameType | None) -> None:
        progress.stops()
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, stop)


def _find_work(arguments: argparse.Namespace, rank: int, ranks: int) -> _Work:
    """What the command line asks of this rank. Raises ValueError for what cannot be done."""
    nodes = multi_node.join()  # before anything that may end this rank: the other machines are to notice
    jobs, named = jobs_of(arguments)
    engine = choose_engine(arguments, named)
    identity = engine.module.identity_without_weights(engine.options)
    _refuse_another_engine(named, identity.fingerprint)
    if "scene" in identity.reads:
        jobs = [with_scene(job) for job in jobs]
    group = RankGroup(rank, ranks, engine.module.ranks_per_clip(engine.options, ranks, len(jobs)))
    launch = os.environ.get(LAUNCH) or (nodes.launch if nodes else f"{os.uname().nodename}:{os.getppid()}")
    by_hand = LAUNCH not in os.environ
    if by_hand:
        hand_typed.check_outputs(jobs, arguments.batch_input_json, engine.module, engine.options)
        jobs = [hand_typed.with_input_digest(job) for job in jobs]
        identity = hand_typed.identity_of(jobs, engine.module, engine.options, named)
        rejected = hand_typed.reject_unsupported(jobs, group, engine.module, identity, launch)
        there = [job in rejected or hand_typed.is_current(job, identity) for job in jobs]
    else:
        there = [job.files.success_receipt() is not None for job in jobs]
    return _Work(
        jobs=jobs,
        missing=_missing(jobs, there, nodes),
        engine=engine,
        identity=identity,
        weights_sha256=named.weights_sha256 if named else None,
        group=group,
        nodes=nodes,
        launch=launch,
        by_hand=by_hand,
    )


def _refuse_another_engine(named: batch.EngineSettings | None, fingerprint: str) -> None:
    """Clips are named after the engine that they were planned for; another one must not make them under those names.

    Raises BatchError.
    """
    if named is not None and named.fingerprint not in {None, fingerprint}:
        raise batch.BatchError(
            f"these clips were planned for the engine {named.fingerprint}, on {os.uname().nodename} code "
            f"{code_version()} has {fingerprint}: bring it to the code that plans, or, if that changed meanwhile, "
            "build again",
            code="batch.fingerprint",
        )


def _missing(jobs: list[batch.Job], there: list[bool], nodes: Nodes | None) -> set[str]:
    """The videos that are to be made. On several machines rank 0's view counts: ranks that make a clip together must
    not differ about it. Raises BatchError when this machine's batch is another one."""
    here = {str(job.files.video): not is_there for job, is_there in zip(jobs, there, strict=True)}
    agreed = nodes.agree(here) if nodes else here
    if other := agreed.keys() ^ here.keys():
        raise batch.BatchError(
            f"the machines of this launch read different batches: {min(other)} is not in all of them",
            code="batch.differs",
        )
    return {video for video, is_missing in agreed.items() if is_missing}


if __name__ == "__main__":
    main()
