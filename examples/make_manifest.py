"""How to write a scenario manifest: a list of rows, a schema, one Parquet file.

    python examples/make_manifest.py                          # writes datasets/quickstart/scenarios.parquet
    python examples/make_manifest.py --frames datasets/mine/frames --output datasets/mine/scenarios.parquet

The first is the sample manifest: twelve rows for the simulator. The second asks for a crash and for normal traffic from
each camera frame or clip (png, jpg, jpeg, webp, mp4) in a folder of yours; edit the rows to what your cameras look at.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from its_core.inputs import IMAGE_SUFFIXES, VIDEO_SUFFIXES

QUICKSTART = Path(__file__).parent.parent / "datasets" / "quickstart" / "scenarios.parquet"
FRAME_SUFFIXES = {*IMAGE_SUFFIXES, *VIDEO_SUFFIXES}

# Only scenario_id and camera_id are required. Columns may be left out, in any order, and a row may leave any other
# column null. Columns that the factory does not know, like site_note here, travel with the clips into the labels.
SCHEMA = pa.schema(
    [
        ("scenario_id", pa.string()),
        ("camera_id", pa.string()),
        ("split", pa.string()),
        ("pair_id", pa.string()),
        ("input_image", pa.string()),
        ("incident_type", pa.string()),
        (
            "participants",
            pa.list_(pa.struct([("type", pa.string()), ("colour", pa.string()), ("role", pa.string())])),
        ),
        ("road_layout", pa.string()),
        ("light", pa.string()),
        ("weather", pa.string()),
        ("road_surface", pa.string()),
        ("traffic_density", pa.string()),
        ("aftermath", pa.string()),
        ("seed", pa.int64()),
        ("site_note", pa.string()),
    ]
)


def who(type: str, colour: str | None = None, role: str | None = None) -> dict[str, str | None]:
    """A participant. Without roles the first vehicle is at fault, the next participant is not, the rest look on."""
    return {"type": type, "colour": colour, "role": role}


def quickstart() -> list[dict[str, Any]]:
    """Four intersection collisions, three rear-end collisions, three pedestrian near-misses, two times normal traffic.

    A camera stands at one place for good, and belongs to one split; so does a pair.
    """
    crossing = {"incident_type": "intersection_collision", "road_layout": "four_way_intersection"}
    rear_end = {"incident_type": "rear_end_collision", "road_layout": "highway"}
    near_miss = {"incident_type": "pedestrian_near_miss", "road_layout": "urban_street"}
    normal = {"incident_type": "normal_traffic"}
    clear_day, grey_day = {"light": "day", "weather": "clear"}, {"light": "day", "weather": "overcast"}
    clear_dusk, grey_dusk = {"light": "dusk", "weather": "clear"}, {"light": "dusk", "weather": "overcast"}
    return [
        {
            "scenario_id": "red-light-sedan-suv",
            "camera_id": "main-and-5th",
            "split": "train",
            "pair_id": "main-and-5th-day",
            **crossing,
            **clear_day,
            "participants": [who("sedan", "red"), who("suv", "white")],
            "traffic_density": "high",
            "aftermath": "spins_out",
            "seed": 11,
            "site_note": "signal plan A, two phases",
        },
        {
            "scenario_id": "main-and-5th-normal",
            "camera_id": "main-and-5th",
            "split": "train",
            "pair_id": "main-and-5th-day",
            **normal,
            **clear_day,
            "road_layout": "four_way_intersection",
            "traffic_density": "high",
            "seed": 12,
            "site_note": "signal plan A, two phases",
        },
        {
            "scenario_id": "red-light-van-sedan",
            "camera_id": "oak-and-elm",
            "split": "train",
            **crossing,
            **grey_day,
            "participants": [who("van", "white"), who("sedan", "silver")],
            "traffic_density": "medium",
            "seed": 24,
        },
        {
            "scenario_id": "red-light-pickup-sedan",
            "camera_id": "oak-and-elm",
            "split": "train",
            **crossing,
            **clear_dusk,
            "participants": [who("pickup", "black"), who("sedan", "blue")],
            "traffic_density": "low",
            "seed": 22,
        },
        {
            "scenario_id": "tailgating-sedan-pickup",
            "camera_id": "highway-km-14",
            "split": "train",
            **rear_end,
            **clear_day,
            "participants": [who("sedan", "black"), who("pickup", "silver")],
            "traffic_density": "medium",
            "aftermath": "pushed_forward",
            "seed": 31,
            "site_note": "overhead gantry, north side",
        },
        {
            "scenario_id": "tailgating-suv-sedan",
            "camera_id": "highway-km-14",
            "split": "train",
            **rear_end,
            **grey_dusk,
            "participants": [who("suv", "grey"), who("sedan", "red")],
            "traffic_density": "medium",
            "seed": 32,
            "site_note": "overhead gantry, north side",
        },
        {
            "scenario_id": "turning-van-pedestrians",
            "camera_id": "market-street",
            "split": "train",
            **near_miss,
            **clear_day,
            "participants": [who("van", "white"), who("pedestrian"), who("pedestrian")],
            "traffic_density": "medium",
            "aftermath": "drives_on",
            "seed": 41,
        },
        {
            "scenario_id": "turning-suv-pedestrian",
            "camera_id": "market-street",
            "split": "train",
            **near_miss,
            **clear_dusk,
            "participants": [who("suv", "blue"), who("pedestrian", "red")],
            "traffic_density": "low",
            "seed": 42,
        },
        {
            "scenario_id": "red-light-sedan-sedan",
            "camera_id": "harbour-crossing",
            "split": "val",
            **crossing,
            **grey_dusk,
            "participants": [who("sedan", "white"), who("sedan", "green")],
            "traffic_density": "medium",
            "seed": 51,
        },
        {
            "scenario_id": "highway-normal",
            "camera_id": "highway-km-31",
            "split": "val",
            **normal,
            **grey_day,
            "road_layout": "highway",
            "traffic_density": "medium",
            "seed": 61,
        },
        {
            "scenario_id": "tailgating-pickup-suv",
            "camera_id": "highway-km-52",
            "split": "test",
            **rear_end,
            **grey_day,
            "participants": [who("pickup", "blue"), who("suv", "white")],
            "road_surface": "wet",
            "traffic_density": "low",
            "seed": 71,
        },
        {
            "scenario_id": "turning-pickup-pedestrian",
            "camera_id": "school-lane",
            "split": "test",
            **near_miss,
            **grey_day,
            "participants": [who("pickup", "silver"), who("pedestrian", "yellow")],
            "traffic_density": "medium",
            "aftermath": "pedestrians_retreat",
            "seed": 81,
        },
    ]


def is_frame(path: Path) -> bool:
    return path.suffix.lower() in FRAME_SUFFIXES and not path.name.startswith(".")


def from_frames(frames: Path, manifest: Path) -> list[dict[str, Any]]:
    """A rear-end collision and normal traffic from each frame, as a pair, so that both land in the same split.

    A frame beside or below the manifest is named from there, any other by its whole path (and has to be allowed by
    ``allowed_inputs`` in dataset.yaml). Light and weather are left to the picture.
    """
    rows: list[dict[str, Any]] = []
    for frame in sorted(filter(is_frame, frames.iterdir())):
        camera_id = re.sub(r"[^A-Za-z0-9_-]+", "-", frame.stem)
        home = manifest.parent.resolve()
        inside = frame.resolve().is_relative_to(home)
        shared = {
            "camera_id": camera_id,
            "pair_id": camera_id,
            "input_image": str(frame.resolve().relative_to(home) if inside else frame.resolve()),
            "site_note": frame.name,
        }
        crash = {
            "incident_type": "rear_end_collision",
            "participants": [who("sedan", "black"), who("pickup", "silver")],
            "aftermath": "pushed_forward",
        }
        rows.append({"scenario_id": f"{camera_id}-rear-end", **shared, **crash})
        rows.append({"scenario_id": f"{camera_id}-normal", **shared, "incident_type": "normal_traffic"})
    return rows


def write(rows: Iterable[dict[str, Any]], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(list(rows), SCHEMA), path)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--output", type=Path, default=QUICKSTART, help="the manifest to write")
    arguments.add_argument("--frames", type=Path, help="a folder of frames or clips of fixed cameras")
    asked = arguments.parse_args()
    if asked.frames and asked.output == QUICKSTART:
        arguments.error("--frames needs an --output of its own")
    rows = from_frames(asked.frames, asked.output) if asked.frames else quickstart()
    if not rows:
        arguments.error(f"no {', '.join(sorted(FRAME_SUFFIXES))} in {asked.frames}")
    write(rows, asked.output)
    print(f"{len(rows)} scenarios in {asked.output}; check them with: its check {asked.output.parent}")
    if asked.frames and (others := [path.name for path in asked.frames.iterdir() if not is_frame(path)]):
        print(f"not used: {', '.join(sorted(others))}")


if __name__ == "__main__":
    main()
