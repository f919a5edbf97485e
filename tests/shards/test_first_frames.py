"""Frames of the simulator's cameras for other engines' clips."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from its_core.clip import ClipRequest, FrameOrigin, Geometry, Outcome, Scene
from its_core.engines.engine import EngineFailure, engine_module
from its_core.scenarios.manifest.input_files import Unusable
from its_core.scenarios.manifest.made_inputs import MadeFrame
from its_core.shards import first_frames
from its_core.shards.first_frames import FirstFrameError, FirstFrames, frame_makers, remake
from its_core.taxonomy import IncidentType, Light

GEOMETRY = Geometry(192, 112, 16, 33)
SCENE = Scene("cam", IncidentType.NORMAL_TRAFFIC, light=Light.NIGHT)


def test_frames_are_made_by_engines_that_need_none_and_always_make_the_same():
    makers = frame_makers(engine_module("cosmos").TRAITS, GEOMETRY, folder=None)
    assert makers is not None
    assert [*makers] == ["simulator"]
    assert frame_makers(engine_module("simulator").TRAITS, GEOMETRY, folder=None) is None


@pytest.mark.system
def test_a_frame_is_the_first_of_the_simulators_clip_and_made_once(tmp_path: Path):
    maker = FirstFrames("simulator", GEOMETRY, tmp_path / "inputs")
    origin = maker.origin(SCENE, 3)
    made = maker.make([origin])[origin]
    assert isinstance(made, MadeFrame)
    assert made.path is not None
    engine = engine_module("simulator").load(engine_module("simulator").parse_options({}, "480", 10))
    try:
        clip = engine.generate(ClipRequest("", "", 0, 3, "", "", 7.0, GEOMETRY, SCENE))
        first = next(clip.frames)
    finally:
        engine.close()
    assert np.array_equal(np.asarray(Image.open(made.path)), first)
    assert made.scene.light is Light.NIGHT  # as asked
    words = (made.scene.weather, made.scene.road_layout, made.scene.road_surface)  # as chosen
    assert [*words] == [clip.record[name] for name in ("weather", "road_layout", "road_surface")]

    written = Path(made.path).stat().st_mtime_ns
    assert FirstFrames("simulator", GEOMETRY, tmp_path / "inputs").make([origin]) == {origin: made}
    assert Path(made.path).stat().st_mtime_ns == written
    remake(origin, GEOMETRY, tmp_path / "again.png")
    whole = Path(made.path).read_bytes()
    assert (tmp_path / "again.png").read_bytes() == whole

    Path(made.path).write_bytes(whole[: len(whole) // 2])  # a damaged one is made again
    assert maker.make([origin]) == {origin: made}
    assert Path(made.path).read_bytes() == whole


class _Broken:
    def generate(self, request: ClipRequest) -> None:
        raise ZeroDivisionError(f"seed {request.seed}")


def test_an_error_that_nobody_foresaw_costs_its_own_row_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(first_frames, "_engine", _Broken(), raising=False)
    origin = FirstFrames("simulator", GEOMETRY, tmp_path).origin(SCENE, 3)
    why = first_frames._make_here((origin, tmp_path / "frame.png"), GEOMETRY)
    assert why == "simulator broke off: ZeroDivisionError: seed 3"


class _Failing:
    def generate(self, request: ClipRequest) -> None:
        raise EngineFailure(Outcome.INCIDENT_NOT_FOUND, f"seed {request.seed} did not happen")


def test_a_frame_that_could_not_be_made_is_not_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(first_frames, "_engine", _Failing(), raising=False)
    maker = FirstFrames("simulator", GEOMETRY, tmp_path / "inputs")
    monkeypatch.setattr(
        maker, "_render", lambda missing: {o: first_frames._make_here((o, p), GEOMETRY) for o, p in missing}
    )
    origin = maker.origin(SCENE, 3)
    assert maker.make([origin]) == {origin: "seed 3 did not happen"}
    monkeypatch.undo()
    assert maker.make([origin]) == {origin: Unusable("input.not_made", "seed 3 did not happen")}


def test_a_check_makes_no_frame():
    maker = FirstFrames("simulator", GEOMETRY, folder=None)
    origin = maker.origin(SCENE, 3)
    assert maker.make([origin]) == {origin: MadeFrame(SCENE)}


def test_a_lineage_that_names_no_engine_makes_no_frame(tmp_path: Path):
    with pytest.raises(FirstFrameError, match=r"os\.path"):
        remake(FrameOrigin("os.path", "os.path 1", SCENE, 3), GEOMETRY, tmp_path / "again.png")


def test_another_version_of_the_engine_makes_no_frame_again(tmp_path: Path):
    with pytest.raises(FirstFrameError, match="simulator 0"):
        remake(FrameOrigin("simulator", "simulator 0 (old)", SCENE, 3), GEOMETRY, tmp_path / "again.png")
