"""Whether the truth at the start of a clip gives a crash away, as ``its audit`` asks it of a published version, with
physics only: nothing is rendered.

Half of the clips show a crash, half ordinary traffic; each camera has as many of the one as of the other, at the same
place, with traffic as dense. Boxes are those of bodies' corners, whatever hides them. An AUC of 0.5 is right: nothing
is given away. Intervals are over cameras.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from its_core.clip import Geometry, Scene
from its_core.engines.simulator.abilities import ABILITIES
from its_core.engines.simulator.dimensions import PEDESTRIAN_RADIUS_M, VEHICLES
from its_core.engines.simulator.incidents.attempts import try_until_it_happens
from its_core.engines.simulator.optics.camera import Camera, camera_for
from its_core.engines.simulator.roads.registry import place
from its_core.engines.simulator.simulation.run import Run
from its_core.engines.simulator.trace import Trace, forward
from its_core.evaluation.audit import truth_inputs
from its_core.evaluation.audit.shortcuts import scores_on_unseen_cameras
from its_core.evaluation.scoring import bootstrap, ranking
from its_core.taxonomy import IncidentType, ParticipantType, RoadLayout, TrafficDensity

GEOMETRY = Geometry.of("720", 16)
CLIPS_A_CAMERA = 4
ATTEMPTS = 4
_CRASHES = [kind for kind in ABILITIES if kind.has_contact]
_LAYOUTS = sorted({layout for kind in _CRASHES for layout in ABILITIES[kind].layouts})
_PERSON_HEIGHT_M = 1.75


@dataclass(frozen=True, slots=True)
class Looked:
    """What one clip gives to look at; ``inputs`` are empty where its incident did not happen."""

    camera: str
    crash: bool
    inputs: dict[str, np.ndarray]


def looked(number: int) -> Looked:
    camera_number, turn = divmod(number, CLIPS_A_CAMERA)
    layout = _LAYOUTS[camera_number % len(_LAYOUTS)]
    density = list(TrafficDensity)[camera_number // len(_LAYOUTS) % len(TrafficDensity)]
    camera_id = f"shortcut-{camera_number}"
    here = place(layout, camera_id)
    camera = camera_for(camera_id, here, GEOMETRY)
    crash = turn % 2 == 0
    incident = _incident(layout, camera_number + turn // 2) if crash else IncidentType.NORMAL_TRAFFIC
    scene = Scene(camera_id, incident, road_layout=layout, traffic_density=density)
    found = try_until_it_happens(scene, here, camera, GEOMETRY, 900_001 * (number + 1) % 2**31, ATTEMPTS)
    if found.run is None:
        return Looked(camera_id, crash, {})
    size_px = GEOMETRY.height_px, GEOMETRY.width_px
    return Looked(camera_id, crash, truth_inputs.inputs(_annotations(found.run, camera), size_px))


def _incident(layout: RoadLayout, number: int) -> IncidentType:
    possible = [kind for kind in _CRASHES if layout in ABILITIES[kind].layouts]
    return possible[number % len(possible)]


def _annotations(run: Run, camera: Camera) -> dict[str, Any]:
    """Of the first frame and that a second later: as much of a clip's annotations as the audit looks at."""
    trace = run.trace
    tracks = [
        {
            "track_id": actor.track_id,
            "type": actor.type.value,
            "parked": actor.parked,
            "frames": [_state(trace, camera, frame, number) for frame in (0, trace.fps)],
        }
        for number, actor in enumerate(trace.actors)
    ]
    return {"fps": trace.fps, "tracks": tracks, "camera": camera.model().model_dump()}


def _state(trace: Trace, camera: Camera, frame: int, number: int) -> dict[str, Any]:
    ahead = forward(trace, frame, number)
    return {
        "frame": frame,
        "speed_mps": float(trace.speeds[frame, number]),
        "heading_deg": float(np.degrees(np.arctan2(-ahead[0], ahead[1])) % 360.0),
        "position_m": trace.positions[frame, number].tolist(),
        "visible_box": _box(trace, camera, frame, number),
    }


def _box(trace: Trace, camera: Camera, frame: int, number: int) -> tuple[float, float, float, float] | None:
    """Around the corners of a body, cut off at the picture's edges."""
    type_ = trace.actors[number].type
    length, width, height = 2 * PEDESTRIAN_RADIUS_M, 2 * PEDESTRIAN_RADIUS_M, _PERSON_HEIGHT_M
    if type_ is not ParticipantType.PEDESTRIAN:
        body = VEHICLES[type_]
        length, width, height = body.length_m, body.width_m, body.height_m
    fx, fy = (float(value) for value in forward(trace, frame, number))
    corners = np.array(
        [
            (u * length * fx + v * width * fy, u * length * fy - v * width * fx, z * height)
            for u in (-0.5, 0.5)
            for v in (-0.5, 0.5)
            for z in (0.0, 1.0)
        ]
    )
    x, y, depth = camera.project(trace.positions[frame, number] + corners).T
    if (depth <= 0.1).any():
        return None
    x1, x2 = np.clip([x.min(), x.max()], 0.0, camera.width_px)
    y1, y2 = np.clip([y.min(), y.max()], 0.0, camera.height_px)
    return (float(x1), float(y1), float(x2), float(y2)) if x2 - x1 > 1.0 and y2 - y1 > 1.0 else None


def report(found: list[Looked]) -> None:
    made = [each for each in found if each.inputs]
    labels = np.array([each.crash for each in made])
    cameras = np.array([each.camera for each in made])
    print(f"clips: {labels.sum()} crashes, {(~labels).sum()} without, {len(set(cameras))} cameras")
    print(f"not made: {len(found) - len(made)}")
    weights = bootstrap.camera_weights(cameras.tolist())
    for name in made[0].inputs:
        values = np.stack([each.inputs[name] for each in made])
        scores = scores_on_unseen_cameras(values, labels, cameras)
        auc = bootstrap.estimate(ranking.auc(scores, labels, weights))
        print(f"{name:28} AUC {auc.value:.2f}  {auc.low:.2f} to {auc.high:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=240)
    parser.add_argument("--processes", type=int, default=1)
    arguments = parser.parse_args()
    start = time.perf_counter()
    numbers = range(arguments.clips)
    if arguments.processes == 1:
        found = [looked(number) for number in numbers]
    else:
        with multiprocessing.get_context("spawn").Pool(arguments.processes) as pool:
            found = pool.map(looked, numbers, chunksize=CLIPS_A_CAMERA)
    report(found)
    print(f"{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
