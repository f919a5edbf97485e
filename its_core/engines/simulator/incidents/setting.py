"""What every incident is staged from, and the small sums they share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from its_core.clip import Geometry, Scene
from its_core.engines.simulator.incidents.casting import Part
from its_core.engines.simulator.optics.camera import Camera
from its_core.engines.simulator.roads.layouts import Layout, Point
from its_core.engines.simulator.roads.paths import Floats
from its_core.engines.simulator.trace import Actor
from its_core.taxonomy import RoadSurface, Weather

MARGIN = 0.06  # of the picture's width and height, kept free around an incident
Choice = TypeVar("Choice")


@dataclass(frozen=True, slots=True)
class Setting:
    scene: Scene
    layout: Layout
    geometry: Geometry
    camera: Camera
    rng: np.random.Generator

    @property
    def surface(self) -> RoadSurface:
        if self.scene.road_surface is not None:
            return self.scene.road_surface
        return RoadSurface.WET if self.scene.weather is Weather.RAIN else RoadSurface.DRY

    def between(self, low: float, high: float) -> float:
        return float(self.rng.uniform(low, high))

    def moment_s(self, low: float = 0.36, high: float = 0.54) -> float:
        """When the incident shall come to its point: a time within these shares of the clip."""
        return self.between(low, high) * self.geometry.duration_s

    def seen(self, choices: Sequence[Choice], spot: Callable[[Choice], Point]) -> Choice:
        """One of ``choices`` at random, of those whose spot on the road the camera shows; any of them if it shows
        none."""
        points = np.array([(*spot(choice), 0.7) for choice in choices])
        shown = [
            choice for choice, sees in zip(choices, in_picture(self.camera, points, 2 * MARGIN), strict=True) if sees
        ]
        among = shown or choices
        return among[int(self.rng.integers(len(among)))]


def in_picture(camera: Camera, points: Floats, margin: float = MARGIN) -> NDArray[np.bool_]:
    """Which of N×3 world points the camera shows, a margin (share of width and height) inside its frame."""
    x, y, depth = camera.project(points).T
    across, down = x / camera.width_px, y / camera.height_px
    inside = (depth > 0) & (np.abs(across - 0.5) < 0.5 - margin) & (np.abs(down - 0.5) < 0.5 - margin)
    return np.asarray(inside)


def actor(number: int, part: Part) -> Actor:
    """The actor of a trace; ``number`` counts from 0."""
    return Actor(number + 1, part.type, part.colour, part.role)
