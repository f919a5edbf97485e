"""The inside of a tunnel."""

import numpy as np
import pytest

from its_core.clip import Geometry
from its_core.engines.simulator.optics.camera import camera_for
from its_core.engines.simulator.optics.daylight import Fall, daylight, under_roof
from its_core.engines.simulator.optics.raster import NOTHING, Soup, view
from its_core.engines.simulator.roads.registry import place
from its_core.engines.simulator.scenery.build import merged, scenery
from its_core.taxonomy import Light, RoadLayout, Weather


@pytest.mark.parametrize("number", range(4))
def test_a_camera_in_a_tunnel_sees_neither_sky_nor_land(number: int) -> None:
    camera_id = f"inside-{number}"
    here = place(RoadLayout.TUNNEL, camera_id)
    camera = camera_for(camera_id, here, Geometry(160, 88, 16, 5))
    sky = under_roof(daylight(Light.DAY, Weather.CLEAR, camera_id), warm=False)
    things = merged(scenery(here, sky, camera.position_m, camera_id).things)
    shown = view(camera, Soup(things.vertices, things.triangles), 1, (0.0, 0.0)).triangle != NOTHING
    rows, columns = np.nonzero(~shown)
    rays = camera.rays(columns + 0.5, rows + 0.5)
    assert (rays[:, 2] < 0.0).all()
    landed = np.array(camera.position_m) + rays * (camera.position_m[2] / -rays[:, 2])[:, None]
    assert np.abs(landed[:, 0]).max() < here.carriageways[0][2] + 0.3


def test_lamps_alone_light_a_tunnel() -> None:
    """Only the clock of the hour outside is left of it."""
    noon = daylight(Light.DAY, Weather.CLEAR, "lamps")
    inside, at_night = (under_roof(daylight(light, Weather.CLEAR, "lamps"), True) for light in (Light.DAY, Light.NIGHT))
    assert inside.hour == noon.hour != at_night.hour
    assert (inside.overhead == at_night.overhead).all()
    assert inside.lit and not inside.casts_shadows and inside.fall is Fall.NOTHING
