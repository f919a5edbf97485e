"""Lamps of vehicles as a camera shows them."""

from dataclasses import replace

import numpy as np
import pytest

from its_core.engines.simulator.meshes.materials import Surface
from its_core.engines.simulator.optics.daylight import daylight
from its_core.engines.simulator.rendering.actors import bodies, vehicles_of
from its_core.engines.simulator.rendering.renderer import Renderer, Still
from its_core.engines.simulator.trace import Trace
from its_core.taxonomy import Colour, Light, ParticipantType, RoadLayout, Weather
from tests.engines.simulator.rendering.test_renderer import beyond, scene, trace

pytestmark = pytest.mark.slow


def at_rest(kind: ParticipantType, frames: int, turned_deg: float, braking: bool = False) -> Trace:
    here, camera = scene()
    x, y, heading = beyond(camera, *here.focus_m, 0.0)
    made = trace([(kind, Colour.WHITE, x, y, heading + turned_deg)], frames, braking=braking)
    made.positions[:] = made.positions[0]
    return made


def pictures(made: Trace, light: Light) -> list[np.ndarray]:
    here, camera = scene()
    return [frame.image.astype(int) for frame in Renderer().frames(here, made, camera, light, Weather.OVERCAST, 3)]


@pytest.mark.parametrize("light", [Light.DAY, Light.NIGHT])
def test_the_blue_and_the_red_half_of_a_light_bar_burn_by_turns(light: Light) -> None:
    made = at_rest(ParticipantType.VAN, 9, 120.0)
    made = replace(made, actors=(replace(made.actors[0], emergency=True),))
    car = vehicles_of(bodies(made, light is Light.NIGHT))[0]
    states = np.array([car.lamp_states(frame)[9:11] for frame in range(9)])
    blue, red = states[:, 0] == Surface.BEACON_BLUE, states[:, 1] == Surface.BEACON_RED
    assert np.all(blue | red)
    assert 1 <= np.diff(blue.astype(int)).astype(bool).sum() <= 4
    shown = pictures(made, light)
    without = pictures(at_rest(ParticipantType.VAN, 1, 120.0), light)[0]
    tints = [(image[..., 2] - image[..., 0]) - (without[..., 2] - without[..., 0]) for image in shown]
    bluer, redder = (np.array([(sign * tint > 30).sum() for tint in tints]) for sign in (1, -1))
    assert bluer[blue & ~red].min() >= bluer[red & ~blue].max() + 4
    assert redder[red & ~blue].min() >= redder[blue & ~red].max() + 4


def test_brake_lamps_are_seen_by_day() -> None:
    off, on = (pictures(at_rest(ParticipantType.SEDAN, 1, 0.0, braking), Light.DAY)[0] for braking in (False, True))
    redder = (on[..., 0] - on[..., 1]) - (off[..., 0] - off[..., 1])
    assert (redder > 60).sum() >= 6


def test_hazard_lights_blink_on_both_sides_between_once_and_twice_a_second() -> None:
    made = at_rest(ParticipantType.SEDAN, 33, 0.0)
    made.indicator[:] = 2
    car = vehicles_of(bodies(made, False))[0]
    states = np.array([car.lamp_states(frame)[5:9] for frame in range(33)])
    assert np.all(states == states[:, :1])
    starts = int((np.diff((states[:, 0] == states.max()).astype(int)) == 1).sum())
    assert 2 <= starts <= 4


def test_the_gain_of_a_camera_at_night_lifts_the_ground_to_a_dark_grey() -> None:
    here, camera = scene(RoadLayout.URBAN_STREET, "gain")
    sky = daylight(Light.NIGHT, Weather.CLEAR, camera.camera_id)
    still = Still(here, camera, sky)
    ground = still.plate.ground_share > 0.5
    exposed = still.exposure * still.plate.radiance[ground].mean(axis=1)
    assert 0.05 < np.quantile(exposed, 0.6) < 0.2
    day = daylight(Light.DAY, Weather.CLEAR, camera.camera_id)
    assert Still(here, camera, day).exposure == day.exposure
