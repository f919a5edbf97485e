"""What stands about road works: cones, signs, the board with a lit arrow, the cushion before the barrier, material."""

from __future__ import annotations

import numpy as np

from its_core.engines.simulator.meshes.materials import Surface
from its_core.engines.simulator.meshes.mesh import Mesh, Sculptor

_ARROW_LAMPS: tuple[tuple[float, float], ...] = (
    (-0.95, 0.0), (-0.60, 0.0), (-0.25, 0.0), (0.10, 0.0), (0.45, 0.0), (0.80, 0.0),
    (-0.72, 0.23), (-0.49, 0.46), (-0.72, -0.23), (-0.49, -0.46),
)  # fmt: skip


def cone() -> Mesh:
    """A tall traffic cone with two white bands."""
    sculptor = Sculptor()
    sculptor.box((-0.24, -0.24, 0.0), (0.24, 0.24, 0.05), Surface.HOUSING)
    for low, high, surface in (
        (0.05, 0.36, Surface.CONE),
        (0.36, 0.54, Surface.SIGN_WHITE),
        (0.54, 0.68, Surface.CONE),
        (0.68, 0.80, Surface.SIGN_WHITE),
        (0.80, 1.00, Surface.CONE),
    ):
        radii = [0.19 - 0.155 * (z - 0.05) for z in (low, high)]
        sculptor.tube(np.array([[0, 0, low], [0, 0, high]]), radii, surface, sides=10)
    return sculptor.mesh()


def arrow_board() -> Mesh:
    """A trailer whose board of lamps points left for traffic from the south; striped behind."""
    sculptor = Sculptor()
    sculptor.box((-0.9, -0.5, 0.35), (0.9, 0.9, 0.75), Surface.CONE)
    for x in (-0.95, 0.85):
        sculptor.box((x, -0.2, 0.0), (x + 0.1, 0.4, 0.6), Surface.TYRE)
    for x in (-0.7, 0.62):
        sculptor.box((x, -0.1, 0.75), (x + 0.08, 0.0, 1.5), Surface.STEEL)
    sculptor.box((-1.35, -0.14, 1.4), (1.35, -0.04, 2.8), Surface.HOUSING)
    for x, z in _ARROW_LAMPS:
        sculptor.box((x - 0.11, -0.18, 1.99 + z), (x + 0.11, -0.13, 2.21 + z), Surface.LAMP_AMBER)
    for x in (-1.22, 1.08):
        sculptor.box((x, -0.18, 2.58), (x + 0.14, -0.13, 2.72), Surface.LAMP_AMBER)
    _stripes(sculptor, (-1.35, 1.35), (1.4, 2.8), -0.035)
    _stripes(sculptor, (-0.9, 0.9), (0.38, 0.72), 0.905)
    return sculptor.mesh()


def _stripes(sculptor: Sculptor, x: tuple[float, float], z: tuple[float, float], y: float) -> None:
    """Red and white fields on a face to the north."""
    edges = np.linspace(x[0], x[1], 9).tolist()
    for number in range(8):
        surface = (Surface.SIGN_RED, Surface.SIGN_WHITE)[number % 2]
        sculptor.box((edges[number], y, z[0]), (edges[number + 1], y + 0.01, z[1]), surface)


def works_sign() -> Mesh:
    """An orange diamond with a figure at work on a low stand, facing north."""
    sculptor = Sculptor()
    for x in (-0.45, 0.45):
        sculptor.tube(np.array([[x, -0.3 * np.sign(x), 0.0], [0.0, 0.0, 0.9]]), [0.03, 0.03], Surface.STEEL, sides=5)
    half, middle = 0.72, 1.55
    for y, size, surface in ((0.05, half, Surface.HOUSING), (0.06, 0.93 * half, Surface.CONE)):
        sculptor.polygon(
            [(-size, y, middle), (0.0, y, middle + size), (size, y, middle), (0.0, y, middle - size)], surface
        )
    for x, z, wide, tall in ((0.0, 0.26, 0.09, 0.09), (0.03, 0.06, 0.08, 0.16), (-0.10, -0.20, 0.05, 0.13)):
        sculptor.box((x - wide, 0.062, middle + z - tall), (x + wide, 0.07, middle + z + tall), Surface.HOUSING)
    sculptor.box((0.12, 0.062, middle - 0.33), (0.26, 0.07, middle - 0.10), Surface.HOUSING)
    return sculptor.mesh()


def cushion() -> Mesh:
    """What softens a crash into the end of a barrier: striped, its nose to the south."""
    sculptor = Sculptor()
    for number in range(5):
        low = -2.6 + 0.52 * number
        surface = (Surface.SIGN_YELLOW, Surface.HOUSING)[number % 2]
        sculptor.box((-0.38, low, 0.08), (0.38, low + 0.52, 0.92), surface)
    return sculptor.mesh()


def material(rng: np.random.Generator) -> Mesh:
    """A heap of gravel beside a stack of kerb stones on a pallet."""
    sculptor = Sculptor()
    wide = float(rng.uniform(0.6, 0.85))
    heap = np.array([[0.0, 0.0, z * wide] for z in (0.0, 0.35, 0.72, 0.86)])
    sculptor.tube(heap, [1.1 * wide, 0.68 * wide, 0.24 * wide, 0.03 * wide], Surface.GRAVEL, sides=11)
    y = 2.4 + float(rng.uniform(0.0, 1.5))
    sculptor.box((-0.6, y, 0.0), (0.6, y + 0.9, 0.13), Surface.WOOD)
    sculptor.box((-0.55, y + 0.05, 0.13), (0.55, y + 0.85, float(rng.uniform(0.45, 0.8))), Surface.CONCRETE)
    return sculptor.mesh()


def light_tower(lit: bool) -> Mesh:
    """Floodlights on a mast on a trailer."""
    sculptor = Sculptor()
    sculptor.box((-0.6, -0.9, 0.35), (0.6, 0.9, 1.15), Surface.SIGN_YELLOW)
    for x in (-0.72, 0.62):
        sculptor.box((x, -0.3, 0.0), (x + 0.1, 0.3, 0.6), Surface.TYRE)
    sculptor.tube(np.array([[0, 0, 1.1], [0, 0, 6.4]]), [0.07, 0.05], Surface.STEEL, sides=6)
    lamp = Surface.LUMINAIRE_LIT if lit else Surface.LUMINAIRE_DARK
    for x in (-0.55, 0.15):
        sculptor.box((x, -0.06, 6.3), (x + 0.4, 0.08, 6.62), lamp)
    return sculptor.mesh()
