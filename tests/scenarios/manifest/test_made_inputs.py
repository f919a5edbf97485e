"""Rows that leave the first frame to an engine (column ``input``)."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from its_core.clip import FrameOrigin, Scene, Unsupported
from its_core.scenarios.manifest.input_files import Unusable
from its_core.scenarios.manifest.made_inputs import MadeFrame
from its_core.taxonomy import IncidentType, Light, RoadLayout
from tests.scenarios.manifest.manifests import read, row, write


class Maker:
    """Frames of highways at night; there is none of seed 13, and nobody walks there."""

    def __init__(self) -> None:
        self.made: list[FrameOrigin] = []

    def unsupported(self, scene: Scene) -> Unsupported | None:
        walks = scene.incident_type is IncidentType.PEDESTRIAN_COLLISION
        return Unsupported("incident_type", "pedestrian_collision", "nobody walks here") if walks else None

    def layout_of(self, scene: Scene) -> RoadLayout | None:
        return scene.road_layout or RoadLayout.HIGHWAY

    def origin(self, scene: Scene, seed: int) -> FrameOrigin:
        return FrameOrigin("simulator", "a painter", scene, seed)

    def make(self, origins: Collection[FrameOrigin]) -> Mapping[FrameOrigin, MadeFrame | Unusable]:
        self.made += origins
        return {
            origin: Unusable("input.not_made", "it did not happen")
            if origin.seed == 13
            else MadeFrame(replace(origin.scene, light=Light.NIGHT), f"/{origin.seed}.png", f"digest of {origin.seed}")
            for origin in origins
        }


def starts_from_a_frame(scene: Scene, has_input: bool) -> Unsupported | None:  # noqa: ARG001
    return None if has_input else Unsupported("input_image", "", "no frame")


def simulated(name: str, **columns: object) -> dict[str, object]:
    return row(name, input="simulator", **columns)


def test_a_row_gets_the_frame_that_was_made_for_it_and_the_scene_that_it_shows(tmp_path: Path):
    maker = Maker()
    rows = [simulated("one", seed=5, variants=3), simulated("two", seed=5), simulated("three", seed=6)]
    scenarios, rejections = read(
        write(tmp_path / "m.parquet", rows),
        tmp_path,
        engine_needs_input=True,
        unsupported=starts_from_a_frame,
        frame_makers={"simulator": maker},
    )
    assert not rejections
    assert [each.input_image for each in scenarios] == ["simulator"] * 3
    assert [each.input_sha256 for each in scenarios] == ["digest of 5", "digest of 5", "digest of 6"]
    assert [each.input_path for each in scenarios] == ["/5.png", "/5.png", "/6.png"]
    assert {each.scene.light for each in scenarios} == {Light.NIGHT}
    assert sorted(origin.seed for origin in maker.made) == [5, 6]  # each once
    assert all(each.input_origin and each.input_origin.scene.light is None for each in scenarios)


def test_a_rejected_row_says_nothing_of_its_camera(tmp_path: Path, frame: Path):
    real = {"camera_id": "cam", "input_image": frame.name}
    rows = [
        row("first", **real),
        simulated("simulated", camera_id="cam", road_layout="roundabout"),  # rejected: the camera is a real one
        row("second", **real, road_layout="highway"),
    ]
    scenarios, rejections = read(
        write(tmp_path / "m.parquet", rows),
        tmp_path,
        engine_needs_input=True,
        unsupported=starts_from_a_frame,
        frame_makers={"simulator": Maker()},
    )
    assert [each.scenario_id for each in scenarios] == ["first", "second"]
    assert [(each.scenario_id, each.code) for each in rejections] == [("simulated", "row.camera")]


@pytest.mark.parametrize(
    ("columns", "code", "column"),
    [
        ({"input_image": "frame.png"}, "row.two_inputs", "input"),
        ({"incident_type": "pedestrian_collision"}, "engine.unsupported", "incident_type"),
        ({"seed": 13}, "input.not_made", "input"),
        ({"camera_id": "real"}, "row.camera", "input"),
        ({"camera_id": "crossing"}, "row.camera", "road_layout"),
        ({"input": "simulater"}, "value.unknown_word", "input"),
    ],
)
def test_a_row_that_can_have_no_such_frame_is_rejected(tmp_path: Path, frame: Path, columns, code, column):
    before = [
        row("before", camera_id="real", input_image=frame.name),
        simulated("also-before", camera_id="crossing", road_layout="four_way_intersection", seed=1),
    ]
    scenarios, rejections = read(
        write(tmp_path / "m.parquet", [*before, simulated("bad") | columns]),
        tmp_path,
        engine_needs_input=True,
        frame_makers={"simulator": Maker()},
    )
    assert [each.scenario_id for each in scenarios] == ["before", "also-before"]
    assert [(each.scenario_id, each.code, each.column) for each in rejections] == [("bad", code, column)]


def test_an_engine_that_starts_from_no_frame_refuses_the_word(tmp_path: Path):
    scenarios, rejections = read(write(tmp_path / "m.parquet", [simulated("one"), row("two")]), tmp_path)
    assert [each.scenario_id for each in scenarios] == ["two"]
    assert [(each.code, each.column, each.value) for each in rejections] == [
        ("engine.unsupported", "input", "simulator")
    ]


@pytest.fixture
def frame(tmp_path: Path) -> Path:
    from PIL import Image

    path = tmp_path / "frame.png"
    Image.new("RGB", (64, 64)).save(path)
    return path
