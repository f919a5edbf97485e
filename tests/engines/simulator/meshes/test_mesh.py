import numpy as np

from its_core.engines.simulator.meshes.materials import Surface
from its_core.engines.simulator.meshes.mesh import Mesh, Sculptor, boxes, joined, level_pieces


def same(one: Mesh, other: Mesh) -> bool:
    names = ("vertices", "normals", "slots", "parts", "welds", "triangles")
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


def test_boxes_and_level_pieces_at_once_are_those_made_one_by_one() -> None:
    rng = np.random.default_rng(3)
    low = rng.uniform(-9.0, 9.0, (7, 3))
    corners = np.stack([low, low + rng.uniform(0.1, 3.0, (7, 3))], axis=1)
    slots = np.array([Surface.STEEL, Surface.STONE, *5 * [Surface.STEEL_DARK]], np.uint8)
    sculptor = Sculptor()
    flat = np.array([[-1.0, -2.0, 3.0, 4.0, 5.0], [0.5, 6.0, 1.5, 9.0, 2.0], [4.0, -3.0, 8.0, 0.0, 7.5]])
    for x1, y1, x2, y2, z in flat.tolist():
        sculptor.polygon([(x1, y1, z), (x2, y1, z), (x2, y2, z), (x1, y2, z)], Surface.ROOFING)
    for (first, last), slot in zip(corners.tolist(), slots.tolist(), strict=True):
        sculptor.box(first, last, slot)

    made = joined([level_pieces(flat, Surface.ROOFING), boxes(corners, slots)])

    assert same(made, sculptor.mesh())
