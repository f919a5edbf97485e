"""Finished clips at a tiny size, with pictures, truth, receipts and measures, as a build leaves them."""

from __future__ import annotations

import gzip
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from its_core import storage
from its_core.annotations import Annotations, CameraModel, Contact, Track, TrackFrame
from its_core.checks.measures import measure
from its_core.clip import ClipRequest, EngineIdentity, Geometry, Outcome, Participant, Scene
from its_core.dataset.finished_clip import FailedClip, FinishedClip
from its_core.dataset.labels.counts import Counts
from its_core.dataset.lineage.run import Run
from its_core.dataset.versions.content import Dataset, VersionContent
from its_core.scenarios.manifest import write_rejections
from its_core.scenarios.manifest.snapshot import snapshot
from its_core.scenarios.scenario import Rejection
from its_core.shards.plan import PlannedClip
from its_core.shards.receipts import Attempt, clip_files
from its_core.taxonomy import (
    CollisionType,
    Colour,
    IncidentType,
    Light,
    ParticipantType,
    RoadLayout,
    Role,
    Split,
    TrafficDensity,
    Weather,
)
from its_core.video import Frame, write_mp4

GEOMETRY = Geometry(width_px=64, height_px=48, fps=16, frames=9)
SIMULATOR = EngineIdentity("simulator", "1", None, frozenset({"scene"}))
COSMOS = EngineIdentity("cosmos", "2", "ab" * 32, frozenset({"prompt", "input"}))
SPLITS = (Split.TRAIN, Split.TRAIN, Split.VAL, Split.TEST)


def frames(number: int) -> list[Frame]:
    """A car in front of a patterned wall; another number, another wall."""
    wall = np.random.default_rng(number).integers(30, 220, (12, 16, 3))
    wall = np.kron(wall, np.ones((4, 4, 1))).astype(np.uint8)
    pictures = []
    for index in range(GEOMETRY.frames):
        picture = wall.copy()
        picture[28:38, index * 5 : index * 5 + 14] = (235, 235, 240)
        pictures.append(picture)
    return pictures


def truth(*, contact: bool = True) -> Annotations:
    """Two cars that touch in frame 4 at (32, 24) pixels, and one that looks on."""

    def track(track_id: int, kind: str, role: str, x: float) -> Track:
        return Track(
            track_id=track_id,
            type=kind,
            colour="red",
            role=role,
            frames=[
                TrackFrame(
                    frame=frame,
                    visible_box=(x, 20.0, x + 16.0, 32.0),
                    amodal_box=(x, 20.0, x + 16.0, 34.0),
                    occlusion=0.0,
                    position_m=(x, 0.0, 0.0),
                    heading_deg=0.0,
                    speed_mps=4.0,
                )
                for frame in range(GEOMETRY.frames)
            ],
        )

    return Annotations(
        source="simulated",
        fps=16,
        frames=GEOMETRY.frames,
        camera=CameraModel(
            intrinsics=[[50.0, 0.0, 32.0], [0.0, 50.0, 24.0], [0.0, 0.0, 1.0]],
            world_to_camera=np.eye(4).tolist(),
            width_px=64,
            height_px=48,
        ),
        tracks=[
            track(1, "sedan", "at_fault", 16.0),
            track(2, "suv", "not_at_fault", 32.0),
            track(3, "van", "bystander", 48.0),
        ],
        contacts=[Contact(frame=4, time_s=0.24, tracks=(1, 2), point_m=(32.0, 0.0, 1.0), point_px=None, impulse_ns=9e3)]
        if contact
        else [],
        accident_frame=4 if contact else None,
        accident_time_s=0.24 if contact else None,
        anomaly_start=2 if contact else None,
        anomaly_end=8 if contact else None,
        impact_point=(32.0, 24.0) if contact else None,
        impact_box=(16.0, 20.0, 48.0, 32.0) if contact else None,
    )


def planned(number: int, **changes: Any) -> PlannedClip:
    scene = Scene(
        camera_id=f"cam-{number}",
        incident_type=IncidentType.REAR_END_COLLISION,
        collision_type=None,
        participants=(Participant(ParticipantType.SEDAN, Colour.RED, Role.AT_FAULT),),
        weather=Weather.CLEAR,
        light=Light.DUSK,
        road_layout=RoadLayout.HIGHWAY,
        traffic_density=TrafficDensity.LOW,
    )
    request = ClipRequest(
        clip_id=f"{number:024x}",
        scenario_id=f"scenario-{number}",
        variant=0,
        seed=number,
        prompt="A static CCTV camera shows a highway.",
        negative_prompt="shaky",
        guidance=7.0,
        geometry=GEOMETRY,
        scene=changes.pop("scene", scene),
    )
    values: dict[str, Any] = {
        "row": number,
        "prompt_composed": True,
        "pair_id": None,
        "split": SPLITS[number % len(SPLITS)],
        "input_image": None,
        "extra": {"site": f"site {number}"},
    }
    return PlannedClip(request=request, **(values | changes))


def finished(work: Path, number: int, annotations: Annotations | None = None, **changes: Any) -> FinishedClip:
    """A clip of 9 frames in the work folder, as the shards and the checks leave it."""
    plan = planned(number, **changes)
    files = clip_files(work, plan.request.clip_id)
    files.video.parent.mkdir(parents=True, exist_ok=True)
    write_mp4(files.video, iter(frames(number)), GEOMETRY)
    if annotations is not None:
        files.annotations.write_bytes(gzip.compress(annotations.model_dump_json().encode(), mtime=0))
    record = {"engine": "simulator", "road_surface": "wet", "weather": "overcast"} if annotations else {"steps": 35}
    attempt = Attempt(
        outcome=Outcome.GENERATED,
        reason="",
        started_at="2026-01-02T03:04:05.000+00:00",
        duration_s=1.5,
        rank=0,
        launch="first",
        code_version="0.1.0",
    )
    failed = attempt.model_copy(update={"outcome": Outcome.TIMED_OUT, "reason": "took longer than 900 s"})
    files.add_attempt(plan.request, failed)
    digest = storage.sha256_file(files.video)
    receipt = files.add_attempt(plan.request, attempt, clip_sha256=digest, record=record)
    return FinishedClip(plan, receipt, files, measure(files.video, GEOMETRY))


def failed(work: Path, number: int, outcome: Outcome = Outcome.INVALID_OUTPUT, reason: str = "frozen") -> FailedClip:
    """A clip that was planned and not made."""
    plan = planned(number)
    files = clip_files(work, plan.request.clip_id)
    files.receipt.unlink(missing_ok=True)
    attempt = Attempt(
        outcome=outcome,
        reason=reason,
        started_at="2026-01-02T03:04:05.000+00:00",
        duration_s=1.0,
        rank=0,
        launch="first",
        code_version="0.1.0",
        host=socket.gethostname(),
    )
    files.video.parent.mkdir(parents=True, exist_ok=True)
    return FailedClip(plan, files.add_attempt(plan.request, attempt))


def four(work: Path) -> list[FinishedClip]:
    """Two clips to train on, one each to validate and to test with; the last of normal traffic."""
    calm = planned(3).request.scene
    calm = replace(calm, incident_type=IncidentType.NORMAL_TRAFFIC, participants=())
    return [
        finished(work, 0, truth()),
        finished(work, 1, truth(), extra={"site": "site 1", "lanes": 3}),
        finished(work, 2, truth()),
        finished(work, 3, truth(contact=False), scene=calm),
    ]


def asked_for(collision: CollisionType | None = None) -> Scene:
    """A scene with the collision that a row names, or none."""
    return replace(planned(0).request.scene, collision_type=collision)


def content_of(clips: int) -> VersionContent:
    """The content of a version with that many clips, as far as a page needs it."""
    counts = Counts()
    counts.clips.update({"train": clips})
    return VersionContent("0" * 12, counts, [None] * clips, rejected=0, failed=0, columns=pa.schema([]))


def dataset(folder: Path, **changes: Any) -> Dataset:
    values: dict[str, Any] = {
        "name": "sample",
        "description": "Four small clips.",
        "license": "cc-by-4.0",
        "publish_url": str(folder),
        "geometry": GEOMETRY,
        "engine": SIMULATOR,
    }
    return Dataset(**(values | changes))


def rejected(work: Path) -> Path:
    path = work / "rejected.parquet"
    write_rejections(path, [Rejection(7, "scenario-7", "weather", "sunny", "no such weather; did you mean 'snow'?")])
    return path


def run_of(work: Path, config: dict[str, Any] | None = None) -> Run:
    """A run whose manifest is the file of the rejected rows, for want of another."""
    with snapshot(str(rejected(work))) as taken:
        manifest = taken.files
    return Run(
        run_id="00000000-0000-0000-0000-000000000001",
        started_at="2026-01-02T03:04:05.000+00:00",
        manifest=manifest,
        config=config or {"name": "sample"},
        engine=SIMULATOR,
    )
