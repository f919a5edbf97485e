"""Files that come beside a clip on request."""

import numpy as np
import pytest
from pydantic import ValidationError

from its_core.clip import ClipRequest, Geometry, Scene
from its_core.engines.simulator import engine
from its_core.engines.simulator.options import SimulatorOptions
from its_core.taxonomy import IncidentType, Light, RoadLayout, Weather
from its_core.video import read_frames

GEOMETRY = Geometry(192, 112, 16, 33)
SCENE = Scene(
    "beside", IncidentType.NORMAL_TRAFFIC, light=Light.DAY, weather=Weather.CLEAR, road_layout=RoadLayout.HIGHWAY
)
REQUEST = ClipRequest("clip", "row", 0, 3, "", "", 7.0, GEOMETRY, SCENE)


def test_what_is_asked_for_comes_beside_the_clip_and_changes_nothing_else():
    asked = {"truth": "masks, depth,flow,normals", "controls": ["blur", "depth", "edges", "segmentation"]}
    plain = engine.load(engine.parse_options({}, "480", 16)).generate(REQUEST)
    made = engine.load(engine.parse_options(asked, "480", 16))
    clip = made.generate(REQUEST)
    same = [np.array_equal(a, b) for a, b in zip(clip.frames, plain.frames, strict=True)]
    assert all(same)
    assert set(clip.beside) == {
        ".blur.mp4", ".depth.mp4", ".edges.mp4", ".segmentation.mp4", ".depth.npz", ".flow.npz", ".normals.npz"
    }  # fmt: skip
    assert plain.beside == {}
    shapes = {".depth.npz": (112, 192), ".flow.npz": (112, 192, 2), ".normals.npz": (112, 192, 3)}
    for suffix, shape in shapes.items():
        arrays = np.load(clip.beside[suffix])
        assert sorted(arrays) == [f"{frame:03d}" for frame in range(33)]
        assert arrays["032"].shape == shape
    for suffix in (".blur.mp4", ".depth.mp4", ".edges.mp4", ".segmentation.mp4"):
        frames = list(read_frames(clip.beside[suffix]))
        assert len(frames) == 33
        assert frames[0].shape == (112, 192, 3)
    shown = [at for track in clip.annotations.tracks for at in track.frames if at.visible_box is not None]
    assert shown
    assert all(at.mask for at in shown)
    assert all(at.mask is None for track in plain.annotations.tracks for at in track.frames)
    folder = clip.beside[".depth.mp4"].parent
    made.close()
    assert not folder.exists()


def test_words_are_sorted_each_once_and_unknown_ones_refused():
    options = SimulatorOptions.model_validate({"truth": "masks,depth,masks", "controls": ["edges", "blur"]})
    assert options.truth == ("depth", "masks")
    assert options.controls == ("blur", "edges")
    with pytest.raises(ValidationError, match="truth"):
        SimulatorOptions.model_validate({"truth": ["mask"]})
