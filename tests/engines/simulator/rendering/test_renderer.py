"""Small clips of a made-up trace in real places."""

import hashlib
import math
import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pytest

from its_core.clip import Geometry
from its_core.engines.simulator.dimensions import VEHICLES
from its_core.engines.simulator.optics.camera import Camera, camera_for
from its_core.engines.simulator.rendering.renderer import RenderedFrame, Renderer
from its_core.engines.simulator.roads.layouts import Layout
from its_core.engines.simulator.roads.registry import place
from its_core.engines.simulator.trace import Actor, Dent, Trace
from its_core.taxonomy import Colour, Light, ParticipantType, RoadLayout, Role, Weather

pytestmark = pytest.mark.slow

SMALL = Geometry(320, 176, 16, 3)
Placed = tuple[ParticipantType, Colour, float, float, float]  # x, y, heading in degrees from north

PLACE, CAMERA_ID = RoadLayout.HIGHWAY, "renderer"


def trace(
    placed: list[Placed], frames: int = 3, heads: int = 0, dents: tuple[Dent, ...] = (), braking: bool = False,
    trailers: dict[int, np.ndarray] | None = None, limbs: dict[int, np.ndarray] | None = None,
) -> Trace:  # fmt: skip
    """Actors that stand still, but for the first, which rolls on by half a metre a frame."""
    count = len(placed)
    positions, rotations = np.zeros((frames, count, 3)), np.zeros((frames, count, 4))
    for number, (_, _, x, y, heading_deg) in enumerate(placed):
        half = math.radians(heading_deg) / 2
        rotations[:, number] = (math.cos(half), 0.0, 0.0, math.sin(half))
        positions[:, number] = (x, y, 0.0)
    forward = -math.sin(math.radians(placed[0][4])), math.cos(math.radians(placed[0][4]))
    positions[:, 0, :2] += 0.5 * np.arange(frames)[:, None] * np.array(forward)
    still = np.zeros((frames, count))
    return Trace(
        fps=16,
        actors=tuple(
            Actor(number + 1, one[0], one[1], Role.BYSTANDER, look=number) for number, one in enumerate(placed)
        ),
        vehicles=sum(one[0] is not ParticipantType.PEDESTRIAN for one in placed),
        positions=positions,
        rotations=rotations,
        velocities=np.zeros((frames, count, 3)),
        steer=still,
        spin=still,
        suspension=np.zeros((frames, count, 4)),
        braking=np.full((frames, count), braking),
        indicator=np.zeros((frames, count), np.int8),
        sliding=np.zeros((frames, count), np.bool_),
        lane=np.full((frames, count), -1, np.int64),
        stride=still,
        startle=still,
        signals=np.zeros((frames, heads), np.int8),
        contacts=(),
        dents=dents,
        trailers=trailers or {},
        limbs=limbs or {},
    )


def scene(layout: RoadLayout = PLACE, camera_id: str = CAMERA_ID) -> tuple[Layout, Camera]:
    """A place and its camera; at the usual place one whose view is free, whatever cameras are drawn like."""
    here = place(layout, camera_id)
    if (layout, camera_id) != (PLACE, CAMERA_ID):
        return here, camera_for(camera_id, here, SMALL)
    position = np.array([here.focus_m[0] + 16.4, here.focus_m[1] - 21.0, 7.6])
    ahead = np.array([here.focus_m[0] - 5.5, here.focus_m[1] + 0.0, 0.6]) - position
    ahead /= np.linalg.norm(ahead)
    right = np.cross(ahead, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(ahead, right), ahead])
    x, y, z = (float(value) for value in position)
    return here, Camera(camera_id, (x, y, z), rotation, 198.0, SMALL.width_px, SMALL.height_px)


def beyond(camera: Camera, x: float, y: float, by_m: float) -> tuple[float, float, float]:
    """A ground point that much farther from the camera than (x, y), and the heading of the way there."""
    away = np.array([x, y]) - np.array(camera.position_m[:2])
    away /= np.linalg.norm(away)
    return x + by_m * away[0], y + by_m * away[1], -math.degrees(math.atan2(away[0], away[1]))


def behind(camera: Camera, by_m: float) -> tuple[float, float]:
    """A ground point straight behind the camera."""
    ahead = camera.rotation[2, :2] / np.linalg.norm(camera.rotation[2, :2])
    return camera.position_m[0] - by_m * ahead[0], camera.position_m[1] - by_m * ahead[1]


@pytest.fixture(scope="module")
def renderer() -> Iterator[Renderer]:
    yield Renderer()


@pytest.fixture(scope="module")
def standing(renderer: Renderer) -> tuple[Camera, Trace, list[RenderedFrame]]:
    """A moving sedan; a van hidden in part behind an SUV; a person; a car outside the picture."""
    here, camera = scene()
    x, y = here.focus_m
    far_x, far_y, heading = beyond(camera, x, y, 6.0)
    side = (math.cos(math.radians(heading)), math.sin(math.radians(heading)))
    actors: list[Placed] = [
        (ParticipantType.SEDAN, Colour.RED, x + 8.0 * side[0], y + 8.0 * side[1], heading),
        (ParticipantType.VAN, Colour.WHITE, far_x, far_y, heading + 70),
        (ParticipantType.SUV, Colour.BLUE, x, y, heading + 80),
        (ParticipantType.PEDESTRIAN, Colour.BLACK, x - 7.0 * side[0], y - 7.0 * side[1], heading),
        (ParticipantType.PICKUP, Colour.GREEN, *behind(camera, 90.0), heading),
    ]
    made = trace(actors)
    return camera, made, list(renderer.frames(here, made, camera, Light.DAY, Weather.CLEAR, seed=5))


def test_frames_have_the_geometry_of_the_camera(standing: tuple[Camera, Trace, list[RenderedFrame]]) -> None:
    _, made, frames = standing
    assert len(frames) == len(made.positions)
    for frame in frames:
        assert frame.image.shape == (176, 320, 3)
        assert frame.image.dtype == np.uint8
        assert frame.image.std() > 10


def test_boxes_of_what_nothing_hides_agree(standing: tuple[Camera, Trace, list[RenderedFrame]]) -> None:
    _, _, frames = standing
    for frame in frames:
        for number in (0, 2, 3):
            visible, amodal = frame.visible_box[number], frame.amodal_box[number]
            assert visible is not None
            assert amodal is not None
            assert np.abs(np.array(visible) - np.array(amodal)).max() <= 1.5
            assert frame.occlusion[number] == pytest.approx(0.0, abs=0.02)
            assert frame.visible[number] > 10


def test_a_car_behind_another_is_hidden_in_part(standing: tuple[Camera, Trace, list[RenderedFrame]]) -> None:
    _, _, frames = standing
    for frame in frames:
        assert 0.05 < frame.occlusion[1] < 0.95
        assert frame.occlusion[1] == pytest.approx(1 - frame.visible[1] / frame.full[1])
        visible, amodal = frame.visible_box[1], frame.amodal_box[1]
        assert visible is not None
        assert amodal is not None
        assert visible[0] >= amodal[0] - 1.5
        assert visible[3] <= amodal[3] + 1.5


def test_what_is_behind_the_camera_has_no_boxes(standing: tuple[Camera, Trace, list[RenderedFrame]]) -> None:
    _, _, frames = standing
    assert frames[0].visible_box[4] is None
    assert frames[0].amodal_box[4] is None
    assert frames[0].occlusion[4] == 0.0
    assert frames[0].visible[4] == 0


def test_only_what_moves_changes_the_picture(standing: tuple[Camera, Trace, list[RenderedFrame]]) -> None:
    camera, _, frames = standing
    change = np.abs(frames[2].image.astype(int) - frames[0].image.astype(int)).mean(axis=2)
    box = frames[0].amodal_box[0]
    assert box is not None
    x1, y1, x2, y2 = (int(value) for value in box)
    around = change[y1:y2, x1:x2]
    elsewhere = change[int(0.25 * camera.height_px) : y1 - 25]
    assert around.max() > 40
    assert elsewhere.max(initial=0.0) < 40
    assert elsewhere.mean() < 12


def test_paint_shows_its_colour(standing: tuple[Camera, Trace, list[RenderedFrame]]) -> None:
    _, _, frames = standing
    box = frames[0].visible_box[0]
    assert box is not None
    x1, y1, x2, y2 = (int(value) for value in box)
    red, green, blue = np.median(frames[0].image[y1:y2, x1:x2].reshape(-1, 3), axis=0)
    assert red > 1.3 * green
    assert red > 1.2 * blue


def test_a_pole_hides_part_of_the_car_behind_it(renderer: Renderer) -> None:
    here, camera = scene(RoadLayout.FOUR_WAY_INTERSECTION, "poles")
    frames = SMALL.frames
    masts = np.array(sorted({head.mast_m for head in here.signals}))
    seen = camera.project(np.column_stack([masts, np.full(len(masts), 0.8)]))
    inside = (seen[:, 2] > 8) & (np.abs(seen[:, 0] / 320 - 0.5) < 0.42) & (np.abs(seen[:, 1] / 176 - 0.5) < 0.45)
    mast = masts[np.flatnonzero(inside)[np.argmin(seen[inside, 2])]]
    x, y, heading = beyond(camera, *mast, 5.0)
    made = trace([(ParticipantType.SUV, Colour.SILVER, x, y, heading + 90)], frames, len(here.signals))
    first = next(iter(renderer.frames(here, made, camera, Light.DAY, Weather.OVERCAST, seed=1)))
    assert 0.0 < first.occlusion[0] < 1.0


def test_braking_lights_up_and_dents_deform(renderer: Renderer) -> None:
    here, camera = scene()
    x, y, heading = beyond(camera, *here.focus_m, -4.0)
    blow = Dent(1, 0, (0.0, -2.35, 0.6), (0.0, 1.0, 0.0), 0.5, 1.3)
    calm = trace([(ParticipantType.SEDAN, Colour.WHITE, x, y, heading)], 2)
    braked = trace([(ParticipantType.SEDAN, Colour.WHITE, x, y, heading)], 2, braking=True)
    struck = trace([(ParticipantType.SEDAN, Colour.WHITE, x, y, heading)], 2, dents=(blow,))
    pictures = {
        name: list(renderer.frames(here, made, camera, Light.DAY, Weather.OVERCAST, seed=2))
        for name, made in (("calm", calm), ("braked", braked), ("struck", struck))
    }
    redder = pictures["braked"][0].image[..., 0].astype(int) - pictures["calm"][0].image[..., 0]
    assert redder.max() > 25
    assert np.array_equal(pictures["struck"][0].image, pictures["calm"][0].image)
    assert not np.array_equal(pictures["struck"][1].image, pictures["calm"][1].image)
    whole, bent = pictures["calm"][1].amodal_box[0], pictures["struck"][1].amodal_box[0]
    assert whole is not None
    assert bent is not None
    assert bent != whole  # shorter, and its bumper hangs out


def test_dusk_is_darker_and_its_lamps_burn(renderer: Renderer) -> None:
    here, camera = scene()
    x, y, heading = beyond(camera, *here.focus_m, 0.0)
    made = trace([(ParticipantType.SEDAN, Colour.BLACK, x, y, heading + 180)], 1)
    day, dusk = (
        next(iter(renderer.frames(here, made, camera, light, Weather.CLEAR, seed=3)))
        for light in (Light.DAY, Light.DUSK)
    )
    assert np.median(dusk.image) < np.median(day.image) - 15
    box = dusk.visible_box[0]
    assert box is not None
    x1, y1, x2, y2 = (int(value) for value in box)
    brightest = dusk.image[y1 - 2 : y2 + 2, x1 - 2 : x2 + 2].max()
    assert brightest > np.percentile(dusk.image[60:], 98)
    assert day.visible_box == dusk.visible_box


@pytest.mark.parametrize(
    "kind", [ParticipantType.BUS, ParticipantType.TRUCK, ParticipantType.MOTORCYCLE, ParticipantType.BICYCLE]
)
def test_every_vehicle_shows_in_the_box_of_its_sizes(renderer: Renderer, kind: ParticipantType) -> None:
    here, camera = scene()
    x, y, heading = beyond(camera, *here.focus_m, 0.0)
    made = trace([(kind, Colour.BLUE, x, y, heading + 75)], 1)
    frame = next(iter(renderer.frames(here, made, camera, Light.DAY, Weather.OVERCAST, seed=1)))
    visible, amodal = frame.visible_box[0], frame.amodal_box[0]
    assert visible is not None and amodal is not None
    assert np.abs(np.array(visible) - np.array(amodal)).max() <= 2.0
    body = VEHICLES[kind]
    corners = [
        (side * body.width_m / 2, end * body.length_m / 2, up)
        for side in (-1, 1) for end in (-1, 1) for up in (0.0, body.height_m)
    ]  # fmt: skip
    turn = math.radians(heading + 75)
    across, along = (math.cos(turn), math.sin(turn)), (-math.sin(turn), math.cos(turn))
    world = [(x + a * across[0] + b * along[0], y + a * across[1] + b * along[1], up) for a, b, up in corners]
    seen = camera.project(np.array(world))[:, :2]
    size = np.ptp(seen, axis=0)
    assert np.array([amodal[2] - amodal[0], amodal[3] - amodal[1]]) == pytest.approx(size, rel=0.3)


def test_a_trailer_and_somebody_who_has_fallen_show_where_physics_left_them(renderer: Renderer) -> None:
    here, camera = scene()
    x, y, heading = beyond(camera, *here.focus_m, 0.0)
    half = math.radians(heading + 75) / 2
    turn = (math.cos(half), 0.0, 0.0, math.sin(half))
    behind = (math.sin(2 * half), -math.cos(2 * half))
    trailer = np.array([[x + 5.9 * behind[0], y + 5.9 * behind[1], 0.0, *turn]])
    lying = np.array([[[x + 3.0, y, 0.2, math.sqrt(0.5), math.sqrt(0.5), 0.0, 0.0]] * 7])
    truck = (ParticipantType.ARTICULATED_TRUCK, Colour.RED, x, y, heading + 75)
    someone = (ParticipantType.PEDESTRIAN, Colour.RED, x + 3.0, y, 0.0)
    plain = trace([truck, someone], 1)
    whole = trace([truck, someone], 1, trailers={0: trailer}, limbs={1: lying})
    pictures = [
        next(iter(renderer.frames(here, made, camera, Light.DAY, Weather.OVERCAST, 1))) for made in (plain, whole)
    ]
    widths = [box[2] - box[0] for frame in pictures if (box := frame.amodal_box[0]) is not None]
    assert widths[1] > 1.8 * widths[0]
    heights = [box[3] - box[1] for frame in pictures if (box := frame.amodal_box[1]) is not None]
    assert heights[1] < 0.75 * heights[0]


def digest(renderer: Renderer) -> str:
    here, camera = scene(RoadLayout.URBAN_STREET, "same")
    x, y = here.focus_m
    made = trace(
        [(ParticipantType.VAN, Colour.WHITE, x, y, 90.0), (ParticipantType.PEDESTRIAN, Colour.RED, 1.0, 1.0, 0.0)], 2
    )
    told = hashlib.sha256()
    for frame in renderer.frames(here, made, camera, Light.DUSK, Weather.CLEAR, seed=9):
        told.update(frame.image.tobytes())
        told.update(repr((frame.visible_box, frame.amodal_box, frame.occlusion)).encode())
    return told.hexdigest()


_ANOTHER_PROCESS = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("clips", sys.argv[1])
clips = importlib.util.module_from_spec(spec)
spec.loader.exec_module(clips)
print(clips.digest(clips.Renderer()))
"""


def test_the_same_clip_has_the_same_bytes_in_every_process(renderer: Renderer) -> None:
    """Two others at once, after and without other clips in the same process."""
    others = [
        subprocess.Popen([sys.executable, "-c", _ANOTHER_PROCESS, __file__], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    here = digest(renderer)
    told = [other.communicate(timeout=120)[0].strip() for other in others]
    assert told == [here, here]


def test_another_seed_changes_noise_and_clock_but_not_the_truth(renderer: Renderer) -> None:
    here, camera = scene()
    made = trace([(ParticipantType.SEDAN, Colour.RED, *here.focus_m, 0.0)], 1)
    one, other = (next(iter(renderer.frames(here, made, camera, Light.DAY, Weather.OVERCAST, seed))) for seed in (1, 2))
    assert not np.array_equal(one.image, other.image)
    assert one.visible_box == other.visible_box
