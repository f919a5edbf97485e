"""What everyone on the road can see at one moment, and the questions drivers and pedestrians ask about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator import portable_math as pm
from its_core.engines.simulator.dimensions import PEDESTRIAN_RADIUS_M
from its_core.engines.simulator.roads.paths import Floats, Path
from its_core.engines.simulator.traffic.time_to_collision import time_to_reach_s

ELBOW_ROOM_M = 0.3  # kept clear on either side of one's own width
LONGEST_M = 5.0  # nothing whose middle is farther from one's way than this reaches into it
CLAIM_M = 1.0  # a person this close to a car's way over a crosswalk has claimed it
COMING_S = 4.5  # gives way to cars that are nearer than this


@dataclass(slots=True)
class Surroundings:
    """N actors, the first V of them vehicles. ``positions``, ``velocities``, ``forward`` are N×2, ``half`` N×2 (half
    length, half width). Of the vehicles: ``lanes`` names each one's lane, ``paths`` are their lines, ``arcs`` and
    ``asides`` where on them they are, ``accelerations`` what they are about to do. ``meetings`` maps two lanes' names
    to the arc lengths at which the first meets the second. ``blocked``: a wreck lies in the junction. ``signals``:
    the aspect of every head."""

    time_s: float
    positions: Floats
    velocities: Floats
    forward: Floats
    half: Floats
    walking: NDArray[np.bool_]
    wrecked: NDArray[np.bool_]
    lanes: tuple[str, ...]
    paths: tuple[Path, ...]
    arcs: Floats
    asides: Floats
    accelerations: Floats
    meetings: Mapping[tuple[str, str], tuple[float, float]]
    signals: NDArray[np.int8]
    blocked: bool
    outlines: Floats = field(init=False)  # N×5×2: the corners of each body and its middle

    def __post_init__(self) -> None:
        along = self.forward * self.half[:, :1]
        left = np.column_stack([-self.forward[:, 1], self.forward[:, 0]]) * self.half[:, 1:]
        corners = [self.positions + i * along + j * left for i in (-1, 1) for j in (-1, 1)]
        self.outlines = np.stack([*corners, self.positions], axis=1)

    @property
    def forward_mps(self) -> Floats:
        speeds: Floats = (self.velocities * self.forward).sum(-1)
        return speeds

    def ahead(
        self, own: int, path: Path, s_m: float, aside_m: float, horizon_m: float, sees_people: bool
    ) -> Iterator[tuple[float, float]]:
        """Gap (bumper to bumper, metres) and speed along the path of everything that stands or moves in one's way."""
        s, lateral = path.project(self.positions, s_m - 12.0, s_m + horizon_m)
        near = (s > s_m) & (s < s_m + horizon_m + 6.0) & (np.abs(lateral) < LONGEST_M)
        near[own] = False
        if not sees_people:
            near &= ~self.walking
        others = np.flatnonzero(near)
        if len(others) == 0:
            return
        outlines = self.outlines[others].reshape(-1, 2)
        s, lateral = (values.reshape(-1, 5) for values in path.project(outlines, s_m - 12.0, s_m + horizon_m))
        room = self.half[own, 1] + ELBOW_ROOM_M
        left, right = max(aside_m, 0.0) + room, min(aside_m, 0.0) - room
        in_way = (lateral.min(1) < left) & (lateral.max(1) > right) & (s.min(1) < s_m + horizon_m)
        for other in np.flatnonzero(in_way):
            first = float(s[other].min())
            along = float(pm.dot(self.velocities[others[other]], path.direction(first)))
            yield first - s_m - float(self.half[own, 0]), max(along, 0.0)

    def claimed(self, path: Path, start_m: float, end_m: float, half_width_m: float) -> bool:
        """Whether someone is on the stretch of a crosswalk that a car would drive over, or about to step into its
        way."""
        people = np.flatnonzero(self.walking & ~self.wrecked)
        if len(people) == 0:
            return False
        s, lateral = path.project(self.positions[people], start_m - 4.0, end_m + 4.0)
        tangent = path.direction((start_m + end_m) / 2)
        sideways = pm.dot(self.velocities[people], np.array([-tangent[1], tangent[0]]))
        near = (s > start_m - 0.6) & (s < end_m + 0.6)
        reach = half_width_m + CLAIM_M + PEDESTRIAN_RADIUS_M
        coming = np.abs(lateral + 1.4 * sideways) < np.maximum(np.abs(lateral), reach)
        # One and a half seconds of walking decide whether someone will be in the way.
        crossing = np.sign(lateral) != np.sign(lateral + 1.6 * sideways)
        inside = np.abs(lateral) < reach
        return bool((near & ((inside & coming) | crossing)).any())

    def gives_way(self, own: int, to: tuple[str, ...]) -> bool:
        """Whether a car on one of the lanes ``to`` will be where this one wants to cross within a few seconds."""
        speeds = self.forward_mps
        for other, lane in enumerate(self.lanes):
            meeting = self.meetings.get((self.lanes[own], lane)) if lane in to and other != own else None
            if meeting is None:
                continue
            left_m = meeting[1] - self.arcs[other]
            if -4.0 < left_m < max(float(speeds[other]), 2.0) * COMING_S:
                return True
        return False

    def threat(self, person: int, within_s: float) -> Floats | None:
        """The direction (unit vector) out of the way of a vehicle that is about to reach a person; None when none
        is."""
        speeds = self.forward_mps
        for number, path in enumerate(self.paths):
            away = self.positions[person] - self.positions[number]
            if speeds[number] < 1.5 or float(pm.norm(away)) > 30.0 or float(pm.dot(away, self.forward[number])) < 0:
                continue
            reach_s = time_to_reach_s(
                path,
                float(self.arcs[number]),
                float(self.asides[number]),
                self.half[number],
                float(speeds[number]),
                self.positions[person],
                self.velocities[person],
                min(float(self.accelerations[number]), 0.0),
            )
            if reach_s < within_s:
                s, lateral = path.project(
                    self.positions[person][None], self.arcs[number] - 5.0, self.arcs[number] + 40.0
                )
                tangent = path.direction(float(s[0]))
                side = 1.0 if lateral[0] > self.asides[number] else -1.0
                return np.array([-tangent[1], tangent[0]]) * side
        return None
