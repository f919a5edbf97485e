"""A worker whose engine does what a clip's prompt says, for tests of what surrounds it; run under torchrun.

``ITS_TEST_TROUBLE``, JSON, tells it by scenario what to do instead: trouble that leaves no trace in what is published.
"""

import json
import os
import resource
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from its_core.clip import ClipRequest, Geometry, Outcome
from its_core.engines.engine import Clip, Engine, EngineFailure
from its_core.shards import batch
from its_core.shards.parent_death import die_with_parent
from its_core.shards.progress import FOLDER, RankProgress
from its_core.shards.receipts import LAUNCH
from its_core.shards.worker.rank import Rank, RankGroup


class TroubledEngine(Engine):
    def generate(self, request: ClipRequest) -> Clip:
        trouble = json.loads(os.environ.get("ITS_TEST_TROUBLE", "{}"))
        match trouble.get(request.scenario_id, request.prompt).split():
            case ["hang"]:
                time.sleep(3600)
            case ["slow", seconds]:
                time.sleep(float(seconds))
            case ["freeze"]:
                os.kill(os.getpid(), signal.SIGSTOP)
            case ["no-file-beyond", size_bytes]:
                resource.setrlimit(resource.RLIMIT_FSIZE, (int(size_bytes), resource.RLIM_INFINITY))
            case ["remove", folder]:
                shutil.rmtree(folder)
            case ["replace", path, by]:
                Path(by).replace(path)
            case ["wait-for", flag]:
                while not Path(flag).exists():
                    time.sleep(0.1)
            case ["die"]:
                os.kill(os.getpid(), signal.SIGKILL)
            case ["die-once", flag]:
                if not Path(flag).exists():
                    Path(flag).touch()
                    os.kill(os.getpid(), signal.SIGKILL)
            case ["die-until", flag]:
                if not Path(flag).exists():
                    os.kill(os.getpid(), signal.SIGKILL)
            case ["fail", outcome]:
                raise EngineFailure(Outcome(outcome), f"asked to end as {outcome}")
            case ["raise"]:
                raise RuntimeError("a fault of the engine's own [/at] [bold]")
            case ["no-memory"]:
                raise MemoryError
            case ["no-memory-unless", *words]:
                if not all(word in sys.argv for word in words):
                    raise MemoryError
        return Clip(_frames(request), record={"engine": "troubled", "seed": request.seed})


def _frames(request: ClipRequest) -> Iterator[np.ndarray]:
    if request.prompt == "black":
        yield from [np.zeros((request.geometry.height_px, request.geometry.width_px, 3), np.uint8)] * 61
        return
    for index, frame in enumerate(mosaic(request.seed, request.geometry)):
        if request.prompt == "break-off" and index == 2:
            raise EngineFailure(Outcome.GUARDRAIL_VIDEO, "asked to end in the middle")
        yield frame


def mosaic(seed: int, geometry: Geometry) -> Iterator[np.ndarray]:
    """A mosaic over which a block wanders, as a car before a fixed camera: every frame differs, and both ends of the
    video coder are quick about it."""
    height, width = geometry.height_px // 16 + 1, geometry.width_px // 16
    tiles = np.random.default_rng(seed).integers(0, 255, (height, width, 3), dtype=np.uint8)
    for index in range(geometry.frames):
        shown = tiles.copy()
        block = shown[height // 3 : height // 3 + 4, index % width : index % width + 4]
        block[:] = 255 - block
        yield shown.repeat(16, 0).repeat(16, 1)[: geometry.height_px]


def main() -> None:
    die_with_parent()
    path = Path(sys.argv[sys.argv.index("--batch_input_json") + 1])
    defaults = batch.Defaults(0, "", 7.0, Geometry(64, 48, 16, 5))
    jobs, _ = batch.read(path, defaults)
    group = RankGroup(int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"]), 1)
    progress = RankProgress(os.environ.get(FOLDER), group.rank)
    if any(job.request.prompt == "refuse" for job in jobs):
        progress.refuses("the checkpoint is not one")
        sys.exit("error: the checkpoint is not one")

    def stop(number, _):
        progress.stops()
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, stop)
    Rank(TroubledEngine(), group, os.environ[LAUNCH], progress).render(group.share(jobs))


if __name__ == "__main__":
    main()
