"""Exports: seconds a format for many clips, and whether the memory stays flat.

    python benchmarks/exports.py                 # prints a table
    python benchmarks/exports.py --clips 1000 --fewer 100

A version of many links to one clip of 128×96 × 93 frames, each with its own annotations of 12 tracks, is published once
and exported in every format, each in a process of its own. Memory is the process' peak, beside that of an export of
fewer clips.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from checks import ENGINE, GEOMETRY, finished

from its_core.dataset import reader
from its_core.dataset.formats import FORMATS, export
from its_core.dataset.lineage.run import Run
from its_core.dataset.publish import publish
from its_core.dataset.versions import content
from its_core.scenarios.manifest import write_rejections
from its_core.shards.receipts import utc_now


def publish_many(folder: Path, count: int) -> str:
    """Publishes ``count`` clips and returns the version's URL."""
    geometry = replace(GEOMETRY, width_px=128, height_px=96)
    clips = finished(folder / f"work-{count}", count, geometry)
    rejected = folder / "rejected.parquet"
    write_rejections(rejected, [])
    dataset = content.Dataset(f"clips-{count}", "", "other", str(folder / "published"), geometry, ENGINE)
    run = Run("00000000-0000-0000-0000-000000000001", utc_now(), (), {}, ENGINE)
    return publish(clips, dataset, rejected, run, folder / f"work-{count}").url


def _export_here(version: str, name: str, target: str) -> None:
    found = reader.open_version(version)
    wall_s, cpu_s = time.monotonic(), time.process_time()
    exported = export(found, name, target)
    spent = time.monotonic() - wall_s, time.process_time() - cpu_s
    print(exported, *spent, _peak_mib())


def _peak_mib() -> float:
    """Of this process since its start; getrusage's peak would include that of the process that forked it."""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def _export(version: str, name: str, folder: Path) -> tuple[int, float, float, float]:
    """Clips, wall seconds, CPU seconds and peak MiB of an export in a process of its own."""
    with tempfile.TemporaryDirectory(dir=folder) as target:
        command = [sys.executable, __file__, "--one", version, name, f"{target}/export"]
        clips, *figures = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-4:]
    wall_s, cpu_s, peak_mib = (float(figure) for figure in figures)
    return int(clips), wall_s, cpu_s, peak_mib


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=1000)
    parser.add_argument("--fewer", type=int, default=100, help="to compare the memory with")
    parser.add_argument("--format", action="append", choices=list(FORMATS), help="only these")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        _export_here(*arguments.one)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        few, many = (publish_many(folder, count) for count in (arguments.fewer, arguments.clips))
        print(f"| format | clips | s | CPU s | peak MiB | of {arguments.fewer} clips |\n|---|--:|--:|--:|--:|--:|")
        for each in arguments.format or FORMATS:
            *_, before_mib = _export(few, each, folder)
            clips, wall_s, cpu_s, peak_mib = _export(many, each, folder)
            print(
                f"| `{each}` | {clips:,} | {wall_s:.1f} | {cpu_s:.1f} | {peak_mib:.0f} | {before_mib:.0f} |", flush=True
            )


if __name__ == "__main__":
    main()
