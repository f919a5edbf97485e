"""Street lamps that a vehicle has run into: they lean, or break at their foot and fall away from it.

Posts bend or break by design (breakaway supports of the AASHTO LRFD specifications for luminaires; EN 12767): a light
blow leaves a lean, a hard one shears the base. The lamp goes out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator import portable_math as pm
from its_core.engines.simulator.meshes.mesh import Mesh, turned
from its_core.engines.simulator.meshes.street_furniture import LAMP_HEIGHT_M, LAMP_REACH_M, LUMINAIRE_M, street_lamp
from its_core.engines.simulator.physics.constants import GRAVITY_MPS2
from its_core.engines.simulator.randomness import rng_of
from its_core.engines.simulator.roads.layouts import Layout, Point
from its_core.engines.simulator.scenery.build import towards_road
from its_core.engines.simulator.trace import Trace

Floats = NDArray[np.float64]

_NEAR_M = 1.2  # from the struck point to the foot
_LEAST_MPS = 2.0  # change of the vehicle's velocity from which a post gives way
_BREAKS_MPS, _BREAKS_SHARE = 8.0, 0.65  # from here on so many posts break
_LEANS_RAD, _PER_MPS_RAD, _MOST_RAD = 0.05, 0.045, 0.5
_SETTLES_S, _SWINGS_S = 0.15, 0.6
_ASIDE_RAD = 0.35  # how far off the blow's direction a post leans or falls, at most
_STARTS_RAD, _STARTS_RADPS = 0.14, 0.55  # of a post that falls
_LIES_RAD = 1.53
_HINGE_M = 0.15
_STEP_S = 1.0 / 240.0


@dataclass(frozen=True, slots=True)
class StruckPost:
    """``frame``: the first in which it has moved; ``way``: the unit vector along which it leans by ``lean_rad`` in the
    end; ``falls``: as a rod that has broken off."""

    foot: Point
    time_s: float
    frame: int
    way: tuple[float, float]
    lean_rad: float
    falls: bool
    arm: tuple[float, float]  # the unit vector along which its arm reaches

    def angle_rad(self, time_s: float) -> float:
        """How far it leans at a time of the clip."""
        age_s = time_s - self.time_s
        if age_s <= 0.0:
            return 0.0
        if not self.falls:
            swing = float(pm.exp(-age_s / _SETTLES_S)) * float(pm.cos(2.0 * np.pi * age_s / _SWINGS_S))
            return self.lean_rad * (1.0 - swing)
        angle, speed = _STARTS_RAD * min(age_s / 0.06, 1.0), _STARTS_RADPS
        for _ in range(int(age_s / _STEP_S)):
            speed += 1.5 * GRAVITY_MPS2 / LAMP_HEIGHT_M * float(pm.sin(angle)) * _STEP_S
            angle += speed * _STEP_S
            if angle >= self.lean_rad:
                return self.lean_rad
        return angle


def struck_posts(trace: Trace, layout: Layout) -> list[StruckPost]:
    """Of a clip, in the order of time."""
    found: dict[Point, StruckPost] = {}
    for contact in trace.contacts:
        if contact.thing != "pole" or max(contact.delta_v_mps) < _LEAST_MPS:
            continue
        x, y, _ = contact.point_m
        foot = min(layout.street_lamps, key=lambda at: math.dist(at, (x, y)), default=None)
        if foot is None or math.dist(foot, (x, y)) > _NEAR_M or foot in found:
            continue
        found[foot] = _struck(foot, contact.time_s, contact.frame, contact.normal, max(contact.delta_v_mps), layout)
    return sorted(found.values(), key=lambda post: post.time_s)


def _struck(
    foot: Point, time_s: float, frame: int, push: tuple[float, float, float], blow_mps: float, layout: Layout
) -> StruckPost:
    """``push``: along which the vehicle is pushed, so away from the post."""
    rng = rng_of("post", round(1000 * foot[0]), round(1000 * foot[1]), round(1000 * time_s))
    aside = float(rng.uniform(-_ASIDE_RAD, _ASIDE_RAD))
    cosine, sine = float(pm.cos(aside)), float(pm.sin(aside))
    length = max(math.sqrt(push[0] * push[0] + push[1] * push[1]), 1e-6)
    x, y = -push[0] / length, -push[1] / length
    way = (cosine * x - sine * y, sine * x + cosine * y)
    arm = towards_road(layout, foot)
    if blow_mps > _BREAKS_MPS and float(rng.random()) < _BREAKS_SHARE:
        # It comes to lie on its arm, where that points down.
        under_m = (LAMP_REACH_M + LUMINAIRE_M) * (arm[0] * way[0] + arm[1] * way[1])
        lies = min(_LIES_RAD, float(pm.atan2(LAMP_HEIGHT_M, under_m))) if under_m > 0.0 else _LIES_RAD
        return StruckPost(foot, time_s, frame, way, lies, True, arm)
    lean = min(_LEANS_RAD + _PER_MPS_RAD * (blow_mps - _LEAST_MPS), _MOST_RAD) * float(rng.uniform(0.8, 1.2))
    return StruckPost(foot, time_s, frame, way, lean, False, arm)


def upright_post(post: StruckPost) -> Mesh:
    """The post about its foot, its lamp out."""
    return street_lamp(post.arm, False)


def leaning(mesh: Mesh, post: StruckPost, time_s: float) -> Mesh:
    """The post as it stands at a time, world frame."""
    angle = post.angle_rad(time_s)
    sine, cosine = float(pm.sin(angle)), float(pm.cos(angle))
    wx, wy = post.way
    # A turn about the horizontal axis across the way (Rodrigues' formula).
    turn = np.array(
        [
            [1.0 + (cosine - 1.0) * wx * wx, (cosine - 1.0) * wx * wy, sine * wx],
            [(cosine - 1.0) * wx * wy, 1.0 + (cosine - 1.0) * wy * wy, sine * wy],
            [-sine * wx, -sine * wy, cosine],
        ],
        np.float32,
    )
    hinge = np.array([0.0, 0.0, 0.0 if post.falls else _HINGE_M], np.float32)
    vertices = turned(mesh.vertices - hinge, turn) + hinge
    if not post.falls:
        vertices = np.where(mesh.vertices[:, 2:] < _HINGE_M, mesh.vertices, vertices)
    vertices = vertices + np.array([*post.foot, 0.0], np.float32)
    vertices[:, 2] = np.maximum(vertices[:, 2], 0.0)
    return Mesh(
        vertices.astype(np.float32), turned(mesh.normals, turn), mesh.slots, mesh.parts, mesh.welds, mesh.triangles
    )
