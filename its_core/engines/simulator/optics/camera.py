"""Fixed traffic cameras: where a camera of a given name hangs, where it looks, and how it projects.

Everything follows from ``camera_id`` and the place, so that all clips of one camera share one view.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from its_core.annotations import CameraModel
from its_core.clip import Geometry
from its_core.engines.simulator.optics.foreground import covered_shares, uprights
from its_core.engines.simulator.optics.lens import bent, grid_rays, straight_rays, straightened
from its_core.engines.simulator.portable_math import asin, atan, atan2, cos, dot, exp, log, norm, product, sin, tan
from its_core.engines.simulator.randomness import normal, rng_of
from its_core.engines.simulator.roads.bounds import off_road_m, off_roads_m, outside_m
from its_core.engines.simulator.roads.layouts import Layout
from its_core.taxonomy import CameraWord, RoadLayout

Floats = NDArray[np.float64]

_TRIES = 240
# So many masts show a car in the same size; that of the others comes nearer and nearer to the usual one. If it were
# drawn for each, sizes for which there are more good masts would win.
_SAME_SIZE_TRIES = 160
_CAR_M = 4.3  # what a car measures across the picture, seen from about any side
_TREE_CROWN_M = (4.6, 2.6)  # height of the middle of a crown, radius
_FOREGROUND_M = 15.0  # what stands nearer fills the picture: nobody would hang a camera behind a tree or a wall
_FOREGROUND_SHARE = 0.02  # of the picture, that may be filled so
_MOST_BEFORE_FOCUS = 0.25  # of the picture, that trees and buildings before the focus may fill
# Share of the picture's width that a post, an arm or a signal head may take: so much, or so much of what a car takes at
# the focus, for a near camera of a junction shows the junction's own signals as large as its cars.
_WIDEST_POST, _WIDEST_POST_OF_CAR = 0.015, 0.2


@dataclass(frozen=True, slots=True)
class Mounting:
    """Ranges a kind of place draws its cameras from: distance and height in metres."""

    distance_m: tuple[float, float]
    height_m: tuple[float, float]
    aside_m: tuple[float, float]  # between mast and carriageway
    azimuth_deg: tuple[float, float] = (0.0, 360.0)  # of the mast, seen from the focus, counter-clockwise from east
    at_edge: bool = False  # it hangs at the edge of a straight road, for there is no ground beside it


_MOUNTINGS: dict[RoadLayout, Mounting] = {
    RoadLayout.HIGHWAY: Mounting((26.0, 85.0), (7.5, 14.0), (1.5, 9.0)),
    RoadLayout.HIGHWAY_RAMP: Mounting((34.0, 90.0), (8.0, 14.0), (1.5, 9.0), azimuth_deg=(30.0, 150.0)),
    RoadLayout.WORK_ZONE: Mounting((24.0, 75.0), (7.5, 14.0), (1.5, 9.0)),
    RoadLayout.URBAN_STREET: Mounting((16.0, 60.0), (6.0, 10.5), (0.6, 5.0)),
    RoadLayout.RURAL_ROAD: Mounting((16.0, 52.0), (6.0, 11.0), (1.0, 7.0)),
    RoadLayout.TUNNEL: Mounting((18.0, 60.0), (4.7, 5.6), (0.52, 0.6), at_edge=True),
    RoadLayout.BRIDGE: Mounting((20.0, 70.0), (6.5, 12.0), (0.55, 0.75), at_edge=True),
}
_JUNCTION = Mounting((19.0, 64.0), (6.5, 13.0), (0.6, 7.0))
_FOV_DEG = (28.0, 92.0)
_FARTHEST_M = 95.0
# A car's share of the picture's width at the watched spot: quartiles. A crash, of two cars in mid-turn, is half as wide
# again, so as wide as in ACCIDENT's real footage (quartiles 5, 7.6 and 17 %).
_CAR_SHARE = (0.030, 0.038, 0.051, 0.105, 0.175)
_CAR_SHARES: dict[CameraWord, tuple[float, ...]] = {CameraWord.NEAR: (0.10, 0.20), CameraWord.FAR: (0.018, 0.034)}
# How far from the middle the watched spot falls, in widths; a fifth of all cameras have it near an edge.
_ASIDE = (0.0, 0.24)
_ASIDES: dict[CameraWord, tuple[float, float]] = {CameraWord.CENTRED: (0.0, 0.06), CameraWord.EDGE: (0.29, 0.40)}
_NEAR_AN_EDGE = 0.2
_MOST_BENT = 0.12  # of its distance from the middle that a lens moves the corner of the picture inwards
_BENT_LENSES = 0.6
_MOST_SKY, _MOST_LAWN = 0.30, 0.34  # shares of the picture that a good view stays below
_LEAST_ROAD, _ROAD_WITHIN_M = 0.16, 120.0  # and of carriageway no farther away, that it has at least
_MOST_ROAD_HIDDEN = 0.08  # of the road in the picture, that trees and buildings may hide
_WATCHED_M = 26.0  # road this near to the focus is watched
_WIDER_M = 45.0  # and this near is looked at when it is in the picture


@dataclass(frozen=True, slots=True)
class Camera:
    """A fixed camera. ``rotation`` is 3×3, world to camera (rows: right, down, forward); pixel (0, 0) has its centre at
    (0.5, 0.5). ``distortion`` holds k1 and k2 of OpenCV's lens model: a ray at distance r from the axis (over depth)
    falls on r · (1 + k1 r² + k2 r⁴)."""

    camera_id: str
    position_m: tuple[float, float, float]
    rotation: Floats
    focal_px: float
    width_px: int
    height_px: int
    distortion: tuple[float, float] = (0.0, 0.0)

    def same_view(self, other: Camera) -> bool:
        """Whether both make the same picture of the same place."""
        mine, its = (
            (each.camera_id, each.position_m, each.focal_px, each.width_px, each.height_px, each.distortion)
            for each in (self, other)
        )
        return mine == its and bool(np.array_equal(self.rotation, other.rotation))

    def mirrored(self) -> Camera:
        """The camera's mirror image under the ground: it sees what a sheet of water there mirrors."""
        x, y, z = self.position_m
        return replace(self, position_m=(x, y, -z), rotation=self.rotation * np.array([1.0, 1.0, -1.0]))

    def placed(self, points: NDArray[np.floating]) -> Floats:
        """World points N×3 (metres) in the camera's frame (right, down, forward), bent as the lens bends their rays:
        what remains is a pinhole's projection."""
        return bent(
            np.ascontiguousarray(points), np.array(self.position_m), self.rotation, *self.distortion, self.bend_edge
        )

    @property
    def bend_edge(self) -> float:
        """Rays farther from the axis than this lie well outside the picture; the lens bends them no further."""
        half = 0.5 * math.sqrt(self.width_px**2 + self.height_px**2) / self.focal_px
        return 1.25 * straightened(half, *self.distortion)

    def project(self, points: NDArray[np.floating]) -> Floats:
        """World points N×3 (metres) to N×3: x and y in pixels (y down), depth in metres (≤ 0: behind the camera)."""
        seen = self.placed(points)
        depth = seen[:, 2]
        scale = self.focal_px / np.where(np.abs(depth) < 1e-9, 1e-9, depth)
        return np.column_stack([seen[:, 0] * scale + self.width_px / 2, seen[:, 1] * scale + self.height_px / 2, depth])

    def rays(self, x_px: NDArray[np.floating], y_px: NDArray[np.floating]) -> NDArray[np.float32]:
        """Directions …×3 (world, not normalised, one metre deep) through pixel coordinates."""
        across = (np.asarray(x_px, np.float64) - self.width_px / 2) / self.focal_px
        down = (np.asarray(y_px, np.float64) - self.height_px / 2) / self.focal_px
        across, down = np.broadcast_arrays(across, down)
        rays: NDArray[np.float32] = straight_rays(
            np.ascontiguousarray(across), np.ascontiguousarray(down), self.rotation, *self.distortion
        )
        return rays

    def pixel_rays(self, top: int = 0, low: int | None = None) -> NDArray[np.float32]:
        """``rays`` through the middles of all pixels of the rows from ``top`` to before ``low``; by default, of all."""
        low = self.height_px if low is None else low
        across: Floats = (np.arange(self.width_px, dtype=np.float64) + 0.5 - self.width_px / 2) / self.focal_px
        down: Floats = (np.arange(top, low, dtype=np.float64) + 0.5 - self.height_px / 2) / self.focal_px
        return grid_rays(across, down, self.rotation, *self.distortion)

    def model(self, shifts_px: Sequence[Sequence[float]] = ()) -> CameraModel:
        """The camera as the annotations publish it. ``shifts_px``: of each frame, to the right and down, where it
        shakes."""
        translation = -product(self.rotation, np.array(self.position_m))
        world_to_camera = np.eye(4)
        world_to_camera[:3, :3], world_to_camera[:3, 3] = self.rotation, translation
        focal = self.focal_px
        intrinsics = [[focal, 0.0, self.width_px / 2], [0.0, focal, self.height_px / 2], [0.0, 0.0, 1.0]]
        return CameraModel(
            intrinsics=intrinsics,
            world_to_camera=[[float(value) for value in row] for row in world_to_camera],
            width_px=self.width_px,
            height_px=self.height_px,
            distortion=[*self.distortion, 0.0, 0.0] if any(self.distortion) else [],
            shifts_px=[(round(x, 3), round(y, 3)) for x, y in shifts_px],
        )


def camera_for(camera_id: str, layout: Layout, geometry: Geometry, words: Sequence[CameraWord] = ()) -> Camera:
    """The camera of that name at that place: of many masts a town might have put up, the best of the first few whose
    view of ``layout.focus_m`` and the roads around it is free, and which looks at road, not at lawn or sky. ``words``
    ask for one that sees the focus near, far, centred or near an edge."""
    rng = rng_of("camera", camera_id, layout.name.value)
    mounting = _MOUNTINGS.get(layout.name, _JUNCTION)
    road, posts = _road_points(layout), uprights(layout)
    drawn = float(rng.random())
    best: tuple[float, Camera] | None = None
    for number in range(_TRIES):
        place = 0.5 + (drawn - 0.5) * min((_TRIES - number - 1) / (_TRIES - _SAME_SIZE_TRIES), 1.0)
        candidate = _draw(camera_id, layout, mounting, geometry, words, _car_share(words, place), rng)
        score = _score(candidate, layout, mounting, road, posts, -math.inf if best is None else best[0])
        if best is None or score > best[0]:
            best = (score, candidate)
        if score >= 0.9:
            break
    assert best is not None
    return best[1]


def _car_share(words: Sequence[CameraWord], place: float) -> float:
    """A car's share of the picture's width at the focus; ``place``: 0 for the least, 1 for the largest."""
    shares = next((_CAR_SHARES[word] for word in words if word in _CAR_SHARES), _CAR_SHARE)
    return float(exp(np.interp(place, np.linspace(0.0, 1.0, len(shares)), log(np.array(shares)))))


def _draw(
    camera_id: str,
    layout: Layout,
    mounting: Mounting,
    geometry: Geometry,
    words: Sequence[CameraWord],
    share: float,
    rng: np.random.Generator,
) -> Camera:
    """A mast somewhere about the focus, whose lens makes a car there ``share`` of the picture's width."""
    distance = float(exp(rng.uniform(*log(np.array(mounting.distance_m)))))
    # A wide lens makes a car no smaller than this: for less, the mast stands farther away.
    least = _CAR_M / (2.0 * share * float(tan(math.radians(_FOV_DEG[1]) / 2.0)))
    distance = max(distance, min(least, _FARTHEST_M))
    from_deg, to_deg = mounting.azimuth_deg
    azimuth = rng.uniform(math.radians(from_deg), math.radians(to_deg))
    height = rng.uniform(*mounting.height_m)
    focus = np.array([*layout.focus_m, 0.6])
    position = focus + np.array([distance * cos(azimuth), distance * sin(azimuth), height - 0.6])
    if mounting.at_edge:
        position[:2] = _at_edge(layout, mounting, distance, azimuth, rng)
    slant = float(norm(position - focus))
    fov = math.degrees(2.0 * atan(_CAR_M / (2.0 * share * slant)))
    fov = min(max(fov, _FOV_DEG[0]), _FOV_DEG[1])
    focal = float(0.5 / tan(math.radians(fov) / 2.0))  # in frame widths
    edge = float(rng.random()) < _NEAR_AN_EDGE
    aside = next((_ASIDES[word] for word in words if word in _ASIDES), _ASIDES[CameraWord.EDGE] if edge else _ASIDE)
    at_x = float(rng.uniform(*aside)) * (1.0 if rng.random() < 0.5 else -1.0)
    at_y = float(rng.uniform(-0.08, 0.13))
    rotation = _looking(position, focus, at_x / focal, at_y / focal, math.radians(normal(rng, 0.0, 0.8)))
    return Camera(
        camera_id,
        (float(position[0]), float(position[1]), float(position[2])),
        rotation,
        focal * geometry.width_px,
        geometry.width_px,
        geometry.height_px,
        _bend(rng, focal * geometry.width_px, geometry),
    )


def _at_edge(
    layout: Layout, mounting: Mounting, distance: float, azimuth: float, rng: np.random.Generator
) -> tuple[float, float]:
    """x and y of a place at that distance from the focus beside a road along y, on the side that ``azimuth`` says."""
    x1, _, x2, _ = layout.carriageways[0]
    aside = float(rng.uniform(*mounting.aside_m))
    x = x2 + aside if cos(azimuth) > 0.0 else x1 - aside
    across = x - layout.focus_m[0]
    along = math.sqrt(max(distance * distance - across * across, 25.0))
    return x, layout.focus_m[1] + (along if sin(azimuth) > 0.0 else -along)


def _bend(rng: np.random.Generator, focal_px: float, geometry: Geometry) -> tuple[float, float]:
    """Barrel distortion that moves the picture's corners by up to ``_MOST_BENT``; none for some lenses."""
    strength = float(rng.uniform(0.02, _MOST_BENT)) if rng.random() < _BENT_LENSES else 0.0
    corner = 0.25 * (geometry.width_px**2 + geometry.height_px**2) / focal_px**2
    return (-strength / corner, 0.0) if strength else (0.0, 0.0)


def _looking(position: Floats, target: Floats, across: float, down: float, roll: float) -> Floats:
    """World-to-camera rotation that shows the target at the given tangents from the middle of the picture."""
    ahead = (target - position) / norm(target - position)
    yaw = atan2(ahead[0], ahead[1]) - atan(across)
    pitch = asin(ahead[2]) + atan(down)
    forward = np.array([sin(yaw) * cos(pitch), cos(yaw) * cos(pitch), sin(pitch)])
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= norm(right)
    below = np.cross(forward, right)
    turned = cos(roll) * right + sin(roll) * below
    return np.stack([turned, np.cross(forward, turned), forward])


def _road_points(layout: Layout) -> Floats:
    """Road points (N×3) within ``_WIDER_M`` of the focus, a few metres apart."""
    focus = np.array(layout.focus_m)
    points = np.concatenate([np.array(lane.points)[::4] for lane in layout.worn_lanes])
    near = points[norm(points - focus) < _WIDER_M]
    return np.column_stack([near, np.full(len(near), 0.8)])


def _score(
    camera: Camera, layout: Layout, mounting: Mounting, road: Floats, posts: Floats, to_beat: float = -math.inf
) -> float:
    """1 for a mast that stands beside the road with all that it watches free and in the picture, less for less. The
    dearest terms are left out once the score cannot reach ``to_beat`` any more."""
    x, y, _ = camera.position_m
    clear = off_road_m(layout, x, y)
    if clear < mounting.aside_m[0] or any(outside_m(house.rect, x, y) < 1.5 for house in layout.buildings):
        return -1.0
    score = _free_share(camera, layout, road) - max(0.0, clear - mounting.aside_m[1]) / 10.0
    if score <= to_beat:
        return score
    sky, lawn, road_share = _shares(camera, layout)
    score -= 2.0 * (max(0.0, sky - _MOST_SKY) + max(0.0, lawn - _MOST_LAWN))
    score -= 4.0 * max(0.0, _LEAST_ROAD - road_share)
    size_px = camera.width_px, camera.height_px
    covered = covered_shares(camera.project(posts[:, :3]), posts[:, 3], camera.focal_px, size_px)
    eye = np.array(camera.position_m)
    focus_m = float(norm(eye - np.array([*layout.focus_m, 0.0])))
    car_share = _CAR_M * camera.focal_px / focus_m / camera.width_px
    if covered.max(initial=0.0) > max(_WIDEST_POST, _WIDEST_POST_OF_CAR * car_share):
        score -= 1.0
    if score <= to_beat:
        return score
    score -= 2.0 * max(0.0, _filled_share(camera, layout, _FOREGROUND_M) - _FOREGROUND_SHARE)
    return score - 2.0 * max(0.0, _filled_share(camera, layout, focus_m) - _MOST_BEFORE_FOCUS)


def _free_share(camera: Camera, layout: Layout, road: Floats) -> float:
    """How much of the road about the focus the camera shows, 1 for enough; less where trees and buildings hide more
    than a little of the road that is in the picture."""
    seen = camera.project(road)
    inside = (
        (seen[:, 2] > 1.0)
        & (np.abs(seen[:, 0] / camera.width_px - 0.5) < 0.5)
        & (np.abs(seen[:, 1] / camera.height_px - 0.5) < 0.5)
    )
    hidden = inside.copy()
    hidden[inside] = hidden_by_scenery(np.array(camera.position_m), road[inside], layout)
    good = inside & ~hidden
    away = norm(road[:, :2] - np.array(layout.focus_m))
    near = away < 11.0
    near_share = float(good[near].mean()) if near.any() else 1.0
    hidden_share = float(hidden.sum()) / max(int(inside.sum()), 1)
    free = min(1.0, near_share) * (0.6 + 0.4 * min(1.0, float(good[away < _WATCHED_M].mean()) / 0.55))
    return free - 2.0 * max(0.0, hidden_share - _MOST_ROAD_HIDDEN)


def _shares(camera: Camera, layout: Layout) -> tuple[float, float, float]:
    """Shares of the picture: sky, ground off the roads and their pavements, and carriageway near enough to be watched.
    In the first two nothing can happen."""
    x, y = np.meshgrid((np.arange(24) + 0.5) / 24 * camera.width_px, (np.arange(14) + 0.5) / 14 * camera.height_px)
    rays = camera.rays(x, y).reshape(-1, 3).astype(np.float64)
    eye = np.array(camera.position_m)
    down = rays[:, 2] < -1e-3
    reach = np.where(down, eye[2] / np.maximum(-rays[:, 2], 1e-3), 300.0)
    points = eye + np.minimum(reach, 300.0)[:, None] * rays
    free = ~_hidden_by_buildings(eye, points, layout)
    beside = off_roads_m(layout, points[:, 0], points[:, 1])
    lawn = down & free & (beside > layout.pavement_m + 2.0)
    road = down & free & (beside <= 0.0) & (reach < _ROAD_WITHIN_M)
    return float((~down & free).mean()), float(lawn.mean()), float(road.mean())


def _filled_share(camera: Camera, layout: Layout, within_m: float) -> float:
    """The share of the picture that trees and buildings nearer than ``within_m`` fill."""
    x, y = np.meshgrid((np.arange(24) + 0.5) / 24 * camera.width_px, (np.arange(14) + 0.5) / 14 * camera.height_px)
    rays = camera.rays(x, y).reshape(-1, 3).astype(np.float64)
    eye = np.array(camera.position_m)
    reached = eye + within_m * rays / norm(rays)[:, None]
    return float(hidden_by_scenery(eye, reached, layout).mean())


def hidden_by_scenery(eye: Floats, points: Floats, layout: Layout) -> NDArray[np.bool_]:
    """Which of N points (metres, [N, 3]) a building or the crown of a tree hides from the eye."""
    return _hidden_by_buildings(eye, points, layout) | _hidden_by_trees(eye, points, layout)


def _hidden_by_buildings(eye: Floats, points: Floats, layout: Layout) -> NDArray[np.bool_]:
    hidden = np.zeros(len(points), dtype=bool)
    towards = points - eye
    safe = np.where(np.abs(towards) < 1e-9, 1e-9, towards)
    for house in layout.buildings:
        x1, y1, x2, y2 = house.rect
        low, high = np.array([x1, y1, 0.0]), np.array([x2, y2, house.height_m])
        a, b = (low - eye) / safe, (high - eye) / safe
        enter, leave = np.minimum(a, b).max(axis=1), np.maximum(a, b).min(axis=1)
        hidden |= (enter < leave) & (leave > 0.0) & (enter < 1.0)
    return hidden


def _hidden_by_trees(eye: Floats, points: Floats, layout: Layout) -> NDArray[np.bool_]:
    hidden = np.zeros(len(points), dtype=bool)
    height, radius = _TREE_CROWN_M
    towards = points - eye
    length = (towards**2).sum(axis=1)
    for tree in layout.trees:
        middle = np.array([*tree, height]) - eye
        along = np.clip(dot(towards, middle) / length, 0.0, 1.0)
        hidden |= norm(along[:, None] * towards - middle) < radius
    return hidden
