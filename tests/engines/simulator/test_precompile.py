"""After it ran, ordinary clips compile next to nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from its_core.engines.simulator.compilation import kept_in

ROOT = Path(__file__).parents[3]
# In a process of its own: what other tests used must not count.
COMPILED = """
import gc, json
from numba.core.dispatcher import Dispatcher
from its_core.clip import ClipRequest, Geometry, Scene
from its_core.engines.simulator import engine, precompile
from its_core.taxonomy import IncidentType, Light, RoadLayout, Weather

def used():
    kernels = [each for each in gc.get_objects() if issubclass(type(each), Dispatcher)]  # not of weak references
    return {
        f"{each.py_func.__qualname__} {types}" for each in kernels
        if each.py_func.__module__.startswith("its_core") for types in each.signatures
    }

precompile.main()
before = used()
made = engine.load(engine.parse_options({}, "480", 16))
for scene in (
    Scene("x", IncidentType.NORMAL_TRAFFIC, light=Light.DUSK),
    Scene("x", IncidentType.SIDESWIPE_COLLISION, weather=Weather.CLEAR, road_layout=RoadLayout.TUNNEL),
):
    clip = made.generate(ClipRequest("clip", "row", 0, 1, "", "", 7.0, Geometry(192, 112, 10, 61), scene))
    assert sum(1 for _ in clip.frames) == 61
print(json.dumps([len(before), sorted(used() - before)]))
"""


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    everything = os.environ | {"PYTHONPATH": str(ROOT)} | environment
    return subprocess.run([sys.executable, "-c", code], env=everything, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_ordinary_clips_compile_next_to_nothing_after_it() -> None:
    done = run(COMPILED)
    assert done.returncode == 0, done.stderr
    *_, said, last = done.stdout.splitlines()
    assert said.endswith(f"kept in {kept_in()}")
    known, further = json.loads(last)
    assert known > 60
    assert len(further) <= 5, further


def test_without_a_folder_to_keep_it_in_code_is_compiled_anew_and_precompiling_is_refused() -> None:
    nowhere = "/proc/nowhere"
    compiled = run(
        "from its_core.engines.simulator.compilation import kernel\nprint(kernel(lambda x: x + 1)(2))",
        NUMBA_CACHE_DIR=nowhere,
    )
    assert compiled.stdout.strip() == "3", compiled.stderr
    refused = run("from its_core.engines.simulator import precompile\nprecompile.main()", NUMBA_CACHE_DIR=nowhere)
    assert refused.returncode == 1
    assert f"{nowhere}/" in refused.stderr and "NUMBA_CACHE_DIR" in refused.stderr
