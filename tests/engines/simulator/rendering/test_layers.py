"""Truth by pixel, against ways of finding it that share nothing with the renderer."""

import numpy as np
import pytest

from its_core.engines.simulator.optics.camera import Camera
from its_core.engines.simulator.optics.daylight import daylight
from its_core.engines.simulator.rendering.actors import bodies, cast
from its_core.engines.simulator.rendering.compositor import NOBODY
from its_core.engines.simulator.rendering.layers import LAND, ROAD, Layers
from its_core.engines.simulator.rendering.masks import encoded
from its_core.engines.simulator.rendering.renderer import Renderer
from its_core.engines.simulator.rendering.standing import everything
from its_core.engines.simulator.scenery.build import scenery
from its_core.engines.simulator.trace import Trace
from its_core.taxonomy import Colour, Light, ParticipantType, RoadLayout, Weather
from tests.engines.simulator.rendering.test_renderer import beyond, scene, trace

ASKED = frozenset({"ids", "depth", "normals", "flow", "classes"})


@pytest.fixture(scope="module")
def street() -> tuple[Camera, Trace, list[Layers], np.ndarray]:
    """A camera, a trace of two cars and a person, its layers, and all triangles of the first frame (T×3×3, world)."""
    here, camera = scene(RoadLayout.URBAN_STREET, "layers")
    x, y, heading = beyond(camera, *here.focus_m, 0.0)
    made = trace(
        [
            (ParticipantType.SEDAN, Colour.RED, x, y, heading + 60),
            (ParticipantType.VAN, Colour.WHITE, *beyond(camera, x, y, 7.0)[:2], heading + 90),
            (ParticipantType.PEDESTRIAN, Colour.BLUE, x + 2.5, y + 1.0, 10.0),
        ],
        2,
    )
    frames = list(Renderer().frames(here, made, camera, Light.DAY, Weather.CLEAR, 1, layers=ASKED))
    sky = daylight(Light.DAY, Weather.CLEAR, camera.camera_id)
    still = everything(scenery(here, sky, camera.position_m, camera.camera_id), sky).soup
    acting = cast(bodies(made, False), 0)
    triangles = [still.vertices[still.triangles], acting.vertices[acting.chosen([0, 1, 2])]]
    return camera, made, [frame.layers for frame in frames], np.concatenate(triangles).astype(np.float64)


def ray_cast(camera: Camera, triangles: np.ndarray, column: int, row: int) -> float:
    """Depth (m, along the camera's axis) of the first triangle or ground that a ray meets: Möller and Trumbore."""
    ray = camera.rays(np.array([column + 0.5]), np.array([row + 0.5]))[0].astype(np.float64)
    origin = np.array(camera.position_m)
    a, ab, ac = triangles[:, 0], triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]
    across = np.cross(ray, ac)
    scale = (ab * across).sum(1)
    scale = np.where(np.abs(scale) < 1e-12, np.nan, scale)
    away = origin - a
    u = (away * across).sum(1) / scale
    turned = np.cross(away, ab)
    v = (turned @ ray) / scale
    depth = (ac * turned).sum(1) / scale
    with np.errstate(invalid="ignore"):
        hit = (u >= 0) & (v >= 0) & (u + v <= 1) & (depth > 0.5)
    ground = -origin[2] / ray[2] if ray[2] < 0 else np.inf
    return float(min(depth[hit].min(initial=np.inf), ground))


def test_depth_is_what_rays_meet(street) -> None:
    camera, _, layers, triangles = street
    depth = layers[0].depth
    inside = depth[1:-1, 1:-1]
    height, width = depth.shape
    around = [depth[r : height - 2 + r, c : width - 2 + c] for r in range(3) for c in range(3)]
    smooth = np.isfinite(inside) & (np.max(around, axis=0) < 1.08 * np.min(around, axis=0))
    rng = np.random.default_rng(5)
    shown = layers[0].ids[1:-1, 1:-1] != NOBODY
    chosen = [
        place
        for where, count in ((smooth & shown, 25), (smooth & ~shown, 25))
        for place in rng.permutation(np.argwhere(where))[:count]
    ]
    errors = []
    for row, column in chosen:
        truth = ray_cast(camera, triangles, column + 1, row + 1)
        errors.append(abs(inside[row, column] / truth - 1.0))
    assert len(errors) == 50
    assert np.quantile(errors, 0.9) < 0.01
    assert np.median(errors) < 0.002


def test_masks_say_what_the_picture_of_ids_says(street) -> None:
    ids = street[2][0].ids
    height, width = ids.shape
    for number, text in enumerate(encoded(ids, 3)):
        assert text is not None
        assert np.array_equal(decoded(text, height, width), ids == number)
    assert encoded(ids, 4)[3] is None


@pytest.mark.parametrize("corner", [(0, 0), (-1, -1), (0, -1), (-1, 0)])
def test_masks_that_touch_the_ends_of_the_picture(corner) -> None:
    ids = np.full((5, 7), NOBODY, np.uint8)
    ids[corner] = 0
    ids[2, 1:4] = 1
    for number, text in enumerate(encoded(ids, 2)):
        assert np.array_equal(decoded(text, 5, 7), ids == number)


def decoded(text: str, height: int, width: int) -> np.ndarray:
    """COCO's compressed run lengths, read as its documentation describes them."""
    runs: list[int] = []
    at = 0
    while at < len(text):
        value, shift, more = 0, 0, True
        while more:
            bits = ord(text[at]) - 48
            value |= (bits & 31) << shift
            more, shift, at = bool(bits & 32), shift + 5, at + 1
            if not more and bits & 16:
                value |= -1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
    assert sum(runs) == height * width
    flat = np.concatenate([np.full(run, number % 2, bool) for number, run in enumerate(runs)])
    return flat.reshape(width, height).T


def test_flow_is_how_the_car_moves_and_nothing_that_stands_flows(street) -> None:
    camera, made, layers, _ = street
    flow, ids = layers[0].flow, layers[0].ids
    assert np.all(flow[ids == NOBODY] == 0)
    assert np.all(np.abs(flow[ids == 1]) < 1e-3)
    depth = layers[0].depth
    rows, columns = np.nonzero(ids == 0)
    step = made.positions[1, 0] - made.positions[0, 0]
    rays = camera.rays(columns + 0.5, rows + 0.5).astype(np.float64)
    points = np.array(camera.position_m) + rays * depth[rows, columns][:, None]
    moved = camera.project(points + step)[:, :2] - np.stack([columns + 0.5, rows + 0.5], axis=1)
    assert np.median(np.abs(flow[rows, columns] - moved)) < 0.05
    assert np.all(layers[1].flow == 0)


def test_normals_are_upright_on_the_road_and_face_the_camera(street) -> None:
    camera, _, layers, _ = street
    truth = layers[0]
    road = (truth.classes == ROAD) & (truth.ids == NOBODY)
    assert np.quantile(truth.normals[road][:, 2], 0.1) > 0.99
    rows, columns = np.nonzero(truth.ids == 0)
    towards = (camera.rays(columns + 0.5, rows + 0.5) * truth.normals[rows, columns]).sum(axis=1)
    assert np.all(towards < 1e-6)
    assert np.all(truth.normals[np.isinf(truth.depth)] == 0)


def test_the_river_below_a_bridge_is_as_deep_as_it_lies() -> None:
    here, camera = scene(RoadLayout.BRIDGE, "depth")
    assert here.deck is not None
    x, y, heading = beyond(camera, *here.focus_m, 0.0)
    made = trace([(ParticipantType.SEDAN, Colour.RED, x, y, heading)], 1)
    asked = frozenset({"depth", "classes"})
    (frame,) = Renderer().frames(here, made, camera, Light.DAY, Weather.CLEAR, 1, layers=asked)
    depth, classes = frame.layers.depth, frame.layers.classes
    assert depth is not None and classes is not None
    rows, columns = np.nonzero((classes == LAND) & np.isfinite(depth))
    points = np.array(camera.position_m) + camera.rays(columns + 0.5, rows + 0.5) * depth[rows, columns][:, None]
    beside = np.abs(points[:, 0]) > here.carriageways[0][2] + 2.0
    assert beside.mean() > 0.5
    assert np.median(points[beside, 2]) == pytest.approx(-here.deck.drop_m, abs=0.01)
