import numpy as np
import pytest

from its_core.engines.simulator.optics.vibration import margin_px
from its_core.engines.simulator.rendering.renderer import Renderer
from its_core.engines.simulator.rendering.shaking import Cutting
from its_core.taxonomy import Colour, Light, ParticipantType, Weather
from tests.engines.simulator.rendering.test_renderer import beyond, scene, trace

pytestmark = pytest.mark.slow


def test_a_picture_is_shifted_by_parts_of_a_pixel() -> None:
    _, camera = scene()
    margin = margin_px(camera)
    rows, columns = np.mgrid[0 : camera.height_px + 2 * margin, 0 : camera.width_px + 2 * margin]
    wide = np.repeat((60 + columns // 4 + rows // 4)[..., None], 3, axis=2).astype(np.uint8)
    smooth = 60 + (columns + rows) / 4.0
    shifts = np.array([[0.0, 0.0], [0.5, -0.25]])
    still, moved = (Cutting(camera, margin, shifts).picture(wide, frame).astype(float) for frame in (0, 1))
    assert np.array_equal(still, wide[margin:-margin, margin:-margin])
    there = smooth[margin:-margin, margin:-margin, None] - (0.5 - 0.25) / 4.0
    assert np.abs(moved - there).max() <= 1.5


def test_boxes_and_layers_follow_the_picture() -> None:
    here, camera = scene()
    x, y, heading = beyond(camera, *here.focus_m, -4.0)
    made = trace([(ParticipantType.VAN, Colour.WHITE, x, y, heading)], 2)
    made.positions[1] = made.positions[0]
    shifts = np.array([[0.0, 0.0], [0.0, 0.0]])
    shifts[1] = (0.5, -0.25)
    layers = frozenset({"ids", "depth", "flow"})

    def frames(shift: np.ndarray) -> list:
        return list(
            Renderer().frames(
                here, made, camera, Light.DAY, Weather.OVERCAST, 5, layers=layers, shifts_px=shift
            )
        )  # fmt: skip

    first, second = frames(shifts)
    box, moved = first.amodal_box[0], second.amodal_box[0]
    assert box is not None
    assert moved is not None
    assert np.allclose(np.array(moved) - np.array(box), (0.5, -0.25, 0.5, -0.25), atol=1e-6)
    plain = next(Renderer().frames(here, made, camera, Light.DAY, Weather.OVERCAST, 5, layers=layers))
    assert plain.amodal_box[0] == pytest.approx(box, abs=1e-6)
    assert plain.visible_box[0] == first.visible_box[0]
    assert np.array_equal(plain.layers.ids, first.layers.ids)
    assert np.allclose(first.layers.flow, (0.5, -0.25), atol=1e-6)
    ids = second.layers.ids == 0
    rows, columns = np.flatnonzero(ids.any(axis=1)), np.flatnonzero(ids.any(axis=0))
    assert second.visible_box[0] == (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)


def test_what_leaves_the_published_picture_is_not_counted() -> None:
    here, camera = scene()
    margin = margin_px(camera)
    x, y, heading = beyond(camera, *here.focus_m, -4.0)
    places = np.array([x, y, 0.8]) + np.arange(0.0, 40.0, 0.1)[:, None] * camera.rotation[0]
    across = np.argmin(np.abs(camera.project(places)[:, 0] - camera.width_px))
    edge = float(places[across, 0]), float(places[across, 1]), heading
    made = trace([(ParticipantType.VAN, Colour.WHITE, *edge)], 2)
    made.positions[1] = made.positions[0]
    shifts = np.array([[0.0, 0.0], [-float(margin - 2), 0.0]])
    shaken = list(Renderer().frames(here, made, camera, Light.DAY, Weather.OVERCAST, 5, shifts_px=shifts))
    plain = next(Renderer().frames(here, made, camera, Light.DAY, Weather.OVERCAST, 5))
    assert shaken[0].visible[0] == plain.visible[0]
    assert shaken[0].full[0] == plain.full[0]
    assert shaken[1].full[0] > shaken[0].full[0]  # more of it has come in at the edge
    assert shaken[0].occlusion == plain.occlusion
