"""How to write a scenario manifest: a list of rows, a schema, one Parquet file.

    python examples/make_manifest.py                          # writes datasets/quickstart/scenarios.parquet
    python examples/make_manifest.py --frames datasets/mine/frames --output datasets/mine/scenarios.parquet
    python examples/make_manifest.py --simulated-cameras 50 --output datasets/mine/scenarios.parquet

The first is the sample manifest: twenty-four rows for the simulator. The second asks for a crash and for normal traffic
from each camera frame or clip (png, jpg, jpeg, webp, mp4) in a folder of yours; edit the rows to what your cameras look
at. The third asks for both from the first frames of simulated cameras, for the cosmos engine.
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
        ("cause", pa.string()),
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

# Of rows whose first frame is a simulated camera's.
SIMULATED_SCHEMA = SCHEMA.append(pa.field("input", pa.string())).append(pa.field("averted_incident", pa.string()))


def who(type: str, colour: str | None = None, role: str | None = None) -> dict[str, str | None]:
    """A participant. Without roles the first vehicle is at fault, the next participant is not, the rest look on."""
    return {"type": type, "colour": colour, "role": role}


def row(
    scenario_id: str, camera_id: str, split: str, incident_type: str, road_layout: str, conditions: str, **more: Any
) -> dict[str, Any]:
    """``conditions``: light, weather and traffic density."""
    light, weather, density = conditions.split()
    words = {"incident_type": incident_type, "road_layout": road_layout, "light": light, "weather": weather}
    return (
        {"scenario_id": scenario_id, "camera_id": camera_id, "split": split}
        | words
        | {"traffic_density": density}
        | more
    )


def quickstart() -> list[dict[str, Any]]:
    """Crashes of every kind, near-misses, and traffic in which nothing goes wrong, in many places and conditions.

    A camera stands at one place for good, and belongs to one split; so does a pair.
    """
    crossing, highway, street = "four_way_intersection", "highway", "urban_street"
    main_street = ("main-and-5th", "train")
    oak, km_14, market = ("oak-and-elm", "train"), ("highway-km-14", "train"), ("market-street", "train")
    elm_road, ring_road = ("elm-road", "train"), ("ring-road-3", "train")
    return [
        row(
            "red-light-sedan-suv",
            *main_street,
            "intersection_collision",
            crossing,
            "day clear high",
            participants=[who("sedan", "red"), who("suv", "white")],
            aftermath="spins_out",
            seed=1011,
            pair_id="main-and-5th-day",
            site_note="signal plan A, two phases",
        ),
        row(
            "main-and-5th-normal",
            *main_street,
            "normal_traffic",
            crossing,
            "day clear high",
            seed=12,
            pair_id="main-and-5th-day",
            site_note="signal plan A, two phases",
        ),
        row(
            "red-light-van-sedan",
            *oak,
            "intersection_collision",
            crossing,
            "day overcast medium",
            participants=[who("van", "white"), who("sedan", "silver")],
            seed=24,
        ),
        row(
            "red-light-pickup-sedan",
            *oak,
            "intersection_collision",
            crossing,
            "dusk clear low",
            participants=[who("pickup", "black"), who("sedan", "blue")],
            seed=22,
        ),
        row(
            "tailgating-sedan-pickup",
            *km_14,
            "rear_end_collision",
            highway,
            "day clear medium",
            participants=[who("sedan", "black"), who("pickup", "silver")],
            aftermath="pushed_forward",
            seed=31,
            site_note="overhead gantry, north side",
        ),
        row(
            "tailgating-suv-sedan",
            *km_14,
            "rear_end_collision",
            highway,
            "dusk overcast medium",
            participants=[who("suv", "grey"), who("sedan", "red")],
            seed=32,
            site_note="overhead gantry, north side",
        ),
        row(
            "turning-van-pedestrians",
            *market,
            "pedestrian_near_miss",
            street,
            "day clear medium",
            participants=[who("van", "white"), who("pedestrian"), who("pedestrian")],
            aftermath="drives_on",
            seed=2041,
        ),
        row(
            "turning-suv-pedestrian",
            *market,
            "pedestrian_near_miss",
            street,
            "dusk clear low",
            participants=[who("suv", "blue"), who("pedestrian", "red")],
            seed=444,
        ),
        row(
            "left-turn-in-rain",
            *elm_road,
            "intersection_collision",
            "t_intersection",
            "day rain medium",
            seed=701,
            cause="left_turn_across_path",
            participants=[who("hatchback", "yellow"), who("suv", "grey")],
        ),
        row("elm-road-illegal-turn", *elm_road, "illegal_turn", "t_intersection", "day overcast medium", seed=102),
        row("asleep-head-on", *market, "head_on_collision", street, "dawn clear medium", cause="fell_asleep", seed=103),
        row("struck-at-night", *market, "pedestrian_collision", street, "night clear low", seed=304),
        row("pileup-in-fog", *ring_road, "multi_vehicle_pileup", highway, "day fog medium", seed=305),
        row(
            "lane-change-truck",
            *ring_road,
            "sideswipe_collision",
            highway,
            "day clear medium",
            seed=906,
            participants=[who("truck", "white"), who("sedan", "blue")],
        ),
        row("lost-on-snow", *km_14, "single_vehicle_crash", highway, "day snow low", cause="loss_of_control", seed=107),
        row("rush-hour", *ring_road, "congested_traffic", highway, "dusk overcast high", seed=108),
        row(
            "red-light-sedan-sedan",
            "harbour-crossing",
            "val",
            "intersection_collision",
            crossing,
            "dusk overcast medium",
            participants=[who("sedan", "white"), who("sedan", "green")],
            seed=51,
        ),
        row(
            "motorcycle-at-night",
            "harbour-crossing",
            "val",
            "motorcyclist_collision",
            crossing,
            "night rain medium",
            seed=109,
        ),
        row("highway-normal", "highway-km-31", "val", "normal_traffic", highway, "day overcast medium", seed=61),
        row("broken-down-van", "highway-km-31", "val", "stopped_vehicle", highway, "dusk clear medium", seed=310),
        row(
            "tailgating-pickup-suv",
            "highway-km-52",
            "test",
            "rear_end_collision",
            highway,
            "day overcast low",
            participants=[who("pickup", "blue"), who("suv", "white")],
            road_surface="wet",
            seed=71,
        ),
        row(
            "turning-pickup-pedestrian",
            "school-lane",
            "test",
            "pedestrian_near_miss",
            street,
            "day overcast medium",
            participants=[who("pickup", "silver"), who("pedestrian", "yellow")],
            aftermath="pedestrians_retreat",
            seed=1281,
        ),
        row("cyclist-struck", "school-lane", "test", "cyclist_collision", street, "day clear medium", seed=111),
        row("school-lane-jaywalking", "school-lane", "test", "jaywalking", street, "day clear medium", seed=312),
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


def from_simulated_cameras(count: int) -> list[dict[str, Any]]:
    """A crash and its counterfactual from each of so many simulated cameras.

    Both rows of a pair have camera, seed and words in common, so both clips start from nearly the same picture.
    Weather and light are left to the simulator: the prompt says what its picture shows.
    """
    kinds = (
        ("intersection_collision", "four_way_intersection"),
        ("rear_end_collision", "highway"),
        ("pedestrian_collision", "urban_street"),
    )
    rows: list[dict[str, Any]] = []
    for number in range(count):
        incident, layout = kinds[number % len(kinds)]
        camera_id = f"simulated-{number + 1:03}"
        shared = {
            "camera_id": camera_id,
            "pair_id": camera_id,
            "input": "simulator",
            "road_layout": layout,
            "seed": number,
        }
        calm = {"incident_type": "normal_traffic", "averted_incident": incident}
        rows.append({"scenario_id": f"{camera_id}-crash", **shared, "incident_type": incident})
        rows.append({"scenario_id": f"{camera_id}-normal", **shared, **calm})
    return rows


def write(rows: Iterable[dict[str, Any]], path: Path, schema: pa.Schema = SCHEMA) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(list(rows), schema), path)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--output", type=Path, default=QUICKSTART, help="the manifest to write")
    arguments.add_argument("--frames", type=Path, help="a folder of frames or clips of fixed cameras")
    arguments.add_argument("--simulated-cameras", type=int, default=0, metavar="N", help="so many, instead of frames")
    asked = arguments.parse_args()
    if (asked.frames or asked.simulated_cameras) and asked.output == QUICKSTART:
        given = "--frames" if asked.frames else "--simulated-cameras"
        arguments.error(f"{given} needs an --output of its own")
    if asked.simulated_cameras:
        rows, schema = from_simulated_cameras(asked.simulated_cameras), SIMULATED_SCHEMA
    else:
        rows, schema = from_frames(asked.frames, asked.output) if asked.frames else quickstart(), SCHEMA
    if not rows:
        arguments.error(f"no {', '.join(sorted(FRAME_SUFFIXES))} in {asked.frames}")
    write(rows, asked.output, schema)
    print(f"{len(rows)} scenarios in {asked.output}; check them with: its check {asked.output.parent}")
    if asked.frames and (others := [path.name for path in asked.frames.iterdir() if not is_frame(path)]):
        print(f"not used: {', '.join(sorted(others))}")


if __name__ == "__main__":
    main()
