"""Compiles the simulator's kernels for this processor, so that the first build does not spend a minute or two a process
on it. ``make install`` runs it; run it yourself in an image or an environment that is made otherwise:

    python -m its_core.engines.simulator.precompile

It makes a few small clips, and keeps what Numba compiled where every process looks for it (``compilation``).
"""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory

from its_core.clip import ClipRequest, Geometry, Scene
from its_core.engines.simulator import engine
from its_core.engines.simulator.compilation import IS_KEPT, kept_in
from its_core.taxonomy import IncidentType, Light, RoadLayout, TrafficDensity, Weather
from its_core.video import write_mp4

_SMALL = Geometry(192, 112, 10, 61)
# Between them: lamps, beams, rain, snow, fog, dents, skid marks, signals, riders and people who fall.
_SCENES = (
    Scene(
        "compiled-0", IncidentType.PEDESTRIAN_COLLISION, road_layout=RoadLayout.FOUR_WAY_INTERSECTION,
        light=Light.NIGHT, weather=Weather.RAIN, traffic_density=TrafficDensity.MEDIUM,
    ),
    Scene("compiled-1", IncidentType.REAR_END_COLLISION, road_layout=RoadLayout.HIGHWAY, weather=Weather.SNOW),
    Scene("compiled-2", IncidentType.CYCLIST_COLLISION, road_layout=RoadLayout.URBAN_STREET, weather=Weather.FOG),
)  # fmt: skip


def main() -> None:
    if not IS_KEPT:
        raise SystemExit(f"{kept_in()} cannot be written: set NUMBA_CACHE_DIR to a folder that can be")
    began_s = time.monotonic()
    print("Compiling the simulator's kernels for this processor, once: a minute or two …", flush=True)
    made = engine.load(engine.parse_options({}, "480", 16))
    try:
        with TemporaryDirectory() as folder:
            for scene in _SCENES:
                clip = made.generate(ClipRequest("clip", "row", 0, 3, "", "", 7.0, _SMALL, scene))
                write_mp4(Path(folder) / "clip.mp4", clip.frames, _SMALL)
    finally:
        made.close()
    print(f"Compiled in {time.monotonic() - began_s:.0f} s; kept in {kept_in()}")


if __name__ == "__main__":
    main()
