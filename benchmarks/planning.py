"""Planning: a manifest of a million rows read, checked, told in prompts, named, split and cut into shards.

    python benchmarks/planning.py                 # a million rows; prints a table
    python benchmarks/planning.py --rows 100000

The rows are structured ones for the simulator, drawn at random from everything that it can render: nearly no two ask
for the same, and every prompt is composed. One row in a thousand is bad. The planning runs in a process of its own, so
that its peak memory is its own too; making the manifest is not counted.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from its_core.clip import Geometry
from its_core.dataset import splits
from its_core.engines.engine import engine_module
from its_core.scenarios import manifest
from its_core.shards import batch as batches
from its_core.shards import plan as planning
from its_core.shards.receipts import ClipFiles
from its_core.taxonomy import Colour, IncidentType, ParticipantType, RoadLayout, Role, Split, TrafficDensity

CAMERAS = 2000
SHARD_SIZE = 8
ONE_BAD_IN = 1000
GROUP_ROWS = 100_000
SHARES = {Split.TRAIN: 0.8, Split.VAL: 0.1, Split.TEST: 0.1}
VEHICLES = [ParticipantType.SEDAN, ParticipantType.SUV, ParticipantType.PICKUP, ParticipantType.VAN]
LAYOUTS = {
    IncidentType.INTERSECTION_COLLISION: RoadLayout.FOUR_WAY_INTERSECTION,
    IncidentType.REAR_END_COLLISION: RoadLayout.HIGHWAY,
    IncidentType.PEDESTRIAN_NEAR_MISS: RoadLayout.URBAN_STREET,
    IncidentType.NORMAL_TRAFFIC: RoadLayout.HIGHWAY,
}


def write_manifest(path: Path, rows: int) -> None:
    rng = np.random.default_rng(1)
    with pq.ParquetWriter(path, _rows(rng, 0, 1).schema) as writer:
        for start in range(0, rows, GROUP_ROWS):
            writer.write_table(_rows(rng, start, min(GROUP_ROWS, rows - start)))


def _rows(rng: np.random.Generator, start: int, count: int) -> pa.Table:
    def drawn(words: Iterable[str]) -> list[str]:
        return rng.choice([str(word) for word in words], count).tolist()

    incidents = drawn(LAYOUTS)
    pairs = zip(incidents, drawn(VEHICLES), drawn(Colour), drawn(VEHICLES), drawn(Colour), strict=True)
    ids = [f"row-{start + i:08d}" for i in range(count)]
    numbers = rng.integers(CAMERAS, size=count)
    lights = drawn(["day", "dusk"])
    lights[::ONE_BAD_IN] = ["noon"] * len(lights[::ONE_BAD_IN])
    return pa.table(
        {
            "scenario_id": ids,
            "camera_id": [_camera(incident, i) for incident, i in zip(incidents, numbers, strict=True)],
            "incident_type": incidents,
            "participants": [_participants(*pair) for pair in pairs],
            "road_layout": [str(LAYOUTS[IncidentType(incident)]) for incident in incidents],
            "light": lights,
            "weather": drawn(["clear", "overcast"]),
            "road_surface": drawn(["dry", "wet"]),
            "traffic_density": drawn(TrafficDensity),
            "district": [f"district {i}" for i in rng.integers(40, size=count)],
        }
    )


def _camera(incident: str, number: int) -> str:
    """A camera that is always at the same place."""
    places = sorted(set(LAYOUTS.values()))
    return f"camera-{number // len(places) * len(places) + places.index(LAYOUTS[IncidentType(incident)]):04d}"


def _participants(incident: str, first: str, colour: str, second: str, other: str) -> list[dict[str, str | None]]:
    if incident == IncidentType.NORMAL_TRAFFIC:
        return [{"type": first, "colour": colour, "role": str(Role.BYSTANDER)}]
    if incident == IncidentType.PEDESTRIAN_NEAR_MISS:
        second = str(ParticipantType.PEDESTRIAN)
    return [
        {"type": first, "colour": colour, "role": str(Role.AT_FAULT)},
        {"type": second, "colour": other, "role": str(Role.NOT_AT_FAULT)},
    ]


def measure(path: Path) -> dict[str, float]:
    """Plans the manifest as a build does and says how long each stage took."""
    module = engine_module("simulator")
    options = module.parse_options({}, "720", 16)
    reading = 0.0
    splitting = 0.0

    def timed(found: Iterator[manifest.Batch]) -> Iterator[manifest.Batch]:
        nonlocal reading
        while True:
            began = time.perf_counter()
            batch = next(found, None)
            reading += time.perf_counter() - began
            if batch is None:
                return
            yield batch

    def assign(*asked) -> list[Split | str]:  # type: ignore[no-untyped-def]
        nonlocal splitting
        began = time.perf_counter()
        answers = splits.assign(*asked, SHARES)
        splitting += time.perf_counter() - began
        return answers

    began = time.perf_counter()
    found = manifest.read(
        str(path),
        base_folder=str(path.parent),
        allowed_inputs=[str(path.parent)],
        input_cache=path.parent / "inputs",
        engine_needs_input=False,
        unsupported=module.unsupported,
        layout_of=module.layout_of,
    )
    geometry = Geometry.of("720", 16)
    plan = planning.make(path.parent, timed(found), module.identity(options), geometry, assign)
    manifest.write_rejections(path.parent / "rejected.parquet", plan.rejections)
    planned = time.perf_counter()
    shards = planning.shards(plan, range(len(plan.clip_ids)), SHARD_SIZE)
    sharded = time.perf_counter()
    jobs = [batches.Job(clip.request, ClipFiles(path.parent / "x.mp4")) for clip in plan.clips(shards[-1].indices)]
    batches.write(path.parent / "shard.json", jobs, batches.EngineSettings("simulator", {}, "720", 16))
    ended = time.perf_counter()
    return {
        "rows": plan.rows,
        "clips": len(plan.clip_ids),
        "rejected": len(plan.rejections),
        "shards": len(shards),
        "read_s": reading,
        "plan_s": planned - began - reading - splitting,
        "split_s": splitting,
        "shard_s": sharded - planned,
        "batch_file_s": ended - sharded,
        "total_s": ended - began,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def table(found: dict[str, float]) -> str:
    stages = {
        "read and check": found["read_s"],
        "compose prompts, name clips, write the plan": found["plan_s"],
        "assign splits": found["split_s"],
        "cut into shards": found["shard_s"],
        "one shard's batch JSON": found["batch_file_s"],
        "**all**": found["total_s"],
    }
    head = (
        f"{found['rows']:,} rows: {found['clips']:,} clips in {found['shards']:,} shards, "
        f"{found['rejected']:,} rows rejected; peak memory {found['peak_mib']:,.0f} MiB"
    )
    return "\n".join([head, "", "| stage | s |", "|---|--:|", *(f"| {name} | {s:.2f} |" for name, s in stages.items())])


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rows", type=int, default=1_000_000)
    arguments.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    asked = arguments.parse_args()
    if asked.measure:
        print(json.dumps(measure(asked.measure)))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scenarios.parquet"
        write_manifest(path, asked.rows)
        command = [sys.executable, __file__, "--measure", str(path)]
        print(table(json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)))


if __name__ == "__main__":
    main()
