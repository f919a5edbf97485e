"""A published clip is rendered again from its lineage, and compared."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import pytest

from its_core import storage
from its_core.checks.measures import measure
from its_core.clip import Geometry, Outcome, Scene
from its_core.dataset import reader
from its_core.dataset.finished_clip import FinishedClip
from its_core.dataset.publish import Published, publish
from its_core.dataset.reproduction import ReproductionError, reproduce
from its_core.engines.engine import engine_module
from its_core.shards.receipts import Attempt, clip_files
from its_core.taxonomy import IncidentType, Light, RoadLayout, TrafficDensity, Weather
from its_core.video import write_mp4
from tests.dataset import samples

CONFIG = {"name": "sample", "resolution": "480", "fps": 16, "engine": {"name": "simulator", "options": {}}}


@pytest.mark.slow
def test_the_bytes_of_a_simulated_clip_match(work: Path, tmp_path: Path) -> None:
    module = engine_module("simulator")
    options = module.parse_options({}, "480", 16)
    scene = Scene(
        "cam-1",
        IncidentType.NORMAL_TRAFFIC,
        road_layout=RoadLayout.HIGHWAY,
        traffic_density=TrafficDensity.HIGH,
        light=Light.DAY,
        weather=Weather.CLEAR,
    )
    planned = samples.planned(0)
    geometry = Geometry(160, 96, 16, 17)
    planned = replace(planned, request=replace(planned.request, geometry=geometry, scene=scene))
    files = clip_files(tmp_path / "work", planned.request.clip_id)
    files.video.parent.mkdir(parents=True)
    engine = module.load(options)
    clip = engine.generate(planned.request)
    write_mp4(files.video, clip.frames, geometry)
    engine.close()
    assert clip.annotations is not None
    files.annotations.write_bytes(gzip.compress(clip.annotations.model_dump_json().encode(), mtime=0))
    attempt = Attempt(
        outcome=Outcome.GENERATED, reason="", started_at="2026", duration_s=1, rank=0, launch="a", code_version=""
    )
    digest = storage.sha256_file(files.video)
    receipt = files.add_attempt(planned.request, attempt, clip_sha256=digest, record=clip.record)
    target = samples.dataset(tmp_path, geometry=geometry, engine=module.identity(options))
    finished = FinishedClip(planned, receipt, files, measure(files.video, geometry))
    made = publish([finished], target, samples.rejected(work), samples.run_of(work, CONFIG), work)

    found = reproduce(reader.open_version(made.url), planned.request.clip_id, tmp_path / "again")

    assert (found.same, found.rendered_sha256) == ("bytes", digest)


def test_another_engine_version_is_refused_before_anything_is_rendered(
    work: Path, clips: list[FinishedClip], tmp_path: Path
) -> None:
    made = publish(clips[:1], samples.dataset(tmp_path), samples.rejected(work), samples.run_of(work, CONFIG), work)

    with pytest.raises(ReproductionError) as refused:
        reproduce(reader.open_version(made.url), clips[0].clip_id, tmp_path)

    assert refused.value.code == "reproduction.version"  # samples are of version 1


def test_a_clip_that_is_not_there(published: Published, tmp_path: Path) -> None:
    with pytest.raises(ReproductionError) as refused:
        reproduce(reader.open_version(published.url), "f" * 24, tmp_path)

    assert refused.value.code == "reproduction.no_such_clip"


def test_a_frame_that_is_missing_or_another(work: Path, clips: list[FinishedClip], tmp_path: Path) -> None:
    clip = replace(
        clips[0], planned=replace(clips[0].planned, request=replace(clips[0].planned.request, input_sha256="ab" * 32))
    )
    made = publish([clip], samples.dataset(tmp_path), samples.rejected(work), samples.run_of(work, CONFIG), work)
    version = reader.open_version(made.url)
    other = tmp_path / "other.png"
    other.write_bytes(b"other")

    codes = []
    for frame in (None, other):
        with pytest.raises(ReproductionError) as refused:
            reproduce(version, clip.clip_id, tmp_path, frame=frame)
        codes.append(refused.value.code)

    assert codes == ["reproduction.frame_missing", "reproduction.frame"]
