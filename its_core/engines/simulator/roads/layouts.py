"""Road layouts as data: what drivers follow and what the renderer paints. Right-hand traffic, metres, x east, y north.

Road, pavement and verge are level (z = 0): kerbs are painted, not climbed. Every place leaves room from which a camera
can look at the focus. Lanes run far beyond ``extent_m``, so that nobody appears or vanishes within sight.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from its_core.engines.simulator.roads.winding import Winding
from its_core.taxonomy import RoadLayout

Point = tuple[float, float]
Rect = tuple[float, float, float, float]  # x1, y1, x2, y2
U_TURN = "u_turn"
ISLAND_CORE = 0.55  # of an island's radius, within which it is more than a kerb high


@dataclass(frozen=True, slots=True)
class Merge:
    """Where a lane and another one become one: the name of the ``other``, and between which arc lengths of its own its
    drivers and those of the other let each other in; at ``to_m`` the two are one. ``joins``: it is the lane that
    ends."""

    other: str
    from_m: float
    to_m: float
    joins: bool


@dataclass(frozen=True, slots=True)
class Lane:
    """A drivable centre line, sampled densely enough to follow (every metre or so), in the direction of travel.

    ``stop_s_m`` is the arc length of the stop line, None where there is none; ``signal`` the index of the signal that
    governs it. ``movement`` is straight, left, right or u_turn; ``turned_s_m`` the arc length at which a turn is over,
    ``turns_from_m`` that from which drivers indicate it (None: 45 m before the stop line, or at once).
    ``slows``: an arc length and the speed that most drivers have slowed down to there, as for a bend.
    ``conflicts`` names the lanes that cross or join this one with the right of way over it; ``left`` and ``right`` its
    neighbours that run the same way, where one may change to them. ``share``: of the traffic that comes up to where
    ways part, how much takes this one. ``forbidden`` ways are driven by those only who break the rules.
    """

    name: str
    points: tuple[Point, ...]
    speed_limit_mps: float
    movement: str
    stop_s_m: float | None = None
    signal: int | None = None
    conflicts: tuple[str, ...] = ()
    left: str | None = None
    right: str | None = None
    turned_s_m: float | None = None
    turns_from_m: float | None = None
    slows: tuple[float, float] | None = None
    share: float = 1.0
    forbidden: bool = False
    merge: Merge | None = None

    @property
    def approach(self) -> str:
        """What the ways have in common that part from one lane."""
        return self.name.rsplit("_", 1)[0]

    @property
    def arm(self) -> str:
        """What the lanes have in common that run beside each other, one way."""
        return self.name.split("_", 1)[0]


@dataclass(frozen=True, slots=True)
class SignalHead:
    """A traffic light: ``position_m`` of its lowest lamp's centre, ``facing_deg`` counter-clockwise from north (the
    way its lamps point), hung from a mast whose foot stands at ``mast_m``; it belongs to a ``phase`` of the
    programme."""

    position_m: tuple[float, float, float]
    facing_deg: float
    mast_m: Point
    phase: int = 0


@dataclass(frozen=True, slots=True)
class Crosswalk:
    """A zebra crossing over ``rect``; pedestrians walk along ``path`` from kerb to kerb. Where there are signals,
    people cross while the traffic of ``phase`` has red."""

    rect: Rect
    path: tuple[Point, Point]
    phase: int | None = None


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
class Disc:
    """A round piece of ground: asphalt, or an island in it."""

    centre: Point
    radius_m: float


@dataclass(frozen=True, slots=True)
class Bay:
    """A place to park beside a kerb: the middle of the vehicle, and its heading in radians from north."""

    at: Point
    heading_rad: float


@dataclass(frozen=True, slots=True)
class Deck:
    """What is particular to a bridge: the ground beside it lies ``drop_m`` below the road. There is water where |y| is
    less than ``shore_m`` (0: a valley without water). ``arched``: arches with hangers carry it. ``joint_m``: from one
    expansion joint to the next."""

    drop_m: float
    shore_m: float
    arched: bool
    joint_m: float


@dataclass(frozen=True, slots=True)
class Tube:
    """What is particular to a tunnel: its walls stand ``wall_m`` beside the road's edge, its ceiling is ``roof_m`` high
    at its highest, vaulted or flat. Lamps hang in ``rows`` along it, one every ``lamps_m``, ``warm`` ones shine
    yellow."""

    wall_m: float
    roof_m: float
    vaulted: bool
    rows: int
    lamps_m: float
    warm: bool


@dataclass(frozen=True, slots=True)
class Layout:
    """One place. ``carriageways`` are the asphalt rectangles, ``discs`` its round parts, ``windings`` those that bend
    (their union is the road; corners between crossing ones are rounded with ``corner_radius_m``), ``islands`` what
    rises from it; pavements run along them ``pavement_m`` wide (0: grass verge). ``poles`` carry wires. ``cones`` stand
    on the road."""

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
    discs: tuple[Disc, ...] = ()
    windings: tuple[Winding, ...] = ()
    islands: tuple[Disc, ...] = ()
    bays: tuple[Bay, ...] = ()
    poles: tuple[Point, ...] = ()
    cones: tuple[Point, ...] = ()
    deck: Deck | None = None  # of a bridge
    tube: Tube | None = None  # of a tunnel

    @property
    def worn_lanes(self) -> tuple[Lane, ...]:
        """Those that wheels pass every day: nobody turns round in the road so often."""
        return tuple(lane for lane in self.lanes if lane.movement != U_TURN)

    @property
    def on_ground(self) -> bool:
        """Whether there is land beside the road: not on a bridge, nor in a tunnel."""
        return self.deck is None and self.tube is None

    def on_road(self, x: float, y: float) -> bool:
        """Whether a point lies on the asphalt (rounded corners left out)."""
        for disc in self.islands:
            if math.dist(disc.centre, (x, y)) < disc.radius_m:
                return False
        return (
            any(x1 < x < x2 and y1 < y < y2 for x1, y1, x2, y2 in self.carriageways)
            or any(math.dist(disc.centre, (x, y)) < disc.radius_m for disc in self.discs)
            or any(winding.outside_m(x, y) < 0.0 for winding in self.windings)
        )
