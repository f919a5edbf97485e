"""What an incident is staged in: the row's words and what the seed draws where they leave a choice, alike for every
incident."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from its_core.clip import Geometry, Scene
from its_core.engines.simulator.optics.camera import Camera
from its_core.engines.simulator.physics.constants import TYRE_GRIP
from its_core.engines.simulator.randomness import rng_of
from its_core.engines.simulator.roads.layouts import Layout
from its_core.engines.simulator.roads.network import Network, network
from its_core.engines.simulator.roads.signals import Programme
from its_core.taxonomy import RoadSurface, TrafficDensity, Weather

Floats = NDArray[np.float64]

MARGIN = 0.04  # of the picture's width and height, kept free around an incident
CAR_M = 4.5
LOOKED_AT_M = 0.7  # above the road: the middle of a car
EDGE = 0.1  # of the picture: incidents in this frame around it are near an edge, as a fifth of real ones
NEAR_AN_EDGE = 0.5  # so often it is aimed at: cameras that see no such moment make it a fifth
MOMENT = (0.15, 0.85)  # shares of the clip between which an incident comes to its point
# Of the distribution of that point: the share of its peaks, at most and in seconds of the range; the rest is spread
# evenly. ``LATE`` of the peaks is the one at the end, another begins ``MIDDLE_BEFORE_S`` before the range's end.
# ``EARLY`` is the one at the start, by the seconds of the range: more where it is too short for two.
PEAKS, PEAKS_S = 0.85, 3.6
EARLY_RANGES_S, EARLY = (2.2, 3.4, 4.2), (0.45, 0.3, 0.08)
LATE = 0.52
MIDDLE_BEFORE_S = 2.45
EARLY_PEAK_S, MIDDLE_PEAK_S, LATE_PEAK_S = 0.5, 0.3, 0.3


@dataclass(frozen=True)
class Setting:
    """``moment`` is the share of the clip at which the incident shall come to its point; ``seed`` draws everything."""

    scene: Scene
    layout: Layout
    geometry: Geometry
    camera: Camera
    seed: int
    density: TrafficDensity
    surface: RoadSurface
    programme: Programme | None
    moment: float

    @property
    def roads(self) -> Network:
        return network(self.layout)

    @property
    def grip(self) -> float:
        return TYRE_GRIP[self.surface]

    @property
    def duration_s(self) -> float:
        return self.geometry.duration_s

    def rng(self, *words: str | int) -> np.random.Generator:
        """Random numbers of their own for each purpose, so that one draw does not move the others."""
        return rng_of("setting", self.seed, *words)


def setting_of(scene: Scene, layout: Layout, geometry: Geometry, camera: Camera, seed: int) -> Setting:
    rng = rng_of("circumstances", seed)
    density = list(TrafficDensity)[int(rng.choice(3, p=[0.3, 0.45, 0.25]))]
    greens = float(rng.uniform(14.0, 26.0)), float(rng.uniform(14.0, 26.0))
    programme = Programme(float(rng.uniform(0.0, sum(greens) + 9.0)), greens) if layout.signals else None
    moment = drawn_moment(rng, geometry.duration_s)
    return Setting(
        scene, layout, geometry, camera, seed, scene.traffic_density or density, surface_of(scene), programme, moment
    )


def drawn_moment(rng: np.random.Generator, duration_s: float, between: tuple[float, float] = MOMENT) -> float:
    """The share of a clip at which its incident comes to its point, ``between`` two others.

    No single time may be a good guess of it by ACCIDENT's score, which is a Gaussian of 1 s about the true time, and
    the first second of a clip may not say what is to come. Two peaks do both, at the end and so long before it that no
    guess serves both: what two drivers do just before they touch, from braking to the blow, hardly ever falls into the
    first second then. Of clips of 6.1 s, 12 % come to their point within 2.4 s, and the best guess scores 0.55; over
    all kinds of crash 18 % and 0.53. Clips below 5 s are too short for these peaks alone.
    """
    low, high = between
    range_s = (high - low) * duration_s
    anywhere, which, into = (float(value) for value in rng.random(3))
    if anywhere >= min(PEAKS, PEAKS_S / range_s):
        return low + (high - low) * into
    early = float(np.interp(range_s, EARLY_RANGES_S, EARLY))
    if which >= 1.0 - LATE:
        return high - into * min(LATE_PEAK_S, range_s / 2) / duration_s
    if which >= early and range_s > MIDDLE_BEFORE_S + EARLY_PEAK_S:
        return high - (MIDDLE_BEFORE_S - into * MIDDLE_PEAK_S) / duration_s
    return low + into * min(EARLY_PEAK_S, range_s / 2) / duration_s


def surface_of(scene: Scene) -> RoadSurface:
    """The surface that a row asks for, or that its weather makes likely."""
    if scene.road_surface is not None:
        return scene.road_surface
    return {Weather.RAIN: RoadSurface.WET, Weather.SNOW: RoadSurface.SNOWY}.get(scene.weather, RoadSurface.DRY)  # type: ignore[arg-type]


def apparent_share(camera: Camera, x: float, y: float) -> float:
    """The share of the picture's width that a car takes at a place, seen from the side; 0 behind the camera."""
    depth = float(camera.project(np.array([(x, y, LOOKED_AT_M)]))[0, 2])
    return CAR_M * camera.focal_px / depth / camera.width_px if depth > 0.0 else 0.0


def edge_distance(camera: Camera, x: float, y: float) -> float:
    """How far inside the picture's nearest edge a place of the road falls, as a share of its width or height."""
    across, down, _ = camera.project(np.array([(x, y, LOOKED_AT_M)]))[0]
    at = float(across) / camera.width_px, float(down) / camera.height_px
    return min(*at, 1.0 - at[0], 1.0 - at[1])


def legible(camera: Camera, x: float, y: float, smallest_share: float) -> bool:
    """Whether the camera shows a place of the road, and a car there as a large enough share of the picture's width."""
    shown = bool(in_picture(camera, np.array([(x, y, LOOKED_AT_M)]))[0])
    return shown and apparent_share(camera, x, y) >= smallest_share


def in_picture(camera: Camera, points: Floats, margin: float = MARGIN) -> NDArray[np.bool_]:
    """Which of N×3 world points the camera shows, a margin (share of width and height) inside its frame."""
    x, y, depth = camera.project(points).T
    across, down = x / camera.width_px, y / camera.height_px
    inside = (depth > 0) & (np.abs(across - 0.5) < 0.5 - margin) & (np.abs(down - 0.5) < 0.5 - margin)
    return np.asarray(inside)
