"""What a simulated clip costs one core, encoding included: CPU seconds by stage, and the process's peak memory.

python benchmarks/simulator.py [--rounds 1] [--only night]
python benchmarks/simulator.py --processes 16 [--clips 8]

Scenes that the simulator refuses are left out and named. A process first loads or compiles the kernels, as
``precompile`` does, and makes one clip; both are timed apart. With ``--processes``: clips an hour of 1, 2, 4, …
processes of one thread, up to that number, each of which makes the same clips, once all have made a first one. Needs
the simulator and the encoder alone.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import multiprocessing
import os
import resource
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from statistics import median
from threading import BrokenBarrierError
from typing import Any

from its_core.clip import ClipRequest, Geometry, Scene
from its_core.engines.engine import EngineFailure
from its_core.engines.simulator import engine, precompile, simulator
from its_core.engines.simulator.capabilities import unsupported
from its_core.engines.simulator.rendering import renderer
from its_core.engines.simulator.rendering.actor_layer import ActorLayer
from its_core.engines.simulator.rendering.compositor import Compositor
from its_core.taxonomy import IncidentType, Light, TrafficDensity, Weather
from its_core.video import write_mp4

GEOMETRY = Geometry.of("720", 16)
INCIDENTS = (
    IncidentType.INTERSECTION_COLLISION,
    IncidentType.REAR_END_COLLISION,
    IncidentType.PEDESTRIAN_NEAR_MISS,
    IncidentType.NORMAL_TRAFFIC,
    IncidentType.SINGLE_VEHICLE_CRASH,
    IncidentType.SIDESWIPE_COLLISION,
)
CONDITIONS = (
    (Light.DAY, Weather.CLEAR),
    (Light.DAY, Weather.OVERCAST),
    (Light.DUSK, Weather.CLEAR),
    (Light.DAY, Weather.RAIN),
    (Light.NIGHT, Weather.CLEAR),
    (Light.NIGHT, Weather.RAIN),
    (Light.DAY, Weather.SNOW),
    (Light.DAWN, Weather.FOG),
)
# What counts as which stage: an object, one of its functions. Time inside a nested one counts for that alone.
STAGES: tuple[tuple[str, Any, str], ...] = (
    ("simulate", simulator, "camera_for"),
    ("simulate", simulator, "try_until_it_happens"),
    ("plate", renderer, "scenery"),
    ("plate", renderer, "plate"),
    ("plate", renderer, "Look"),
    ("pose", renderer, "cast"),
    ("raster", ActorLayer, "draw"),
    ("raster", renderer, "outlines"),
    ("shadows", renderer.ClipRenderer, "_shadows"),
    ("shadows", Compositor, "darken"),
    ("lamps", renderer.VehicleLamps, "shine"),
    ("lamps", renderer.Signals, "shine"),
    ("shading", Compositor, "frame"),
    ("noise", renderer.Look, "noisy"),
    ("noise", renderer.Overlay, "written"),
    ("frame, other", renderer.ClipRenderer, "frame"),
    ("annotations", simulator, "annotated"),
)
ORDER = (*dict.fromkeys(stage for stage, _, _ in STAGES), "encode", "other")


class Clock:
    """CPU seconds by stage; time inside a nested stage counts for that one alone."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)
        self._open: list[str] = []
        self._since = time.process_time()

    def enter(self, stage: str) -> None:
        self._charge()
        self._open.append(stage)

    def leave(self) -> None:
        self._charge()
        self._open.pop()

    def _charge(self) -> None:
        now = time.process_time()
        self.spent[self._open[-1] if self._open else "other"] += now - self._since
        self._since = now

    def timed(self, stage: str, work: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(work)
        def run(*arguments: Any, **named: Any) -> Any:
            self.enter(stage)
            try:
                return work(*arguments, **named)
            finally:
                self.leave()

        return run


def _scenes(only: str) -> list[Scene]:
    densities = tuple(TrafficDensity)
    scenes = []
    for row, (light, weather) in enumerate(CONDITIONS):
        for column in range(2):
            incident = INCIDENTS[(2 * row + column) % len(INCIDENTS)]
            density = densities[(row + column) % len(densities)]
            camera = f"bench-{row}{column}"
            scenes.append(Scene(camera, incident, light=light, weather=weather, traffic_density=density))
    return [scene for scene in scenes if only in _name(scene)]


def _name(scene: Scene) -> str:
    return " ".join(str(part) for part in (scene.light, scene.weather, scene.incident_type, scene.traffic_density))


def _make(made: Any, scene: Scene, seed: int, path: Path, clock: Clock) -> None:
    request = ClipRequest("clip", "row", 0, seed, "", "", 7.0, GEOMETRY, scene)
    clip = made.generate(request)
    clock.timed("encode", write_mp4)(path, clip.frames, GEOMETRY)
    assert clip.annotations is not None
    clock.timed("annotations", clip.annotations.model_dump_json)()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=1, help="seeds a scene")
    parser.add_argument("--only", default="", help="scenes whose name holds this")
    parser.add_argument("--processes", type=int, default=0, help="print clips an hour of up to so many processes")
    parser.add_argument("--clips", type=int, default=8, help="clips of each process")
    arguments = parser.parse_args()
    if arguments.processes:
        _print_throughput(arguments.processes, _possible(arguments.only)[: arguments.clips])
        return
    made = engine.load(engine.parse_options({}, "720", 16))
    scenes = _scenes(arguments.only)
    refused = [scene for scene in scenes if unsupported(scene) is not None]
    scenes = [scene for scene in scenes if scene not in refused]
    clock = Clock()
    for stage, owner, name in STAGES:
        setattr(owner, name, clock.timed(stage, getattr(owner, name)))
    rows: list[tuple[Scene, dict[str, float]]] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        start = time.process_time()
        precompile.main()
        loaded = time.process_time()
        _make(made, scenes[0], 99, path, clock)
        print(f"kernels: {loaded - start:.1f} CPU s, first clip of the process: {time.process_time() - loaded:.1f}\n")
        for scene in scenes:
            for seed in range(arguments.rounds):
                clock.spent.clear()
                clock.enter("other")
                try:
                    _make(made, scene, seed, path, clock)
                except EngineFailure as failure:
                    print(f"not made: {_name(scene)}, seed {seed}: {failure.reason}")
                    continue
                finally:
                    clock.leave()
                rows.append((scene, dict(clock.spent)))
    _print(rows)
    for scene in refused:
        print(f"refused: {_name(scene)}")
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\npeak memory of the process: {peak_mb:.0f} MB")


def _possible(only: str) -> list[Scene]:
    return [scene for scene in _scenes(only) if unsupported(scene) is None]


def _print_throughput(most: int, scenes: list[Scene]) -> None:
    counts = [2**power for power in range(most.bit_length()) if 2**power < most] + [most]
    print("| processes | seconds | clips an hour | of linear | peak MB a process |\n|--:|--:|--:|--:|--:|")
    one = 0.0
    for count in counts:
        made, seconds, peak_mb = _together(count, scenes)
        an_hour = made / seconds * 3600
        one = one or an_hour / count
        print(
            f"| {count} | {seconds:.1f} | {an_hour:.0f} | {an_hour / (one * count):.1%} | {peak_mb:.0f} |", flush=True
        )


def _together(count: int, scenes: list[Scene]) -> tuple[int, float, float]:
    """Clips that so many processes made, seconds from the moment at which all were ready until the last one had made
    its own, and the largest peak of their memory."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[name] = "1"
    fresh = multiprocessing.get_context("spawn")
    ready, done = fresh.Barrier(count + 1), fresh.Queue()
    workers = [fresh.Process(target=_work, args=(scenes, ready, done)) for _ in range(count)]
    for worker in workers:
        worker.start()
    try:
        ready.wait()
    except BrokenBarrierError as error:
        raise SystemExit("a process failed before its first clip") from error
    began_s = time.monotonic()
    found = [done.get() for _ in workers]
    seconds = time.monotonic() - began_s
    for worker in workers:
        worker.join()
    if any(worker.exitcode for worker in workers):
        raise SystemExit("a process failed")
    return sum(made for made, _ in found), seconds, max(peak_mb for _, peak_mb in found)


def _work(scenes: list[Scene], ready: Any, done: Any) -> None:
    """One process: its first clip, then, with all others, the clips that are counted."""
    count = 0
    try:
        made, clock = engine.load(engine.parse_options({}, "720", 16)), Clock()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "clip.mp4"
            _make(made, scenes[0], 99, path, clock)
            ready.wait()
            for scene in scenes:
                with contextlib.suppress(EngineFailure):  # the same ones in every process
                    _make(made, scene, 0, path, clock)
                    count += 1
    except BaseException:
        ready.abort()
        raise
    finally:
        done.put((count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))


def _print(rows: list[tuple[Scene, dict[str, float]]]) -> None:
    print("| CPU s a clip, 1280×704 × 93 | " + " | ".join(ORDER) + " | all |")
    print("|---" + "|--:" * (len(ORDER) + 1) + "|")
    for scene, spent in rows:
        cells = " | ".join(f"{spent.get(stage, 0.0):.2f}" for stage in ORDER)
        print(f"| {_name(scene)} | {cells} | {sum(spent.values()):.2f} |")
    if not rows:
        return
    middle = " | ".join(f"{median(spent.get(stage, 0.0) for _, spent in rows):.2f}" for stage in ORDER)
    print(f"| median | {middle} | {median(sum(spent.values()) for _, spent in rows):.2f} |")
    dark = [sum(spent.values()) for scene, spent in rows if scene.light is Light.NIGHT or scene.weather is Weather.RAIN]
    if dark:
        print(f"\nmedian of night and rain: {median(dark):.2f} s")


if __name__ == "__main__":
    main()
