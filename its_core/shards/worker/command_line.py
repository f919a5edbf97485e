"""The worker's command line: one clip or a batch, and with which engine."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from its_core.clip import Fps, Geometry, Resolution
from its_core.engines import option_flags
from its_core.engines.engine import DEFAULT_ENGINE, EngineModule, engine_module, engine_names
from its_core.scenarios.prompts.compose import DEFAULT_NEGATIVE_PROMPT, scene_from_prompt
from its_core.shards import batch

DESCRIPTION = """The program of a shard, with the guide's flags: torchrun --nproc_per_node=N -m its_core.shards.worker …

Every rank holds one engine and renders its share of the clips: entries rank, rank + N … of the batch. A clip ends in a
receipt beside its file. One that is there already, made from the same request, is left alone, so the same command
resumes. The engine is the one that the batch names, else that of --engine or of the engine's flags, else the simulator.
On several machines (--nnodes) they share the folders of batch, inputs and outputs, and end together.
"""

EXAMPLES = """examples:
  torchrun --standalone --nproc_per_node=2 -m its_core.shards.worker --batch_input_json shard.json
  torchrun --standalone --nproc_per_node=1 -m its_core.shards.worker --save_path out.mp4 \\
      --prompt "A static CCTV camera shows an intersection. A red sedan runs a red light and hits a white SUV."

exit status: 0 all clips are there; 1 a clip was not made, or nothing could be started; 2 a flag is wrong
"""


def parser() -> argparse.ArgumentParser:
    """The guide's flags: what to render here, what with in the engines' own."""
    flags = argparse.ArgumentParser(
        prog="torchrun --nproc_per_node=N -m its_core.shards.worker",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=EXAMPLES,
        allow_abbrev=False,
    )
    what = flags.add_argument_group("what to render")
    what.add_argument("--batch_input_json", type=Path, help="a JSON array of clips (the guide's format)")
    what.add_argument("--input_path", help="one clip: the image or video that it starts from")
    what.add_argument("--prompt", help="one clip: what is to be seen")
    what.add_argument("--save_path", help="one clip: the MP4 to write")
    what.add_argument("--negative_prompt", default=DEFAULT_NEGATIVE_PROMPT, help="what is not to be seen")
    what.add_argument("--guidance", type=float, default=7.0, help="how closely the prompt is followed (7)")
    what.add_argument("--seed", type=int, default=0, help="the noise's seed (0); a batch mixes it clip by clip")
    what.add_argument("--resolution", choices=("480", "720"), default="720")
    what.add_argument("--fps", type=int, choices=(10, 16), default=16)
    what.add_argument("--engine", choices=engine_names(), help="default: the engine of the batch, or of its flags")
    for name in engine_names():
        engine_module(name).add_flags(flags)
    return flags


def jobs_of(arguments: argparse.Namespace) -> tuple[list[batch.Job], batch.EngineSettings | None]:
    """The clips that the command line asks for, and the engine that their batch names.

    Raises BatchError when it asks for none, for two things at once, or for what cannot be made.
    """
    defaults = batch.Defaults(
        seed=arguments.seed,
        negative_prompt=arguments.negative_prompt,
        guidance=arguments.guidance,
        geometry=Geometry.of(cast(Resolution, arguments.resolution), cast(Fps, arguments.fps)),
    )
    defaults.check(_flag)
    single = (arguments.prompt, arguments.save_path)
    if arguments.batch_input_json is not None:
        if any(value is not None for value in (*single, arguments.input_path)):
            raise batch.BatchError(
                "--batch_input_json stands alone: drop --prompt, --input_path and --save_path", code="batch.two_things"
            )
        return batch.read(arguments.batch_input_json, defaults)
    if None in single:
        raise batch.BatchError(
            "nothing to render: give --batch_input_json, or both --prompt and --save_path", code="batch.nothing"
        )
    entry = {
        "input_video": arguments.input_path,
        "prompt": arguments.prompt,
        "output_video": arguments.save_path,
        "seed": arguments.seed,
    }
    return [batch.job_of_entry(entry, 0, defaults, _flag)], None


_FLAG_OF_KEY = {"input_video": "--input_path", "output_video": "--save_path"}


def _flag(key: str) -> str:
    return _FLAG_OF_KEY.get(key, f"--{key}")


@dataclass(frozen=True, slots=True)
class ChosenEngine:
    """The engine that renders, and its parsed options."""

    name: str
    module: EngineModule
    options: Any


def choose_engine(arguments: argparse.Namespace, named: batch.EngineSettings | None) -> ChosenEngine:
    """The engine that the batch names, with the options of the batch; flags that were typed win over those.

    Without a named engine: the one of ``--engine``, else the one whose flags were given, else the default. Raises
    BatchError for flags of another engine, ValueError for options that the engine does not take.
    """
    given = {name: typed for name in engine_names() if (typed := engine_module(name).options_of_flags(arguments))}
    asked = [name for name in (named.name if named else None, arguments.engine, *given) if name is not None]
    name = asked[0] if asked else DEFAULT_ENGINE
    if other := next((each for each in asked if each != name), None):
        flags = " ".join(f"--{flag}" for flag in given.get(other, ["engine"]))
        raise batch.BatchError(
            f"{flags}: belongs to the engine {other}, these clips are for {name}: drop it", code="batch.other_engine"
        )
    if name not in engine_names():
        raise batch.BatchError(
            f"engine {name!r}: no such engine; there are {', '.join(engine_names())}", code="batch.no_engine"
        )
    module = engine_module(name)
    options = (named.options if named else {}) | given.get(name, {})
    resolution = (named and named.resolution) or arguments.resolution
    fps = (named and named.fps) or arguments.fps
    try:
        return ChosenEngine(name, module, module.parse_options(options, resolution, fps))
    except ValidationError as error:
        raise ValueError(option_flags.explain(error)) from None


def with_scene(job: batch.Job) -> batch.Job:
    """The job; where it has no structured scene, with the one that can be read in its prompt."""
    request = job.request
    if request.scene.incident_type is not None:
        return job
    return replace(job, request=replace(request, scene=scene_from_prompt(request.prompt, request.scene.camera_id)))
