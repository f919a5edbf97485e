"""Road layouts as data: what drivers follow and what the renderer paints. Right-hand traffic, metres, x east, y north.

Road, pavement and verge are level (z = 0): kerbs are painted, not climbed. Every place leaves its south-east corner
(x > 0, y < 0, up to about 22 m from the carriageways) free of buildings, so that a camera can look at the focus from
there. Lanes run beyond ``extent_m``, so that nobody appears or vanishes within sight.
"""

from __future__ import annotations

from dataclasses import dataclass

from its_core.taxonomy import RoadLayout

Point = tuple[float, float]
Rect = tuple[float, float, float, float]  # x1, y1, x2, y2


@dataclass(frozen=True, slots=True)
class Lane:
    """A drivable centre line, sampled densely enough to follow (every metre or so), in the direction of travel.

    ``stop_s_m`` is the arc length of the stop line, None where there is none; ``signal`` the index of the signal that
    governs it. ``movement`` is straight, left or right. ``conflicts`` names the lanes that cross or join it.
    """

    name: str
    points: tuple[Point, ...]
    speed_limit_mps: float
    movement: str
    stop_s_m: float | None = None
    signal: int | None = None
    conflicts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SignalHead:
    """A traffic light: ``position_m`` of its lowest lamp's centre, ``facing_deg`` counter-clockwise from north (the
    way its lamps point), hung from a mast whose foot stands at ``mast_m``."""

    position_m: tuple[float, float, float]
    facing_deg: float
    mast_m: Point


@dataclass(frozen=True, slots=True)
class Crosswalk:
    """A zebra crossing over ``rect``; pedestrians walk along ``path`` from kerb to kerb."""

    rect: Rect
    path: tuple[Point, Point]


@dataclass(frozen=True, slots=True)
class Marking:
    """A painted line from ``start`` to ``end``: colour white or yellow; dash and gap in metres, both 0 for a solid
    one."""

    start: Point
    end: Point
    width_m: float
    colour: str
    dash_m: float = 0.0
    gap_m: float = 0.0


@dataclass(frozen=True, slots=True)
class Building:
    rect: Rect
    height_m: float
    style: int


@dataclass(frozen=True, slots=True)
class Layout:
    """One place. ``carriageways`` are the asphalt rectangles (their union is the road; corners between crossing ones
    are rounded with ``corner_radius_m``); pavements run along them ``pavement_m`` wide (0: grass verge)."""

    name: RoadLayout
    lanes: tuple[Lane, ...]
    carriageways: tuple[Rect, ...]
    corner_radius_m: float
    pavement_m: float
    markings: tuple[Marking, ...]
    crosswalks: tuple[Crosswalk, ...]
    signals: tuple[SignalHead, ...]
    buildings: tuple[Building, ...]
    trees: tuple[Point, ...]
    street_lamps: tuple[Point, ...]
    barriers: tuple[tuple[Point, Point], ...]  # guard rails and median barriers
    focus_m: Point  # where incidents happen: cameras look about here
    extent_m: float  # half the side of the square that is modelled
    walkways: tuple[tuple[Point, Point], ...] = ()  # middle lines of the pavements, where people walk
