"""The lanes of a place packed for compiled code: every way resampled a metre apart, where ways meet, where they cross
crosswalks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count as counted
from operator import itemgetter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.compilation import inline, kernel
from its_core.engines.simulator.portable_math import atan2_scalar
from its_core.engines.simulator.roads.lane_table import LaneTable, lane_table
from its_core.engines.simulator.roads.layouts import U_TURN, Crosswalk, Lane, Layout
from its_core.engines.simulator.roads.paths import Path

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

JUNCTION_M = 85.0  # crosswalks farther behind a stop line belong to another junction
USUAL_BEND_MPS2 = 2.4  # the sideways pull that suits most drivers
_STRETCH = 8  # vertices that are looked at, or left out, together
NEAR_M = 1.9  # two ways this close overlap: cars on them cannot pass each other


class Ways(NamedTuple):
    """P ways one after another in arrays of K vertices, a metre apart: ``first`` P+1 where each begins; ``bend``
    unsigned curvature, 1/m."""

    first: Ints
    x: Floats
    y: Floats
    tx: Floats
    ty: Floats
    bend: Floats


@dataclass(frozen=True, slots=True)
class Stretch:
    """Where a way runs over a crosswalk: number of the stretch in its network and of the crosswalk, arc lengths
    (metres)."""

    number: int
    crosswalk: int
    start_m: float
    end_m: float


@dataclass(frozen=True, slots=True)
class Crossing:
    """Where two ways first come within reach of each other's middle: arc lengths on both, and the angle between them
    (degrees: 0 the same way, 180 head on; above 0 the other comes from the right)."""

    way: int
    other: int
    s_m: float
    other_s_m: float
    angle_deg: float


@dataclass(frozen=True)
class Network:
    """``index`` by a lane's name. ``stretches`` are each way's crosswalks in its own order; ``exits_m``: where each way
    has left the junction behind its stop line (infinite: there is none); ``phases`` of each signal head."""

    lanes: tuple[Lane, ...]
    ways: Ways
    index: dict[str, int]
    stretches: tuple[tuple[Stretch, ...], ...]
    exits_m: tuple[float, ...] = ()
    phases: tuple[int, ...] = ()
    meetings: dict[tuple[int, int], tuple[float, float] | None] = field(default_factory=dict)
    crossed: list[Crossing] = field(default_factory=list)
    capped: dict[tuple[int, int], Floats] = field(default_factory=dict)
    spans: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)
    flat: list[Floats] = field(default_factory=list)  # what ``flat_caps`` gave last; empty once a span has come
    shared: dict[tuple[int, int], float] = field(default_factory=dict)

    @cached_property
    def stretch_rows(self) -> Floats:
        """C×3, in the order of their numbers: of each stretch its way, and its two arc lengths."""
        rows = [(way, each.start_m, each.end_m) for way, mine in enumerate(self.stretches) for each in mine]
        return np.array(rows, np.float64).reshape(-1, 3)

    @cached_property
    def first_stretch(self) -> Ints:
        """P+1: where each way's crosswalks begin among the rows."""
        return np.cumsum([0, *(len(mine) for mine in self.stretches)])

    @cached_property
    def table(self) -> LaneTable:
        return lane_table(self.lanes, self.exits_m, self.index, self.meeting)

    @cached_property
    def _lengths_m(self) -> list[float]:
        return (np.diff(self.ways.first) - 1).astype(np.float64).tolist()  # type: ignore[no-any-return]

    def length_m(self, way: int) -> float:
        return self._lengths_m[way]

    def place(self, way: int, s_m: float, aside_m: float = 0.0) -> tuple[float, float, float, float]:
        """x, y, and the unit vector ahead of a point of a way; left of it is positive."""
        return place_on(self.ways, way, s_m, aside_m)

    def project(self, way: int, x: float, y: float) -> tuple[float, float]:
        """Arc length and distance to the left of a point."""
        return project_on(self.ways, way, x, y, 0.0, self.length_m(way))

    def crossings(self) -> tuple[Crossing, ...]:
        """Of every two ways that come from different lanes and cross or join."""
        if not self.crossed:
            self.crossed.extend(_crossings(self))
        return tuple(self.crossed)

    def caps(self, way: int, bend_mps2: float) -> Floats:
        """The speed that bends allow at each vertex, m/s, braked for in time; ``bend_mps2`` in steps of a fifth."""
        key = (way, round(5.0 * bend_mps2))
        if key not in self.capped:
            first, last = self.ways.first[way], self.ways.first[way + 1]
            bend, slows = self.ways.bend[first:last], self.lanes[way].slows
            if slows is not None:
                from_m, speed_mps = slows
                slow = np.where(np.arange(last - first) >= from_m, USUAL_BEND_MPS2 / (speed_mps * speed_mps), 0.0)
                bend = np.maximum(bend, slow)
            self.capped[key] = _caps(bend, key[1] / 5.0)
        return self.capped[key]

    def cap_span(self, way: int, bend_mps2: float) -> tuple[int, int]:
        """Where among ``flat_caps`` a way's ``caps`` stand, and how many."""
        key = (way, round(5.0 * bend_mps2))
        if key not in self.spans:
            first, count = next(reversed(self.spans.values()), (0, 0))
            self.spans[key] = first + count, len(self.caps(way, bend_mps2))
            self.flat.clear()
        return self.spans[key]

    @property
    def flat_caps(self) -> Floats:
        """The ``caps`` of all spans, one after another."""
        if not self.flat:
            self.flat.append(np.concatenate([self.capped[key] for key in self.spans] or [np.zeros(0)]))
        return self.flat[0]

    def meeting(self, way: int, other: int) -> tuple[float, float] | None:
        """The arc lengths at which a way first comes near another; None when it never does."""
        if (way, other) not in self.meetings:
            self.meetings[way, other] = _meeting(self.ways, way, other)
        return self.meetings[way, other]

    def parts_m(self, way: int, other: int) -> float:
        """How far two ways from one lane run together."""
        if (way, other) not in self.shared:
            self.shared[way, other] = _parts_m(self.ways, way, other)
        return self.shared[way, other]


_KNOWN: dict[int, tuple[Layout, Network]] = {}


def network(layout: Layout) -> Network:
    """A place's network, made once for each layout object."""
    known = _KNOWN.get(id(layout))
    if known is None or known[0] is not layout:
        if len(_KNOWN) >= 64:
            _KNOWN.clear()
        known = _KNOWN[id(layout)] = (layout, _packed(layout))
    return known[1]


def _packed(layout: Layout) -> Network:
    paths = [Path(lane.points) for lane in layout.lanes]
    first, rows = [0], []
    for path in paths:
        count = int(path.length_m) + 1
        s = np.arange(count, dtype=np.float64)
        x, y = np.interp(s, path.s, path.points[:, 0]), np.interp(s, path.s, path.points[:, 1])
        tx, ty = np.gradient(x), np.gradient(y)
        length = np.sqrt(tx * tx + ty * ty)
        rows.append(np.stack([x, y, tx / length, ty / length, _bends(tx / length, ty / length)]))
        first.append(first[-1] + count)
    packed = np.concatenate(rows, axis=1)
    ways = Ways(np.array(first, np.int64), *(np.ascontiguousarray(row) for row in packed))
    numbers = counted()
    stretches = tuple(tuple(_stretches(path, layout.crosswalks, numbers)) for path in paths)
    index = {lane.name: i for i, lane in enumerate(layout.lanes)}
    exits_m = tuple(_exit_m(lane, mine) for lane, mine in zip(layout.lanes, stretches, strict=True))
    return Network(layout.lanes, ways, index, stretches, exits_m, tuple(head.phase for head in layout.signals))


def _exit_m(lane: Lane, stretches: tuple[Stretch, ...]) -> float:
    """Arc length behind the last crosswalk after a lane's stop line: whoever stands before it blocks others."""
    line = lane.stop_s_m
    if line is None:
        return np.inf
    return max((each.end_m + 0.5 for each in stretches if 0.0 < each.start_m - line < JUNCTION_M), default=np.inf)


def _crossings(roads: Network) -> list[Crossing]:
    found = []
    for way, lane in enumerate(roads.lanes):
        for other, other_lane in enumerate(roads.lanes):
            if lane.approach == other_lane.approach or U_TURN in (lane.movement, other_lane.movement):
                continue
            at = _crossing(roads.ways, way, other)
            if at is not None:
                found.append(Crossing(way, other, *at))
    return found


def _stretches(path: Path, crosswalks: tuple[Crosswalk, ...], numbers: Iterator[int]) -> list[Stretch]:
    found = []
    for crossed, crosswalk in enumerate(crosswalks):
        x1, y1, x2, y2 = crosswalk.rect
        x, y = path.points[:, 0], path.points[:, 1]
        over = np.flatnonzero((x >= x1 - 0.5) & (x <= x2 + 0.5) & (y >= y1 - 0.5) & (y <= y2 + 0.5))
        if len(over):
            found.append((float(path.s[over[0]]), float(path.s[over[-1]]), crossed))
    found.sort(key=itemgetter(0))
    return [Stretch(next(numbers), crossed, start_m, end_m) for start_m, end_m, crossed in found]


@kernel
def _bends(tx: Floats, ty: Floats) -> Floats:
    """Turning over two metres either way of each vertex, per metre."""
    count = len(tx)
    bends = np.empty(count)
    for i in range(count):
        a, b = max(i - 2, 0), min(i + 2, count - 1)
        turn = atan2_scalar(tx[a] * ty[b] - ty[a] * tx[b], tx[a] * tx[b] + ty[a] * ty[b])
        bends[i] = abs(turn) / max(b - a, 1)
    return bends


@kernel
def _caps(bend: Floats, bend_mps2: float) -> Floats:
    caps = np.sqrt(bend_mps2 / np.maximum(bend, 1e-4))
    for i in range(len(caps) - 2, -1, -1):
        caps[i] = min(caps[i], np.sqrt(caps[i + 1] * caps[i + 1] + 2.0 * 1.8))
    return caps


@kernel
def place_on(ways: Ways, way: int, s_m: float, aside_m: float) -> tuple[float, float, float, float]:
    """``Network.place``; beyond its ends a way goes straight on."""
    first, last = ways.first[way], ways.first[way + 1] - 1
    at = min(max(int(np.floor(s_m)), 0), last - first - 1)
    share = s_m - at
    i = first + at
    blend = min(max(share, 0.0), 1.0)
    tx, ty = ways.tx[i] + blend * (ways.tx[i + 1] - ways.tx[i]), ways.ty[i] + blend * (ways.ty[i + 1] - ways.ty[i])
    length = np.sqrt(tx * tx + ty * ty)
    tx, ty = tx / length, ty / length
    x = ways.x[i] + share * (ways.x[i + 1] - ways.x[i]) - ty * aside_m
    y = ways.y[i] + share * (ways.y[i + 1] - ways.y[i]) + tx * aside_m
    return x, y, tx, ty


@inline
def nearest_on(
    ways: Ways, way: int, x: float, y: float, from_m: float, to_m: float
) -> tuple[float, float, float, float]:
    """Arc length, distance to the left, and unit vector ahead at the point of a way, between two arc lengths, that is
    nearest to (x, y); ends are extended straight on."""
    first, last = ways.first[way], ways.first[way + 1] - 1
    low = min(max(first + int(from_m), first), last - 1)
    high = min(max(first + int(to_m) + 1, low + 1), last)
    best, best_square = low, 1e18
    # Vertices are a metre apart: only stretches whose middle is not much farther away than the nearest one's can hold
    # the nearest vertex.
    for start in range(low, high + 1, _STRETCH):
        middle = min(start + _STRETCH // 2, high)
        dx, dy = x - ways.x[middle], y - ways.y[middle]
        best_square = min(best_square, dx * dx + dy * dy)
    reach = np.sqrt(best_square) + _STRETCH // 2 + 0.01
    best_square = 1e18
    for start in range(low, high + 1, _STRETCH):
        middle = min(start + _STRETCH // 2, high)
        dx, dy = x - ways.x[middle], y - ways.y[middle]
        if dx * dx + dy * dy > reach * reach:
            continue
        for i in range(start, min(start + _STRETCH, high + 1)):
            dx, dy = x - ways.x[i], y - ways.y[i]
            square = dx * dx + dy * dy
            if square < best_square:
                best, best_square = i, square
    tx, ty = ways.tx[best], ways.ty[best]
    dx, dy = x - ways.x[best], y - ways.y[best]
    return best - first + dx * tx + dy * ty, tx * dy - ty * dx, tx, ty


@kernel
def project_on(ways: Ways, way: int, x: float, y: float, from_m: float, to_m: float) -> tuple[float, float]:
    s, aside, _, _ = nearest_on(ways, way, x, y, from_m, to_m)
    return s, aside


@kernel
def _parts_m(ways: Ways, way: int, other: int) -> float:
    length = ways.first[way + 1] - ways.first[way]
    end = float(min(length, ways.first[other + 1] - ways.first[other]) - 1)
    s = 0.0
    while s < end:
        x, y, _, _ = place_on(ways, way, s, 0.0)
        u, v, _, _ = place_on(ways, other, s, 0.0)
        if (x - u) * (x - u) + (y - v) * (y - v) > 0.04:
            return s
        s += 2.0
    return end


@kernel
def _meeting(ways: Ways, way: int, other: int) -> tuple[float, float] | None:
    for i in range(ways.first[way], ways.first[way + 1]):
        best, best_square = -1, NEAR_M * NEAR_M
        for j in range(ways.first[other], ways.first[other + 1]):
            dx, dy = ways.x[i] - ways.x[j], ways.y[i] - ways.y[j]
            square = dx * dx + dy * dy
            if square < best_square:
                best, best_square = j, square
        if best >= 0:
            return float(i - ways.first[way]), float(best - ways.first[other])
    return None


@kernel
def _crossing(ways: Ways, way: int, other: int) -> tuple[float, float, float] | None:
    """Arc lengths of the first place where two middle lines come within 0.8 m, and the angle there."""
    for i in range(ways.first[way], ways.first[way + 1]):
        for j in range(ways.first[other], ways.first[other + 1]):
            dx, dy = ways.x[i] - ways.x[j], ways.y[i] - ways.y[j]
            if dx * dx + dy * dy < 0.8 * 0.8:
                along = ways.tx[i] * ways.tx[j] + ways.ty[i] * ways.ty[j]
                across = ways.tx[i] * ways.ty[j] - ways.ty[i] * ways.tx[j]
                angle = atan2_scalar(across, along) * 57.29577951308232
                return float(i - ways.first[way]), float(j - ways.first[other]), angle
    return None
