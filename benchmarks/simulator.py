"""What a simulated clip costs one core, encoding included: CPU seconds by stage, and the process's peak memory.

python benchmarks/simulator.py [--rounds 1] [--only night]

Scenes that the simulator refuses are left out and named. The first clip of a process loads or compiles the kernels; it
is timed apart.
"""

from __future__ import annotations

import argparse
import functools
import resource
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from its_core.clip import ClipRequest, Geometry, Scene
from its_core.engines.engine import EngineFailure
from its_core.engines.simulator import engine, simulator
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
    ("frame, other", renderer.ClipRenderer, "_frame"),
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
    arguments = parser.parse_args()
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
        _make(made, scenes[0], 99, path, clock)
        print(f"first clip of the process, kernels included: {time.process_time() - start:.1f} CPU s\n")
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
