"""The program of a shard: ``torchrun --nproc_per_node=N -m its_core.shards.worker …`` with the flags of the guide.

Every rank holds one engine and renders its share of the clips: entries ``rank``, ``rank + N`` … of the batch. A clip
ends in a receipt beside its file; one that already has its file and receipt is left alone, so the same command resumes.
The engine is the one that the batch names, else cosmos when ``--dit_path`` is given, else the simulator.
On several machines (``--nnodes``) they share the folders of batch, inputs and outputs, and end together.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import cast

from its_core import logs
from its_core.clip import ClipRequest, Fps, Geometry, Resolution, Scene
from its_core.engines.cosmos import flags as cosmos_flags
from its_core.engines.engine import engine_module
from its_core.provenance import code_version
from its_core.scenarios.prompts.compose import DEFAULT_NEGATIVE_PROMPT, scene_from_prompt
from its_core.shards import batch, multi_node
from its_core.shards.multi_node import Nodes
from its_core.shards.parent_death import tie_to_parent
from its_core.shards.progress import FOLDER, REFUSAL, RankProgress
from its_core.shards.rank import Place, Rank
from its_core.shards.receipts import LAUNCH, ClipFiles

# Run as a program, this module's own name is __main__.
_log = logging.getLogger("its_core.shards.worker")


def parser() -> argparse.ArgumentParser:
    """The guide's flags: what to render here, what with in the engine's own."""
    flags = argparse.ArgumentParser(
        prog="torchrun --nproc_per_node=N -m its_core.shards.worker",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=_EXAMPLES,
        allow_abbrev=False,
    )
    what = flags.add_argument_group("what to render")
    what.add_argument("--batch_input_json", type=Path, help="a JSON array of clips (the guide's format)")
    what.add_argument("--input_path", help="one clip: the image or video that it starts from")
    what.add_argument("--prompt", help="one clip: what is to be seen")
    what.add_argument("--save_path", type=Path, help="one clip: the MP4 to write")
    what.add_argument("--negative_prompt", default=DEFAULT_NEGATIVE_PROMPT, help="what is not to be seen")
    what.add_argument("--guidance", type=float, default=7.0, help="how closely the prompt is followed (7)")
    what.add_argument("--seed", type=int, default=0, help="the noise's seed (0); a batch mixes it clip by clip")
    what.add_argument("--resolution", choices=("480", "720"), default="720")
    what.add_argument("--fps", type=int, choices=(10, 16), default=16)
    cosmos_flags.add_flags(flags)
    return flags


_EXAMPLES = """examples:
  torchrun --standalone --nproc_per_node=2 -m its_core.shards.worker --batch_input_json shard.json
  torchrun --standalone --nproc_per_node=1 -m its_core.shards.worker --save_path out.mp4 \\
      --prompt "A static CCTV camera shows an intersection. A red sedan runs a red light and hits a white SUV."
"""


def jobs_of(arguments: argparse.Namespace) -> tuple[list[batch.Job], batch.EngineSettings | None]:
    """The clips that the command line asks for. Raises BatchError when it asks for none, or for two things at once."""
    defaults = batch.Defaults(
        seed=arguments.seed,
        negative_prompt=arguments.negative_prompt,
        guidance=arguments.guidance,
        geometry=Geometry.of(cast(Resolution, arguments.resolution), cast(Fps, arguments.fps)),
    )
    single = (arguments.prompt, arguments.save_path)
    if arguments.batch_input_json is not None:
        if any(value is not None for value in (*single, arguments.input_path)):
            raise batch.BatchError("--batch_input_json stands alone: drop --prompt, --input_path and --save_path")
        return batch.read(arguments.batch_input_json, defaults)
    if None in single:
        raise batch.BatchError("nothing to render: give --batch_input_json, or both --prompt and --save_path")
    stem = arguments.save_path.stem
    request = ClipRequest(
        clip_id=stem,
        scenario_id=stem,
        variant=0,
        seed=defaults.seed,
        prompt=arguments.prompt,
        negative_prompt=defaults.negative_prompt,
        guidance=defaults.guidance,
        geometry=defaults.geometry,
        scene=Scene(camera_id=stem),
        input_path=arguments.input_path,
    )
    return [batch.Job(request, ClipFiles(arguments.save_path))], None


def _with_scene(job: batch.Job) -> batch.Job:
    """A clip without a structured scene gets the one that its prompt's words tell."""
    request = job.request
    if request.scene.incident_type is not None:
        return job
    return replace(job, request=replace(request, scene=scene_from_prompt(request.prompt, request.scene.camera_id)))


def _refuse_another_engine(named: batch.EngineSettings | None, ours: str) -> None:
    """Clips are named after the engine that they were planned for; another one must not make them under those names.

    Raises BatchError.
    """
    if named is not None and named.planned not in {None, ours}:
        raise batch.BatchError(
            f"these clips were planned for the engine {named.planned}, on {os.uname().nodename} code "
            f"{code_version()} has {ours}: bring it to the code that plans, or, if that changed meanwhile, build again"
        )


def main() -> None:
    tie_to_parent()
    arguments = parser().parse_args()
    rank, ranks = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    logs.configure(sys.stdout, f"[rank {rank}] %(message)s", rank=rank)
    progress = RankProgress(os.environ.get(FOLDER), rank)

    def stop(number: int, _: FrameType | None) -> None:
        progress.stops()
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, stop)
    try:
        nodes = multi_node.join()  # before anything that may end this rank: the other machines are to notice
        jobs, named = jobs_of(arguments)
        name = named.name if named else "cosmos" if arguments.dit_path else "simulator"
        module = engine_module(name)
        if name == "cosmos":
            options = cosmos_flags.options_from_flags(arguments)
        else:
            options = module.parse_options(named.options if named else {}, arguments.resolution, arguments.fps)
            jobs = [_with_scene(job) for job in jobs]
        _refuse_another_engine(named, module.identity_but_weights(options).made_by)
        place = Place(rank, ranks, module.ranks_per_clip(options, ranks, len(jobs)))
        missing = _missing(jobs, nodes)
        mine = [job for job in place.share(jobs) if str(job.files.video) in missing]
        # Ranks that make clips together load together: also one whose own group has nothing to do.
        if missing if place.ranks_per_clip > 1 else mine:
            engine = module.load(options, place.ranks_per_clip, named.weights_sha256 if named else None)
        else:
            engine = None
    except ValueError as error:
        sys.exit(f"{REFUSAL}{error}")
    _log.info("%d clips to make, %d are there already", len(mine), len(place.share(jobs)) - len(mine))
    launch = os.environ.get(LAUNCH) or (nodes.launch if nodes else f"{os.uname().nodename}:{os.getppid()}")
    if engine is not None:
        try:
            Rank(engine, place, launch, progress).render(mine)
        finally:
            engine.close()
    else:
        progress.ends()
    sys.exit(_failures(jobs, launch) if nodes is None else _failures_everywhere(jobs, place, nodes))


def _missing(jobs: list[batch.Job], nodes: Nodes | None) -> set[str]:
    """The videos that are not made yet. On several machines it is rank 0's view that counts: ranks that make a clip
    together must not differ about it. Raises ValueError when this machine's batch is another one."""
    here = {str(job.files.video): job.files.made() is None for job in jobs}
    agreed = nodes.agree(here) if nodes else here
    if other := agreed.keys() ^ here.keys():
        raise ValueError(f"the machines of this launch read different batches: {min(other)} is not in all of them")
    return {video for video, is_missing in agreed.items() if is_missing}


def _failures(jobs: list[batch.Job], launch: str) -> str | None:
    """What went wrong, once the last rank has ended: torchrun ends every rank when one exits with an error, so the
    earlier ones must not. A launcher reads the receipts instead."""
    if LAUNCH in os.environ:
        return None
    receipts = [job.files.made() or job.files.read_receipt() for job in jobs]
    if any(r is None or not (r.outcome.made_a_clip or r.attempts[-1].launch == launch) for r in receipts):
        return None
    return _told(_not_made(jobs), len(jobs))


def _failures_everywhere(jobs: list[batch.Job], place: Place, nodes: Nodes) -> str | None:
    """What went wrong on any machine, when all have ended; one rank a machine says so and ends its agent with an
    error. What another machine wrote may not be seen here yet, so each tells its own."""
    failed = nodes.end_together(_not_made(place.share(jobs)) if place.writes else [])
    return _told(failed, len(jobs)) if nodes.leads else None


def _not_made(jobs: list[batch.Job]) -> list[str]:
    """A line for each clip that was not made."""
    lines = []
    for job in jobs:
        receipt = job.files.read_receipt()
        if receipt is None:
            lines.append(f"{job.request.clip_id}: no receipt")
        elif not receipt.outcome.made_a_clip:
            lines.append(f"{receipt.clip_id}: {receipt.outcome}: {receipt.reason}")
    return lines


def _told(failed: list[str], clips: int) -> str | None:
    return "\n".join([f"error: {len(failed)} of {clips} clips were not made", *failed]) if failed else None


if __name__ == "__main__":
    main()
