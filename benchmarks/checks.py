"""Checks and publishing: seconds a clip to encode, to decode and measure, to label and publish; the suite over many.

    python benchmarks/checks.py                # prints tables
    python benchmarks/checks.py --clips 100

Clips of 1280×704 × 93 frames show cars that pass a still, textured street, under sensor noise of 2 and 5 levels. All is
processor time of one process. Publishing is that of many links to one small clip, each with its own annotations of 12
tracks, to see what a clip costs beside its bytes.
"""

from __future__ import annotations

import argparse
import gzip
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from its_core import storage
from its_core.annotations import Annotations, CameraModel, Contact, Track, TrackFrame
from its_core.checks.measures import measure, table
from its_core.checks.suite import validate
from its_core.clip import ClipRequest, EngineIdentity, Geometry, Outcome, Scene
from its_core.dataset.finished_clip import FinishedClip
from its_core.dataset.lineage.run import Run
from its_core.dataset.publish import publish
from its_core.dataset.versions import content
from its_core.scenarios.manifest import write_rejections
from its_core.shards.plan import PlannedClip
from its_core.shards.receipts import Attempt, clip_files, utc_now
from its_core.taxonomy import IncidentType, Split
from its_core.video import Frame, write_mp4

GEOMETRY = Geometry.of("720", 16)
ENGINE = EngineIdentity("simulator", "1", None, frozenset({"scene"}))
CARS, TRACKS, BANKS = 6, 12, 8


def street(geometry: Geometry, noise: float) -> Iterator[Frame]:
    """Cars of different speeds before a still scene, each frame under other noise."""
    generator = np.random.default_rng(0)
    height, width = geometry.height_px, geometry.width_px
    coarse = generator.integers(40, 210, (height // 8, width // 8, 3)).astype(np.float32)
    scene = np.kron(coarse, np.ones((8, 8, 1), np.float32))
    banks = [generator.normal(0, noise, (height, width, 1)).astype(np.float32) for _ in range(BANKS)]
    for index in range(geometry.frames):
        frame = scene.copy()
        for car in range(CARS):
            x, y = index * (2 + 2 * car) % (width - 120), height // 8 * (1 + car)
            frame[y : y + height // 14, x : x + width // 12] = (230, 60 + 25 * car, 40)
        noisy = frame + np.roll(banks[index % BANKS], index * 37, axis=1)
        yield np.clip(noisy, 0, 255).astype(np.uint8)


def coding(folder: Path) -> None:
    print("| noise, levels | encode, s | MB | decode and measure, s |\n|--:|--:|--:|--:|")
    for noise in (2.0, 5.0):
        frames = list(street(GEOMETRY, noise))
        path = folder / "clip.mp4"
        start = time.process_time()
        write_mp4(path, iter(frames), GEOMETRY)
        coded = time.process_time()
        found = measure(path, GEOMETRY, frames[0])
        measured = time.process_time()
        assert found.problem is None
        assert not found.frozen_frames
        size_mb = path.stat().st_size / 1e6
        print(f"| {noise:g} | {coded - start:.2f} | {size_mb:.2f} | {measured - coded:.2f} |")


def truth(geometry: Geometry) -> Annotations:
    box = (10.0, 10.0, 40.0, 30.0)
    tracks = [
        Track(
            track_id=number,
            type="sedan",
            colour="red",
            role="at_fault" if number == 1 else "bystander",
            frames=[
                TrackFrame(
                    frame=frame,
                    visible_box=box,
                    amodal_box=box,
                    occlusion=0.125,
                    position_m=(1.25, frame * 0.5, 0.0),
                    heading_deg=12.5,
                    speed_mps=8.125,
                )
                for frame in range(geometry.frames)
            ],
        )
        for number in range(1, TRACKS + 1)
    ]
    return Annotations(
        source="simulated",
        fps=geometry.fps,
        frames=geometry.frames,
        camera=CameraModel(
            intrinsics=np.eye(3).tolist(),
            world_to_camera=np.eye(4).tolist(),
            width_px=geometry.width_px,
            height_px=geometry.height_px,
        ),
        tracks=tracks,
        contacts=[Contact(frame=40, time_s=2.5, tracks=(1, 2), point_m=(0, 0, 0), point_px=(20, 20), impulse_ns=9e3)],
        accident_frame=40,
        accident_time_s=2.5,
        anomaly_start=30,
        anomaly_end=70,
        impact_point=(20.0, 20.0),
        impact_box=box,
    )


def finished(work: Path, count: int, geometry: Geometry) -> list[FinishedClip]:
    """Clips that are one video under many names."""
    original = work / "original.mp4"
    write_mp4(original, street(geometry, 2.0), geometry)
    measures, digest = measure(original, geometry), storage.sha256_file(original)
    packed = gzip.compress(truth(geometry).model_dump_json().encode(), mtime=0)
    clips = []
    for number in range(count):
        request = ClipRequest(
            clip_id=f"{number:024x}",
            scenario_id=f"scenario-{number}",
            variant=0,
            seed=number,
            prompt="A static CCTV camera shows a highway.",
            negative_prompt="",
            guidance=7.0,
            geometry=geometry,
            scene=Scene(f"camera-{number}", IncidentType.REAR_END_COLLISION),
        )
        split = (Split.TRAIN, Split.VAL, Split.TEST)[number % 3]
        planned = PlannedClip(request, number, True, None, split, None, {"site": f"site {number}"})
        files = clip_files(work, request.clip_id)
        storage.link_or_copy(original, files.video)
        files.annotations.write_bytes(packed)
        attempt = Attempt(
            outcome=Outcome.GENERATED,
            reason="",
            started_at=utc_now(),
            duration_s=1.0,
            rank=0,
            launch="",
            code_version="",
        )
        clips.append(FinishedClip(planned, files.add_attempt(request, attempt, clip_sha256=digest), files, measures))
    return clips


def publishing(folder: Path, count: int) -> None:
    geometry = replace(GEOMETRY, width_px=128, height_px=96)
    clips = finished(folder / "work", count, geometry)
    rejected = folder / "rejected.parquet"
    write_rejections(rejected, [])
    dataset = content.Dataset("benchmark", "", "other", str(folder / "published"), geometry, ENGINE)
    run = Run("00000000-0000-0000-0000-000000000001", utc_now(), (), {}, ENGINE)
    measures = table({clip.clip_id: clip.measures for clip in clips})
    validate(measures, list(measures["clip_id"]), geometry)  # the library is imported before the clock starts
    start = time.process_time()
    verdict = validate(measures, list(measures["clip_id"]), geometry)
    validated = time.process_time()
    publish(clips, dataset, rejected, run, folder / "work")
    published = time.process_time()
    publish(clips, dataset, rejected, run, folder / "work")
    again = time.process_time()
    assert not any(verdict.reasons.values())
    print(f"\n| {count} clips | s |\n|---|--:|")
    print(f"| the suite | {validated - start:.2f} |")
    print(f"| publish, with Data Docs, contact sheet and page | {published - validated:.2f} |")
    print(f"| publish again: there already | {again - published:.2f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=1000, help="clips to publish")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        coding(Path(folder))
        publishing(Path(folder), arguments.clips)


if __name__ == "__main__":
    main()
