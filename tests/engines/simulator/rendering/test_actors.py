"""Bodies of a trace as triangles."""

import numpy as np
import pytest

from its_core.engines.simulator.meshes.materials import Surface
from its_core.engines.simulator.rendering.actors import bodies
from its_core.engines.simulator.trace import Dent
from its_core.taxonomy import Colour, ParticipantType
from tests.engines.simulator.rendering.test_renderer import trace

FAR_M = 0.08  # how coarsely a bus is drawn that is far away


def glass_of_a_struck_bus(tolerance_m: float) -> list[float]:
    """Square metres of whole glass before and after it has hit a pole."""
    dent = Dent(2, 0, (-1.0, 5.97, 3.0), (0.0, -1.0, 0.0), 0.17, 0.6)
    (bus,) = bodies(trace([(ParticipantType.BUS, Colour.WHITE, 0.0, 0.0, 0.0)], dents=(dent,)), False, [tolerance_m])
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
