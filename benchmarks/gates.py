"""What the checks and the quality gates cost, beside decoding the clips twice: CPU seconds, in turns in one run.

python benchmarks/gates.py [--clips 1 12 100] [--rounds 3]

The clips are links to one of 1280×704 × 93 frames. Importing Great Expectations, once a process, is timed apart.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from checks import street

from its_core.checks.measures import Measures, measure, table
from its_core.checks.suite import validate
from its_core.clip import Geometry
from its_core.video import read_frames, write_mp4

GEOMETRY = Geometry.of("720", 16)


def _seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def _row(path: Path, clips: int, rounds: int) -> str:
    names = [f"clip-{number}" for number in range(clips)]
    measured: dict[str, Measures] = {}

    def decode_twice() -> None:
        for _ in range(2 * clips):
            for _ in read_frames(path):
                pass

    def measure_all() -> None:
        measured.update({name: measure(path, GEOMETRY) for name in names})

    works = (decode_twice, measure_all, lambda: validate(table(measured), names, GEOMETRY))
    times = [[_seconds(work) for work in works] for _ in range(rounds)]
    decoded, gates, suite = (median(column) for column in zip(*times, strict=True))
    share = (gates + suite) / decoded
    return f"| {clips} | {decoded:.2f} | {gates:.2f} | {suite:.2f} | {share:.2f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, nargs="+", default=[1, 12, 100])
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        write_mp4(path, street(GEOMETRY, 2.0), GEOMETRY)
        first = table({"clip": measure(path, GEOMETRY)})
        imported = _seconds(lambda: validate(first, ["clip"], GEOMETRY))
        print(f"first suite of a process, imports included: {imported:.2f} CPU s\n")
        print("| clips | decode twice | measure, gates included | suite | (measure + suite) ÷ decode twice |")
        print("|--:|--:|--:|--:|--:|")
        for clips in arguments.clips:
            print(_row(path, clips, arguments.rounds), flush=True)


if __name__ == "__main__":
    main()
