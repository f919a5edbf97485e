"""The steel of a bridge: railings on the deck's edges, and arches with hangers where they carry it."""

from __future__ import annotations

import numpy as np

from its_core.engines.simulator.meshes.materials import Surface
from its_core.engines.simulator.meshes.mesh import Mesh, Sculptor
from its_core.engines.simulator.roads.bridge import DECK_EDGE_M, RAILING_M
from its_core.engines.simulator.roads.layouts import Layout

_REACH_M = 260.0
_PIECE_M = 13.0  # lenses bend long edges
_RAILS_M = (0.55, 0.82, 1.12)  # heights of the rails
_POSTS_EVERY_M = 2.0
_POSTS_TO_M = 110.0  # farther away posts are too thin to be seen
_BASE_M = 0.28  # height of the concrete below the railing
_BEAM_M = 1.6  # of the deck, below the road
_ARCH_SPAN_M, _ARCH_RISE_M, _HANGERS_EVERY_M = 176.0, 25.0, 11.0


def bridge_steel(layout: Layout) -> list[Mesh]:
    assert layout.deck is not None
    half_m = layout.carriageways[0][2]
    found = []
    for side in (1.0, -1.0):
        found.append(_railing(side, half_m))
        if layout.deck.arched:
            found.append(_arch(side * (half_m + DECK_EDGE_M + 0.45)))
    if layout.deck.arched:
        found.append(_braces(half_m + DECK_EDGE_M + 0.45))
    return found


def _railing(side: float, half_m: float) -> Mesh:
    sculptor = Sculptor()
    x, outer = side * (half_m + RAILING_M), side * (half_m + DECK_EDGE_M)
    for y in np.arange(-_REACH_M, _REACH_M, _PIECE_M).tolist():
        for z in _RAILS_M:
            thick = 0.05 if z == _RAILS_M[-1] else 0.03
            sculptor.box((x - thick, y, z - thick), (x + thick, y + _PIECE_M, z + thick), Surface.STEEL)
        low, high = sorted((side * (half_m + 0.1), outer))
        sculptor.box((low, y, 0.0), (high, y + _PIECE_M, _BASE_M), Surface.CONCRETE)
        low, high = sorted((outer - side * 0.3, outer))
        sculptor.box((low, y, -_BEAM_M), (high, y + _PIECE_M, 0.0), Surface.CONCRETE_DARK)
    for y in np.arange(-_POSTS_TO_M, _POSTS_TO_M, _POSTS_EVERY_M).tolist():
        sculptor.box((x - 0.05, y - 0.04, _BASE_M), (x + 0.05, y + 0.04, _RAILS_M[-1]), Surface.STEEL_DARK)
    return sculptor.mesh()


def _arch(x: float) -> Mesh:
    sculptor = Sculptor()
    y = np.linspace(-_ARCH_SPAN_M / 2, _ARCH_SPAN_M / 2, 27)
    z = _ARCH_RISE_M * (1.0 - (2.0 * y / _ARCH_SPAN_M) ** 2)
    sculptor.tube(np.column_stack([np.full(len(y), x), y, z]), [0.55] * len(y), Surface.STEEL_DARK, sides=6)
    for at in np.arange(-_ARCH_SPAN_M / 2 + _HANGERS_EVERY_M, _ARCH_SPAN_M / 2, _HANGERS_EVERY_M).tolist():
        top = _ARCH_RISE_M * (1.0 - (2.0 * at / _ARCH_SPAN_M) ** 2)
        sculptor.tube(np.array([[x, at, -0.5], [x, at, top]]), [0.03, 0.03], Surface.STEEL, sides=4)
    return sculptor.mesh()


def _braces(half_m: float) -> Mesh:
    """Between the two arches, high above the road."""
    sculptor = Sculptor()
    for y in (-30.0, -15.0, 0.0, 15.0, 30.0):
        z = _ARCH_RISE_M * (1.0 - (2.0 * y / _ARCH_SPAN_M) ** 2)
        sculptor.tube(np.array([[-half_m, y, z], [half_m, y, z]]), [0.22, 0.22], Surface.STEEL_DARK, sides=5)
    return sculptor.mesh()
