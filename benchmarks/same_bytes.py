"""Whether a simulated clip is the same bytes in every process: ``python benchmarks/same_bytes.py [--at-once 4]``.

Renders one small clip in fresh processes, each with a hash seed of its own, and prints how many of them agree: by turns
as the processor is, with NumPy's vector units switched off, and as on a processor that has none (also without Numba's,
OpenBLAS' and libjpeg's, and without the C library's fused multiplication). A digest is of all frames, labels and the
MP4 file. Needs the simulator and the encoder alone.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parent.parent
NUMPY_OFF = {"NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR"}
ALL_OFF = NUMPY_OFF | {
    "NUMBA_CPU_NAME": "x86-64",
    "NUMBA_CPU_FEATURES": "",
    "OPENBLAS_CORETYPE": "Prescott",
    "JSIMD_FORCENONE": "1",
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4,-AVX512F,-AVX512VL,-AVX2_Usable,-FMA_Usable",
}
PROCESSORS: tuple[tuple[str, dict[str, str]], ...] = (
    ("as the processor is", {}),
    ("NumPy's vector units off", NUMPY_OFF),
    ("all vector units off", ALL_OFF),
)


def digest() -> str:
    """Of a rainy night's clip, made in this process."""
    from its_core.clip import ClipRequest, Geometry, Scene
    from its_core.engines.simulator import engine
    from its_core.taxonomy import IncidentType, Light, RoadLayout, Weather
    from its_core.video import write_mp4

    geometry = Geometry(320, 192, 16, 49)
    made = engine.load(engine.parse_options({}, "480", 16))
    scene = Scene(
        "same-bytes", IncidentType.INTERSECTION_COLLISION, light=Light.NIGHT, weather=Weather.RAIN,
        road_layout=RoadLayout.FOUR_WAY_INTERSECTION,
    )  # fmt: skip
    clip = made.generate(ClipRequest("clip", "row", 0, 5, "", "", 7.0, geometry, scene))
    frames = [frame.copy() for frame in clip.frames]
    assert clip.annotations is not None
    found = hashlib.sha256(b"".join(frame.tobytes() for frame in frames))
    found.update(clip.annotations.model_dump_json().encode())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        write_mp4(path, iter(frames), geometry)
        found.update(path.read_bytes())
    return found.hexdigest()


def digest_elsewhere(settings: dict[str, str], hash_seed: int) -> str:
    """The same, made in a fresh process."""
    paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    environment = os.environ | settings | {"PYTHONPATH": paths, "PYTHONHASHSEED": str(hash_seed)}
    command = [sys.executable, __file__, "--digest"]
    return subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout.split()[-1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--at-once", type=int, default=1, help="processes at a time")
    parser.add_argument("--digest", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.digest:
        print(digest())
        return
    found: Counter[str] = Counter()
    print("| run | processor | hash seed | digest |\n|--:|---|--:|---|")
    with ThreadPoolExecutor(asked.at_once) as pool:
        turns = [PROCESSORS[run % len(PROCESSORS)] for run in range(asked.runs)]
        digests = pool.map(digest_elsewhere, [settings for _, settings in turns], range(asked.runs))
        for run, ((name, _), made) in enumerate(zip(turns, digests, strict=True)):
            found[made] += 1
            print(f"| {run + 1} | {name} | {run} | {made[:16]} |", flush=True)
    print(f"\n{found.most_common(1)[0][1]} of {asked.runs} runs made the same bytes")


if __name__ == "__main__":
    main()
