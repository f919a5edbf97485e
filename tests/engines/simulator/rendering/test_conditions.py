"""What light and weather do to a picture."""

import numpy as np
import pytest

from its_core.engines.simulator.optics.daylight import daylight
from its_core.engines.simulator.rendering import background
from its_core.engines.simulator.rendering.background import Plate, plate
from its_core.engines.simulator.rendering.ground_windows import cut_off
from its_core.engines.simulator.rendering.renderer import Renderer
from its_core.engines.simulator.scenery.build import scenery
from its_core.taxonomy import Colour, Light, ParticipantType, RoadLayout, RoadSurface, Weather
from tests.engines.simulator.rendering.test_renderer import beyond, scene, trace

pytestmark = pytest.mark.slow

DRY, WET, SNOWY = RoadSurface.DRY, RoadSurface.WET, RoadSurface.SNOWY


def still(light: Light, weather: Weather, surface: RoadSurface = DRY) -> Plate:
    here, camera = scene(RoadLayout.URBAN_STREET, "weather")
    sky = daylight(light, weather, camera.camera_id, surface)
    return plate(camera, here, scenery(here, sky, camera.position_m, camera.camera_id), sky)


def level(made: Plate) -> float:
    """Mean radiance of the ground."""
    ground = made.ground_share > 0.9
    return float(made.radiance[ground].mean())


def test_night_is_dark_but_under_its_lamps() -> None:
    day, night = still(Light.DAY, Weather.OVERCAST), still(Light.NIGHT, Weather.OVERCAST)
    assert level(night) < 0.3 * level(day)
    under = night.plans.lamps_at(night.x, night.y)
    ground = night.ground_share > 0.9
    light = night.radiance.sum(axis=2) / np.maximum(night.albedo.sum(axis=2), 1e-3)
    brightest, darkest = (
        (ground & (under >= np.quantile(under[ground], 0.9))),
        ground & (under <= np.quantile(under[ground], 0.05)),
    )
    assert light[brightest].mean() > 5 * light[darkest].mean()


def test_a_wet_road_is_darker_by_day_and_mirrors() -> None:
    dry, wet = still(Light.DAY, Weather.OVERCAST), still(Light.DAY, Weather.OVERCAST, WET)
    assert dry.sheen.shape == (2, 2)
    assert wet.sheen.max() > 0.1
    assert wet.albedo[wet.sheen > 0.0].mean() < 0.85 * dry.albedo[wet.sheen > 0.0].mean()


def test_a_wet_road_mirrors_the_same_where_only_what_shows_of_it_is_painted(monkeypatch: pytest.MonkeyPatch) -> None:
    made = still(Light.NIGHT, Weather.RAIN, WET)
    monkeypatch.setattr(background, "_drawn_out", lambda shown, _: np.ones_like(shown))
    whole = still(Light.NIGHT, Weather.RAIN, WET)
    shows = whole.sheen > 0.0

    assert np.abs(made.radiance - whole.radiance).max() < 1e-5
    assert np.abs(made.mirror - whole.mirror)[shows].max() < 1e-5
    assert not np.array_equal(made.mirror, whole.mirror)


def test_snow_whitens_the_land_more_than_the_tracks_on_the_road() -> None:
    bare, snow = still(Light.DAY, Weather.OVERCAST), still(Light.DAY, Weather.SNOW, SNOWY)
    gain = (snow.albedo - bare.albedo).mean(axis=2)[snow.ground_share > 0.9]
    assert np.quantile(gain, 0.9) > 0.4
    assert np.quantile(gain, 0.05) < 0.2


def test_fog_takes_the_contrast_of_what_is_far() -> None:
    clear, fog = still(Light.DAY, Weather.OVERCAST), still(Light.DAY, Weather.FOG)

    def contrast(made: Plate) -> float:
        rows = made.radiance[: made.radiance.shape[0] // 4].mean(axis=2)
        return float(rows.std() / rows.mean())

    assert contrast(fog) < 0.7 * contrast(clear)


@pytest.mark.parametrize(("light", "weather"), [(light, weather) for light in Light for weather in Weather])
def test_every_light_and_weather_is_painted(light: Light, weather: Weather) -> None:
    camera = scene()[1]
    sky = daylight(light, weather, camera.camera_id)
    assert (sky.wet > 0) == (weather is Weather.RAIN)
    assert (sky.snow > 0) == (weather is Weather.SNOW)
    assert sky.lit == (light is not Light.DAY)
    assert 0 <= sky.hour < 29


def test_headlamps_light_the_road_and_who_stands_before_them() -> None:
    here, camera = scene()
    x, y, away = beyond(camera, *here.focus_m, 6.0)
    nearer = beyond(camera, *here.focus_m, 0.0)[:2]
    person = (ParticipantType.PEDESTRIAN, Colour.WHITE, *nearer, 0.0)
    facing = trace([(ParticipantType.SEDAN, Colour.BLACK, x, y, away + 180), person], 1)
    turned = trace([(ParticipantType.SEDAN, Colour.BLACK, x, y, away), person], 1)
    lit, dark = (
        next(iter(Renderer().frames(here, made, camera, Light.NIGHT, Weather.OVERCAST, seed=3)))
        for made in (facing, turned)
    )
    box = lit.visible_box[1]
    assert box is not None
    x1, _, x2, y2 = (int(value) for value in box)
    below = slice(y2, y2 + 6), slice(max(x1 - 6, 0), x2 + 6)
    assert lit.image[below].mean() > dark.image[below].mean() + 10


def test_a_beam_that_runs_behind_the_camera_is_cut_and_does_not_go_out() -> None:
    square = np.array([[0.0, -1.0], [0.0, 1.0], [10.0, 1.0], [10.0, -1.0]])
    part = cut_off(square, square[:, 0] - 4.0, 0.5)
    assert part[:, 0].min() == pytest.approx(4.5)
    assert part[:, 0].max() == 10.0
    assert len(cut_off(square, square[:, 0] - 40.0, 0.5)) == 0
