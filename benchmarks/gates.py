"""What the checks and the quality gates cost a clip, beside decoding it: CPU seconds, taken in turns in one run.

python benchmarks/gates.py [--rounds 5]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from checks import street

from its_core.checks.measures import measure, table
from its_core.checks.suite import validate
from its_core.clip import Geometry
from its_core.video import read_frames, write_mp4

GEOMETRY = Geometry.of("720", 16)


def _seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        write_mp4(path, street(GEOMETRY, 2.0), GEOMETRY)
        validate(table({"clip": measure(path, GEOMETRY)}), ["clip"], GEOMETRY)  # imports, before the clock starts

        def decode_twice() -> None:
            for _ in range(2):
                for _ in read_frames(path):
                    pass

        def check() -> None:
            validate(table({"clip": measure(path, GEOMETRY)}), ["clip"], GEOMETRY)

        works = (decode_twice, lambda: measure(path, GEOMETRY), check)
        times = [[_seconds(work) for work in works] for _ in range(rounds)]
    decoded, measured, checked = (median(column) for column in zip(*times, strict=True))
    print("| a clip of 93 frames, 1280×704 | CPU s |\n|---|--:|")
    print(f"| decode it twice | {decoded:.2f} |")
    print(f"| decode and measure it, gates included | {measured:.2f} |")
    print(f"| the same and the suite, for one clip | {checked:.2f} |")
    print(f"\nmeasuring ÷ decoding twice: {measured / decoded:.2f}")


if __name__ == "__main__":
    main()
