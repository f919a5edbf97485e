"""The land and the water below a bridge."""

import numpy as np
import pytest

from its_core.clip import Geometry
from its_core.engines.simulator.optics.camera import camera_for
from its_core.engines.simulator.roads.bridge import DECK_EDGE_M
from its_core.engines.simulator.roads.registry import place
from its_core.engines.simulator.scenery.below import is_below, lowered, water_share
from its_core.engines.simulator.scenery.ground import road_distance
from its_core.engines.simulator.scenery.surfaces import View
from its_core.taxonomy import RoadLayout

F32 = np.float32


def test_rays_that_pass_the_deck_reach_the_land_below_it() -> None:
    here = place(RoadLayout.BRIDGE, "below")
    assert here.deck is not None
    eye = np.array(camera_for("below", here, Geometry(320, 176, 16, 5)).position_m)
    half = here.carriageways[0][2]
    x = np.array([0.0, half + 0.9 * DECK_EDGE_M, half + 3.0, -half - 9.0], F32)
    y = np.array([40.0, -20.0, 25.0, 70.0], F32)
    below = is_below(road_distance(here, x, y))
    assert below.tolist() == [False, False, True, True]
    away = np.hypot(np.hypot(x - eye[0], y - eye[1]), eye[2]).astype(F32)
    view = lowered(View(x, y, away, np.full(4, 0.1, F32)), tuple(eye.tolist()), here.deck, below)
    for i in range(4):
        z = -here.deck.drop_m if below[i] else 0.0
        landed = np.array([view.x[i], view.y[i], z])
        ray = (np.array([x[i], y[i], 0.0]) - eye) / away[i]
        assert landed == pytest.approx(eye + view.distance[i] * ray, abs=1e-3)


def test_a_river_has_banks_and_a_valley_no_water() -> None:
    decks = [place(RoadLayout.BRIDGE, f"bank-{number}").deck for number in range(12)]
    assert {deck is not None and deck.shore_m > 0.0 for deck in decks} == {True, False}
    x = np.full(2, 30.0, F32)
    for deck in decks:
        assert deck is not None
        shares = water_share(View(x, np.array([0.0, 400.0], F32), x, np.full(2, 0.2, F32)), deck)
        assert shares.tolist() == [float(deck.shore_m > 0.0), 0.0]
