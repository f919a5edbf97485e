"""The ground and whatever a vehicle can run into, as Bullet bodies named by what they are."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

from panda3d.bullet import (
    BulletBoxShape,
    BulletCylinderShape,
    BulletPlaneShape,
    BulletRigidBodyNode,
    ZUp,
)
from panda3d.core import BitMask32, Point3, TransformState, Vec3

from its_core.engines.simulator.portable_math import atan2
from its_core.engines.simulator.roads.layouts import ISLAND_CORE, Layout
from its_core.engines.simulator.roads.paths import straight

GROUND = "ground"
POSTS = ("pole", "tree")
BARRIER_PIECE_M = 6  # Bullet finds no sensible normal on a box that is hundreds of metres long and 30 cm thick


def standing(layout: Layout) -> Iterator[tuple[BulletRigidBodyNode, Point3]]:
    ground = BulletRigidBodyNode(GROUND)
    ground.addShape(BulletPlaneShape(Vec3(0, 0, 1), 0))
    ground.setFriction(0.7)
    ground.setIntoCollideMask(BitMask32.allOn() ^ BitMask32.bit(1))
    yield ground, Point3(0, 0, 0)
    for building in layout.buildings:
        x1, y1, x2, y2 = building.rect
        middle = Point3((x1 + x2) / 2, (y1 + y2) / 2, building.height_m / 2)
        yield _box("building", x2 - x1, y2 - y1, building.height_m), middle
    for start, end in layout.barriers:
        corners = [*straight(start, end)[::BARRIER_PIECE_M], end]
        for (x1, y1), (x2, y2) in pairwise(corners):
            along_x, along_y = abs(x2 - x1), abs(y2 - y1)
            if min(along_x, along_y) < 0.3:
                node = _box("barrier", max(along_x, 0.3), max(along_y, 0.3), 0.85)
            else:
                node = _box("barrier", math.dist((x1, y1), (x2, y2)), 0.3, 0.85, float(atan2(y2 - y1, x2 - x1)))
            yield node, Point3((x1 + x2) / 2, (y1 + y2) / 2, 0.425)
    for disc in layout.islands:
        if disc.radius_m > 3.0:
            yield _post("island", ISLAND_CORE * disc.radius_m, 1.6), Point3(*disc.centre, 0.8)
    posts = [(point, 0.16, "tree") for point in layout.trees]
    posts += [(point, 0.1, "pole") for point in layout.street_lamps]
    posts += [(point, 0.13, "pole") for point in layout.poles]
    posts += [(point, 0.13, "pole") for point in sorted({signal.mast_m for signal in layout.signals})]
    for (x, y), radius_m, name in posts:
        yield _post(name, radius_m, 5.0), Point3(x, y, 2.5)


def outline(node: BulletRigidBodyNode, at: Point3) -> tuple[float, float, float, float, float, float]:
    """The rectangle that a thing (not the ground) covers, from above: its middle, the unit vector along it, half its
    length and half its width, metres."""
    shape, ahead = node.getShape(0), node.getShapeTransform(0).getQuat().getForward()
    assert isinstance(shape, BulletBoxShape | BulletCylinderShape)
    half = shape.getHalfExtentsWithMargin()
    return at.x, at.y, ahead.x, ahead.y, half.y, half.x


def _post(name: str, radius_m: float, height_m: float) -> BulletRigidBodyNode:
    node = BulletRigidBodyNode(name)
    node.addShape(BulletCylinderShape(radius_m, height_m, ZUp))
    node.setFriction(0.7)
    return node


def _box(name: str, x_m: float, y_m: float, z_m: float, turn_rad: float = 0.0) -> BulletRigidBodyNode:
    node = BulletRigidBodyNode(name)
    turned = (
        TransformState.makeHpr(Vec3(math.degrees(turn_rad), 0.0, 0.0)) if turn_rad else TransformState.makeIdentity()
    )
    node.addShape(BulletBoxShape(Vec3(x_m / 2, y_m / 2, z_m / 2)), turned)
    node.setFriction(0.7)
    return node
