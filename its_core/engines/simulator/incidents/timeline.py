"""A stretch of ordinary traffic in which nobody errs: what incidents are looked for in, and what negatives show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.dimensions import reach_m
from its_core.engines.simulator.roads.network import Network
from its_core.engines.simulator.roads.signals import Programme
from its_core.engines.simulator.simulation.flow import STEP_S, WARM_UP_S, Flow
from its_core.engines.simulator.simulation.rails import Traffic
from its_core.engines.simulator.traffic.driver_table import numbers_of
from its_core.engines.simulator.traffic.walkers import Walker
from its_core.taxonomy import ParticipantType

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SNAPSHOT_S = 0.25
HORIZON_S = 28.0
_SHORTEST = 8  # samples of a track
_SAMPLED = ("way", "s_m", "speed", "acceleration", "aside_m")
JAM_S = 24.0  # a jam that is there from the start begins to stop and go


@dataclass(frozen=True, slots=True)
class Track:
    """One vehicle's way through the timeline: K samples from step ``first`` on, ``STEP_S`` apart."""

    number: int
    type: ParticipantType
    first: int
    way: Ints
    s_m: Floats
    speed: Floats
    acceleration: Floats
    x: Floats
    y: Floats

    @property
    def front_m(self) -> float:
        return reach_m(self.type)[0]

    @property
    def rear_m(self) -> float:
        return reach_m(self.type)[1]

    def at(self, step: int) -> int | None:
        """The number of the sample at a step of the timeline; None where the vehicle is not there."""
        index = step - self.first
        return index if 0 <= index < len(self.s_m) else None

    def passes(self, s_m: float, way: int) -> float | None:
        """When its middle reaches an arc length of a way, in steps of the timeline; None when it does not."""
        beyond = np.flatnonzero((self.s_m >= s_m) & (self.way == way))
        if not len(beyond) or beyond[0] == 0:
            return None
        i = int(beyond[0])
        if self.way[i - 1] != way:
            return None
        share = (s_m - self.s_m[i - 1]) / max(self.s_m[i] - self.s_m[i - 1], 1e-6)
        return float(self.first + i - 1 + share)


@dataclass(frozen=True, slots=True)
class Footpath:
    """One person's way through the timeline: K samples from step 0 on."""

    number: int
    x: Floats
    y: Floats
    on_road: NDArray[np.bool_]
    crosswalk: Ints  # −1: none


@dataclass(frozen=True)
class Timeline:
    """``start_s`` is the time of step 0 on the flow's clock, ``programme`` runs on the same clock."""

    roads: Network
    programme: Programme | None
    start_s: float
    steps: int
    tracks: dict[int, Track]
    people: dict[int, Footpath]
    snapshots: list[Traffic] = field(repr=False)

    def walker(self, number: int) -> Walker:
        """A person as they were at step 0: their route is of use."""
        return next(each for each in self.snapshots[0].walkers if each.number == number)

    def time_s(self, step: float) -> float:
        """Seconds since step 0."""
        return step * STEP_S

    def traffic_at(self, step: int) -> Traffic:
        """Everyone at a step, ready to be moved on; steps between snapshots are rounded down."""
        every = round(SNAPSHOT_S / STEP_S)
        return self.snapshots[min(step // every, len(self.snapshots) - 1)].copied()

    def snapshot_step(self, step: float) -> int:
        """The step of the snapshot nearest to a step, which may lie between two."""
        every = round(SNAPSHOT_S / STEP_S)
        return min(max(round(step / every), 0), len(self.snapshots) - 1) * every


def recorded(
    flow: Flow, programme: Programme | None, jams: bool = False, horizon_s: float = HORIZON_S, later_s: float = 0.0
) -> Timeline:
    """Lets a flow run, and keeps what happened after it has settled, ``later_s`` later."""
    flow.run((JAM_S if jams else WARM_UP_S) + later_s)
    start_s = flow.traffic.time_s
    steps, every = round(horizon_s / STEP_S), round(SNAPSHOT_S / STEP_S)
    came: dict[int, tuple[int, ParticipantType]] = {}
    whose: list[int] = []
    samples: list[Floats] = []
    feet: dict[int, list[tuple[float, ...]]] = {walker.number: [] for walker in flow.traffic.walkers}
    snapshots: list[Traffic] = []
    for step in range(steps):
        if step % every == 0:
            snapshots.append(flow.traffic.copied())
        drivers = flow.traffic.drivers
        for driver in drivers:
            if driver.number not in came:
                came[driver.number] = step, driver.type
        whose += [driver.number for driver in drivers]
        samples.append(numbers_of(drivers, _SAMPLED))
        for walker in flow.traffic.walkers:
            crossing = walker.crossing()
            over = crossing is not None and walker.s_m > crossing.start_m
            number = crossing.crosswalk if crossing is not None and crossing.crosswalk is not None else -1
            feet[walker.number].append((walker.x, walker.y, float(over), float(number)))
        flow.step()
    tracks = _tracks(flow.roads, came, np.array(whose), np.concatenate(samples))
    people = {number: _footpath(number, row) for number, row in feet.items()}
    return Timeline(flow.roads, programme, start_s, steps, tracks, people, snapshots)


def _tracks(
    roads: Network, came: Mapping[int, tuple[int, ParticipantType]], whose: Ints, samples: Floats
) -> dict[int, Track]:
    """Of all who are there for more than a moment."""
    found = {}
    for number, (first, type_) in came.items():
        mine = samples[whose == number]
        if len(mine) > _SHORTEST:
            found[number] = _track(roads, number, first, type_, mine)
    return found


def _track(roads: Network, number: int, first: int, type_: ParticipantType, table: Floats) -> Track:
    way = table[:, 0].astype(np.int64)
    ways = roads.ways
    start = ways.first[way]
    limit = ways.first[way + 1] - 2 - start
    at = np.clip(table[:, 1].astype(np.int64), 0, limit)
    share, i = table[:, 1] - at, start + at
    x = ways.x[i] + share * (ways.x[i + 1] - ways.x[i]) - ways.ty[i] * table[:, 4]
    y = ways.y[i] + share * (ways.y[i + 1] - ways.y[i]) + ways.tx[i] * table[:, 4]
    return Track(number, type_, first, way, table[:, 1], table[:, 2], table[:, 3], x, y)


def _footpath(number: int, rows: list[tuple[float, ...]]) -> Footpath:
    table = np.array(rows).reshape(-1, 4)
    return Footpath(number, table[:, 0], table[:, 1], table[:, 2] > 0.5, table[:, 3].astype(np.int64))


def types_of(timeline: Timeline) -> Mapping[int, ParticipantType]:
    return {number: track.type for number, track in timeline.tracks.items()}
