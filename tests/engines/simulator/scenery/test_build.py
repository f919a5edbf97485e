import math
from dataclasses import dataclass, field

import numpy as np
import pytest

from its_core.clip import Geometry
from its_core.engines.simulator.meshes.street_furniture import signal_lens
from its_core.engines.simulator.optics.camera import camera_for
from its_core.engines.simulator.optics.daylight import daylight
from its_core.engines.simulator.randomness import rng_of
from its_core.engines.simulator.roads.bounds import off_road_m, outside_m
from its_core.engines.simulator.roads.layouts import Building
from its_core.engines.simulator.roads.registry import PLACES, place
from its_core.engines.simulator.scenery.build import scenery
from its_core.engines.simulator.scenery.car_parks import car_parks
from its_core.engines.simulator.scenery.facade_light import FacadePainter
from its_core.engines.simulator.scenery.facades import walls_of
from its_core.engines.simulator.scenery.fences import fences
from its_core.taxonomy import Light, RoadLayout, Weather

DAY = daylight(Light.DAY, Weather.CLEAR, "x")


@pytest.mark.parametrize("layout", list(PLACES))
def test_nothing_stands_where_cars_drive(layout: RoadLayout) -> None:
    """Below the roof of a van, all scenery keeps clear of the lanes of its place."""
    here = place(layout, "clear")
    scene = scenery(here, DAY, (0.0, -40.0, 9.0), "clear")
    points = np.concatenate([thing.vertices for thing in scene.things])
    low = points[(points[:, 2] < 2.4) & (np.abs(points[:, :2]) < 80).all(axis=1)]
    lanes = np.concatenate([np.array(lane.points) for lane in here.lanes])
    lanes = lanes[(np.abs(lanes) < 80).all(axis=1)]
    cells = {(round(x), round(y)) for x, y in lanes}
    near = [point for point in low.tolist() if (round(point[0]), round(point[1])) in cells]
    away = [np.hypot(*(lanes - np.array(point[:2])).T).min() for point in near]
    assert min(away, default=9.0) > 1.0


def test_sun_and_shade_of_a_house() -> None:
    here = place(RoadLayout.URBAN_STREET, "shade")
    scene = scenery(here, DAY, (0.0, -40.0, 9.0), "shade")
    x1, y1, x2, y2 = here.buildings[0].rect
    x, y, height = (x1 + x2) / 2, (y1 + y2) / 2, here.buildings[0].height_m
    inside_shadow = (np.array([x, y, height - 1.0]) - 2.0 * np.array(DAY.sun)).astype(np.float32)
    above = np.array([x, y, height + 40.0], np.float32)
    assert scene.sunlit(np.stack([inside_shadow, above]), DAY).tolist() == [0.0, 1.0]
    overcast = daylight(Light.DAY, Weather.OVERCAST, "x")
    assert scene.sunlit(inside_shadow[None], overcast).tolist() == [1.0]


def test_parked_cars_keep_off_road_pavement_and_houses() -> None:
    found = 0
    for number in range(6):
        here = place(RoadLayout.URBAN_STREET, f"park-{number}")
        cars, lines, _ = car_parks(here, (0.0, -30.0), rng_of("park", number))
        found += len(cars)
        assert bool(cars) == bool(lines) or not cars
        for car in cars:
            for x, y, _ in car.vertices[::40].tolist():
                assert all(outside_m(road, x, y) > here.pavement_m for road in here.carriageways)
                assert all(outside_m(house.rect, x, y) > 0.0 for house in here.buildings)
    assert found > 5


@pytest.mark.parametrize("layout", [RoadLayout.URBAN_STREET, RoadLayout.FOUR_WAY_INTERSECTION])
def test_hedges_and_walls_keep_off_road_pavement_houses_and_car_parks(layout: RoadLayout) -> None:
    found = 0
    for number in range(3):
        here, eye = place(layout, f"fence-{number}"), (0.0, -30.0)
        parks = car_parks(here, eye, rng_of("park", number))[2]
        made = fences(here, eye, parks, rng_of("fence", number))
        found += len(made)
        for x, y, _ in np.concatenate([piece.vertices for piece in made])[::25].tolist():
            assert off_road_m(here, x, y) > here.pavement_m - 0.05
            assert all(outside_m(house.rect, x, y) > 0.0 for house in here.buildings)
            assert all(outside_m(park, x, y) > 1.0 for park in parks)
            assert math.dist((x, y), eye) > 8.0
    assert found > 12


def test_signal_lamps_sit_where_the_layout_says_lowest_first() -> None:
    head = place(RoadLayout.FOUR_WAY_INTERSECTION, "s").signals[0]
    green, amber, red = (signal_lens(head, lamp) for lamp in range(3))
    assert green[2] == pytest.approx(head.position_m[2])
    assert green[2] < amber[2] < red[2]
    facing = math.radians(head.facing_deg)
    ahead = (green[0] - head.position_m[0]) * -math.sin(facing) + (green[1] - head.position_m[1]) * math.cos(facing)
    assert 0.1 < ahead < 0.3


HOUSE = Building((0.0, 10.0, 20.0, 22.0), 17.0, 0)


@dataclass(frozen=True)
class NoLamps:
    lamps: np.ndarray = field(default_factory=lambda: np.zeros((2, 2), np.float32))
    rect: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)
    lamp_rgb: tuple[float, float, float] = (1.0, 1.0, 1.0)


def seen(eye: tuple[float, float, float], points: np.ndarray, light: Light) -> np.ndarray:
    """Radiance of points on the south wall of HOUSE."""
    walls = walls_of([HOUSE], sheds=False)
    rays = (points - np.array(eye)).astype(np.float32)
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    radiance = np.zeros_like(rays)
    painter = FacadePainter(walls, daylight(light, Weather.OVERCAST, "x"), eye, np.ones(4, np.float32), NoLamps())
    painter.paint(np.zeros(len(points), np.int32), rays, radiance)
    return radiance


def grid(step: float = 0.05) -> np.ndarray:
    x, z = np.meshgrid(np.arange(0.5, 19.5, step), np.arange(5.0, 15.0, step))
    return np.stack([x.ravel(), np.full(x.size, 10.0), z.ravel()], axis=1)


def test_facades_have_dark_windows_in_lighter_walls() -> None:
    light = seen((10.0, -20.0, 8.0), grid(), Light.DAY)
    brightness = light.mean(axis=1)
    assert np.isfinite(light).all()
    assert np.percentile(brightness, 95) > 2.0 * np.percentile(brightness, 5)


def test_windows_are_set_back_so_that_a_slanting_view_sees_less_glass() -> None:
    """Glass is what shines at dusk; from the side the reveals hide part of it."""
    square_on = seen((10.0, -20.0, 8.0), grid(), Light.DUSK).max(axis=1) > 0.2
    from_aside = seen((60.0, 4.0, 8.0), grid(), Light.DUSK).max(axis=1) > 0.2
    assert square_on.mean() > 0.03
    assert from_aside.sum() < 0.85 * square_on.sum()


def test_scenery_is_the_same_each_time() -> None:
    here = place(RoadLayout.HIGHWAY, "same")
    eye = camera_for("same", here, Geometry(320, 176, 16, 1)).position_m
    one, again = (scenery(here, DAY, eye, "same") for _ in range(2))
    assert len(one.things) == len(again.things)
    assert all(np.array_equal(a.vertices, b.vertices) for a, b in zip(one.things, again.things, strict=True))
