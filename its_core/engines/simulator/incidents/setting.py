"""What every incident is staged from, and the small sums they share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from its_core.clip import Geometry, Scene
from its_core.engines.simulator.incidents.casting import Part
from its_core.engines.simulator.layouts import Lane, Layout
from its_core.engines.simulator.trace import Actor
from its_core.taxonomy import RoadSurface, Weather


@dataclass(frozen=True, slots=True)
class Setting:
    scene: Scene
    layout: Layout
    geometry: Geometry
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

    def lane(self, name: str) -> Lane:
        return next(lane for lane in self.layout.lanes if lane.name == name)


def actor(number: int, part: Part) -> Actor:
    """The actor of a trace; ``number`` counts from 0."""
    return Actor(number + 1, part.type, part.colour, part.role)
