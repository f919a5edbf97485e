"""What hard braking and collisions leave behind."""

from dataclasses import replace

import numpy as np
import pytest

from its_core.engines.simulator.optics.daylight import Daylight, daylight
from its_core.engines.simulator.rendering.aftermath.debris import debris
from its_core.engines.simulator.rendering.aftermath.spray import Spray
from its_core.engines.simulator.rendering.aftermath.tyre_marks import tyre_marks
from its_core.engines.simulator.rendering.renderer import Renderer
from its_core.engines.simulator.scenery.light_maps import Plans
from its_core.engines.simulator.trace import Trace, TraceContact
from its_core.taxonomy import Colour, Light, ParticipantType, RoadSurface, Weather
from tests.engines.simulator.rendering.test_renderer import beyond, scene, trace

pytestmark = pytest.mark.slow

_NIGHT = np.zeros((2, 2), np.float32)
_RECT = (-99.0, -99.0, 99.0, 99.0)
CLEAR = daylight(Light.DAY, Weather.CLEAR, "marks")


def braking(decelerations_mps2: list[float]) -> Trace:
    """A car that drives on along its heading, by a deceleration for each frame."""
    here, camera = scene()
    x, y, heading = beyond(camera, *here.focus_m, -3.0)
    made = trace([(ParticipantType.SEDAN, Colour.WHITE, x, y, heading)], len(decelerations_mps2), braking=True)
    ahead = made.positions[1, 0, :2] - made.positions[0, 0, :2]
    ahead /= np.linalg.norm(ahead)
    speed = 16.0 - np.cumsum(decelerations_mps2) / made.fps
    way = np.cumsum(speed) / made.fps
    made.positions[:, 0, :2] = made.positions[0, 0, :2] + way[:, None] * ahead
    velocities = made.velocities.copy()
    velocities[:, 0, :2] = speed[:, None] * ahead
    return replace(made, velocities=velocities)


def test_only_braking_at_the_limit_of_tyres_leaves_marks_and_a_collision_is_no_braking() -> None:
    gentle, hard, crash = (tyre_marks(braking([value] * 6), CLEAR) for value in (3.0, 8.0, 120.0))
    assert [len(strips) for strips in gentle] == [0] * 6
    assert [len(strips) for strips in hard] == [0, 4, 4, 4, 4, 4]
    assert [len(strips) for strips in crash] == [0] * 6
    slid = braking([3.0] * 6)
    slid.sliding[3:] = True
    assert [len(strips) for strips in tyre_marks(slid, CLEAR)] == [0, 0, 0, 4, 4, 4]


def test_water_hides_most_of_a_mark() -> None:
    wet = daylight(Light.DAY, Weather.RAIN, "marks", RoadSurface.WET)
    dry_mark, wet_mark = (tyre_marks(braking([8.0] * 3), sky)[2][0, 5] for sky in (CLEAR, wet))
    assert wet_mark < 0.5 * dry_mark


def test_marks_stay_where_the_car_was_and_the_truth_does_not_know_them() -> None:
    here, camera = scene()
    with_marks, without = braking([8.0] * 10), replace(braking([8.0] * 10), braking=np.zeros((10, 1), bool))
    last, plain = (
        list(Renderer().frames(here, made, camera, Light.DAY, Weather.OVERCAST, 5))[-1]
        for made in (with_marks, without)
    )
    assert last.visible_box == plain.visible_box
    assert last.amodal_box == plain.amodal_box
    start = camera.project(with_marks.positions[1:3, 0])[:, :2].astype(int)
    rows = slice(start[:, 1].min() - 6, start[:, 1].max() + 7)
    columns = slice(start[:, 0].min() - 8, start[:, 0].max() + 9)
    darker = plain.image[rows, columns].astype(int).mean(axis=2) - last.image[rows, columns].mean(axis=2)
    assert np.quantile(darker, 0.95) > 6
    assert np.quantile(darker, 0.05) > -6


def struck(delta_v_mps: float, kinds: tuple[ParticipantType, ParticipantType]) -> Trace:
    here, camera = scene()
    x, y, heading = beyond(camera, *here.focus_m, 0.0)
    made = trace([(kinds[0], Colour.RED, x, y, heading), (kinds[1], Colour.BLUE, x + 3.0, y, heading)], 40)
    contact = TraceContact(
        0.5, 8, (0, 1), None, (x + 1.5, y, 0.6), (1.0, 0.0, 0.0), 9e3, 2 * delta_v_mps, (delta_v_mps, delta_v_mps)
    )
    return replace(made, contacts=(contact,))


def test_harder_blows_break_more_and_every_piece_comes_to_rest_near_by() -> None:
    cars = (ParticipantType.SEDAN, ParticipantType.VAN)
    counts = [len(debris(struck(blow, cars)).starts_s) for blow in (0.6, 4.0, 9.0)]
    assert counts[0] == 0
    assert 5 < counts[1] < counts[2] <= 110
    made = debris(struck(9.0, cars))
    every = np.arange(len(made.starts_s))
    places = [made.at(time_s, every)[:, :2] for time_s in (0.5, 9.0, 12.0)]
    assert np.array_equal(places[1], places[2])
    assert np.linalg.norm(places[2] - places[0], axis=1).max() <= 16.0 + 1e-9
    assert np.array_equal(made.at(3.0, every), debris(struck(9.0, cars)).at(3.0, every))
    hit = debris(struck(9.0, (ParticipantType.SEDAN, ParticipantType.PEDESTRIAN)))
    assert len(hit.starts_s) < len(made.starts_s)


def test_spray_grows_with_speed_and_needs_water_or_snow() -> None:
    wet = daylight(Light.NIGHT, Weather.RAIN, "marks", RoadSurface.WET)
    _, camera = scene()
    dark = Plans(_NIGHT, _RECT, _NIGHT, _NIGHT, _RECT, (1.0, 1.0, 1.0), (0.0, 0.0))

    def clouds(speed: float, sky: Daylight) -> np.ndarray:
        made = braking([0.0] * 16)
        scaled = replace(made, velocities=made.velocities * (speed / 16.0))
        return Spray(scaled, camera, sky, np.zeros(3), dark).at(12, np.full(3, 0.05))

    slow, fast = clouds(9.0, wet), clouds(18.0, wet)
    assert len(clouds(18.0, CLEAR)) == 0
    assert len(clouds(4.0, wet)) == 0
    assert slow[:, 4].max() < fast[:, 4].max()
    assert 1.5 * slow[:, 5].max() < fast[:, 5].max()
    assert np.any(fast[:, 6] != 0.0)  # the tail lamps' light
