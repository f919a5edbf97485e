"""Bodies of a trace as triangles."""

import math

import numpy as np
import pytest

from its_core.engines.simulator.meshes.materials import Surface
from its_core.engines.simulator.optics.camera import Camera
from its_core.engines.simulator.optics.raster import NOTHING, Coverage, Lens, draw
from its_core.engines.simulator.rendering.actors import CarActor, WholeActor, bodies
from its_core.engines.simulator.rendering.detail import Detail, details
from its_core.engines.simulator.trace import Dent
from its_core.taxonomy import Colour, ParticipantType
from tests.engines.simulator.rendering.test_renderer import trace

FAR_M = 0.08  # how coarsely a bus is drawn that is far away


def glass_of_a_struck_bus(tolerance_m: float) -> list[float]:
    """Square metres of whole glass before and after it has hit a pole."""
    dent = Dent(2, 0, (-1.0, 5.97, 3.0), (0.0, -1.0, 0.0), 0.17, 0.6)
    (bus,) = bodies(
        trace([(ParticipantType.BUS, Colour.WHITE, 0.0, 0.0, 0.0)], dents=(dent,)), False, [Detail(tolerance_m)]
    )
    glass = []
    for frame in (1, 2):
        posed = bus.posed(frame)
        a, b, c = (posed.vertices[posed.triangles[:, corner]].astype(np.float64) for corner in range(3))
        area = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2
        glass.append(float(area[posed.surfaces[posed.triangles[:, 0]] == Surface.GLASS].sum()))
    return glass


def test_a_bus_that_hits_a_pole_loses_the_same_glass_however_far_it_is() -> None:
    near, far = glass_of_a_struck_bus(0.0), glass_of_a_struck_bus(FAR_M)
    assert 0.85 * near[0] < near[1] < 0.995 * near[0]
    assert far == pytest.approx(near, rel=1e-3)


def test_a_car_has_its_paint_whichever_frame_was_asked_for_before() -> None:
    dent = Dent(2, 0, (0.0, 2.2, 0.6), (0.0, -1.0, 0.0), 0.3, 0.6)
    made = trace([(ParticipantType.SEDAN, Colour.RED, 0.0, 0.0, 0.0)], dents=(dent,))
    (car,) = bodies(made, True, [Detail(0.0)])
    assert isinstance(car, CarActor)
    whole = car.surfaces(1)
    assert whole
    car.lamps(2)
    assert car.surfaces(1) == whole


def camera(bend: float) -> Camera:
    """Five metres up, looking north and level; ``bend``: by which share of their distance the corners move inwards."""
    corner = 0.25 * (640**2 + 352**2) / 450.0**2
    north = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
    return Camera("wide", (0.0, 0.0, 5.0), north, 450.0, 640, 352, (-bend / corner, 0.0))


def striped_share(bend: float) -> float:
    """Of a lorry that stands askew near the edge of the picture, how much is the stripes and letters of its trailer."""
    heading = math.radians(50.0)
    made = trace(
        [
            (
                ParticipantType.ARTICULATED_TRUCK,
                Colour.RED,
                12.0 - 9.0 * math.sin(heading),
                24.0 + 9.0 * math.cos(heading),
                50.0,
            )
        ],
        trailers={0: np.tile([12.0, 24.0, 0.0, math.cos(heading / 2), 0.0, 0.0, math.sin(heading / 2)], (3, 1))},
    )
    seen = camera(bend)
    (lorry,) = bodies(made, False, details(made, seen))
    assert isinstance(lorry, WholeActor)
    posed, lens = lorry.posed(0), Lens.of(seen, 2)
    cover = Coverage.empty(lens.width, lens.height)
    draw(seen.placed(posed.vertices), posed.triangles, lens, cover)
    shown = posed.surfaces[posed.triangles[cover.triangle[cover.triangle != NOTHING], 0]]
    return float((shown == lorry.car.surfaces(0)[Surface.STRIPE]).mean())


def test_a_bent_lens_shows_the_stripes_of_a_trailer_as_a_straight_one_does() -> None:
    assert striped_share(0.12) == pytest.approx(striped_share(0.0), rel=0.1)


def test_edges_are_as_short_as_the_lens_asks_for() -> None:
    made = trace(
        [
            (ParticipantType.BUS, Colour.RED, 0.0, 30.0, 0.0),
            (ParticipantType.BUS, Colour.RED, 0.0, 90.0, 0.0),
            (ParticipantType.SEDAN, Colour.RED, 5.0, 30.0, 0.0),
        ]
    )
    assert [each.longest_m for each in details(made, camera(0.0))] == [math.inf] * 3
    near, far, car = (each.longest_m for each in details(made, camera(0.12)))
    assert near < far < math.inf == car
    assert near <= details(made, camera(0.03))[0].longest_m
