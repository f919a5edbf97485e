"""How people walk: along the pavements, over crosswalks when they may, out of the way of cars that do not stop, and
what they do when a crash happens near them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from its_core.engines.simulator import portable_math as pm
from its_core.engines.simulator.meshes.frights import STARTLE_DOWN_FROM_S, STARTLE_DOWN_S, STARTLE_UP_S
from its_core.engines.simulator.meshes.gaits import steps_hz
from its_core.engines.simulator.roads.paths import Path, Point
from its_core.engines.simulator.traffic.habits import Person
from its_core.engines.simulator.traffic.sidesteps import ALL_ROOM, kept_clear

ACCELERATES_MPS2 = 4.5
STARTLED_S = 1.5  # people jump when a car would reach them sooner than this
HURRIES_MPS = 2.9
HELPS_MPS = 3.2
RETREATS_MPS = 2.6
CLEAR_M = 0.55  # kept between oneself and a car that passes
TURNS_RADPS = 5.0
NOTICES_M = 60.0
STARTS_BACK_S, SETTLES_S = 1.6, 0.9  # how long people flee at most, and where nothing threatens them any more
NOBODY_GOES_ON_M = 25.0  # so near a crash even those stop and look who would go on
STARTS_M, STARTS_AFTER_S = 14.0, 0.15  # so near a crash people start
STEPS_BACK_M, STEPS_BACK_MPS, STEPS_BACK_S = 9.0, 1.2, 1.5  # and so near they step back from it, their eyes on it
HELPS_AFTER_S = 0.4


@dataclass(frozen=True, slots=True)
class Crossing:
    """A stretch of a route on the carriageway: arc lengths, and the crosswalk it follows (None away from any)."""

    start_m: float
    end_m: float
    crosswalk: int | None


@dataclass(frozen=True, slots=True)
class Route:
    """Where someone goes, and where that leads over the road."""

    points: tuple[Point, ...]
    crossings: tuple[Crossing, ...] = ()


@dataclass(frozen=True, slots=True)
class Threat:
    """A vehicle that is about to reach a person: in how many seconds, the unit vector out of its way, and how far that
    way is."""

    reach_s: float
    away: tuple[float, float]
    clear_m: float


class Around(NamedTuple):
    """What one person sees: ``may_cross`` whether the crossing ahead may be begun, a ``threat``, where a crash has
    happened ``crash_s`` seconds ago (infinite: none), and the ``room`` that others leave them, as a row of
    ``sidesteps.rooms``."""

    time_s: float
    step_s: float
    may_cross: bool
    threat: Threat | None
    crash_at: Point | None = None
    crash_s: float = math.inf
    room: tuple[float, ...] = ALL_ROOM


class Walker:
    """One person. ``startle`` is 0 to 1 (how it shows: ``meshes.frights``), ``stride_rad`` the walking phase,
    ``heading_rad`` counter-clockwise from north."""

    def __init__(self, number: int, person: Person, route: Route, s_m: float, pose: int = 0) -> None:
        self.number, self.person, self.route, self.pose = number, person, route, pose
        self.path = Path(route.points)
        self.s_m = s_m
        self.pace_mps = person.speed_mps
        self.steps_out_s = math.inf  # steps onto the road at this time, whatever comes
        self.stops_at_s = math.inf
        start = self.path.at(s_m)
        self.x, self.y = float(start[0]), float(start[1])
        ahead = self.path.direction(s_m)
        self.vx, self.vy = float(ahead[0]) * person.speed_mps, float(ahead[1]) * person.speed_mps
        self.heading_rad = float(pm.atan2(-ahead[0], ahead[1]))
        self.stride_rad = 1.7 * number
        self.startle = 0.0
        self.waits = False
        self.fallen = False
        self.leaves_road = False
        self.unaware = False  # of vehicles that come
        self._startled_s = -math.inf
        self._threat: Threat | None = None
        self._backs_off = False  # from a crash, facing it

    def __copy__(self) -> Walker:
        """As ``copy.copy`` makes it, in a tenth of the time: timelines and rehearsals copy all traffic."""
        other = object.__new__(Walker)
        other.__dict__ = self.__dict__.copy()
        return other

    def take(self, route: Route, steps_out_s: float, pace_mps: float) -> None:
        """Goes another way from here on, at a pace that brings them onto the road at that time, whatever comes."""
        self.route = Route(((self.x, self.y), *route.points[1:]), route.crossings)
        self.path = Path(self.route.points)
        self.s_m, self.steps_out_s, self.pace_mps = 0.0, steps_out_s, pace_mps

    def set_clock_back(self, by_s: float) -> None:
        """Whatever this person remembers the time of was ``by_s`` seconds earlier on the new clock."""
        self.steps_out_s -= by_s
        self.stops_at_s -= by_s
        self._startled_s -= by_s

    def arrives_s(self, s_m: float) -> float:
        """Seconds until one is at an arc length of the route, at one's own pace."""
        return max(s_m - self.s_m, 0.0) / max(self.pace_mps, 0.5)

    def crossing(self) -> Crossing | None:
        """The crossing one is on or comes to next."""
        for each in self.route.crossings:
            if self.s_m < each.end_m:
                return each
        return None

    @property
    def speed_mps(self) -> float:
        return math.sqrt(self.vx * self.vx + self.vy * self.vy)

    def on_road(self) -> bool:
        found = self.crossing()
        return found is not None and self.s_m > found.start_m

    def control(self, around: Around) -> None:
        """Sets the velocity for the next ``step_s`` seconds; whoever moves the body calls ``moved`` afterwards."""
        if self.fallen:
            self.startle = 0.0
            return
        wish = kept_clear(self._wish(around), around.room)
        goes_on = wish[0] * self.vx + wish[1] * self.vy > 0.0
        step = ACCELERATES_MPS2 * around.step_s
        dx, dy = wish[0] - self.vx, wish[1] - self.vy
        length = math.sqrt(dx * dx + dy * dy)
        share = 1.0 if length <= step else step / length
        self.vx, self.vy = self.vx + share * dx, self.vy + share * dy
        since = around.time_s - self._startled_s
        falls = since - STARTLE_DOWN_FROM_S
        raised = min(1.0, since / STARTLE_UP_S) if falls < 0.0 else max(0.0, 1.0 - falls / STARTLE_DOWN_S)
        self.startle = raised if self._startled_s > -math.inf else 0.0
        self._turn(around, goes_on)
        sine, cosine = pm.sin_cos(self.heading_rad)
        forward = -self.vx * sine + self.vy * cosine
        self.stride_rad += math.copysign(steps_hz(self.speed_mps), forward) * around.step_s * math.pi

    def moved(self, x: float, y: float) -> None:
        self.x, self.y = x, y

    def _wish(self, around: Around) -> Point:
        if around.threat is not None and around.threat.reach_s < STARTLED_S and not self.unaware:
            if around.time_s - self._startled_s > 2.0:
                self._startled_s = around.time_s
            self._threat = around.threat
        if self._threat is not None and not self._is_over(around):
            return self._out_of_the_way()
        if self._threat is not None:
            self.leaves_road = self.person.retreats and self._nearer_kerb_is_behind()
            self._threat = None
        return self._after_crash(around) or self._stroll(around)

    def _is_over(self, around: Around) -> bool:
        """Whether somebody who was startled goes on or back to the kerb."""
        since = around.time_s - self._startled_s
        safe = around.threat is None or around.threat.reach_s >= STARTLED_S
        return since >= (SETTLES_S if safe else STARTS_BACK_S)

    def _out_of_the_way(self) -> Point:
        """Back, or on to the other side."""
        assert self._threat is not None
        ahead = self.path.direction(self.s_m)
        (ax, ay), clear = self._threat.away, self._threat.clear_m
        on = float(ahead[0]) * ax + float(ahead[1]) * ay  # above 0: the way out is the way on
        if not self.person.retreats or on > 0.3:
            sign = 1.0 if on > -0.3 else -1.0
            return sign * HURRIES_MPS * float(ahead[0]), sign * HURRIES_MPS * float(ahead[1])
        if clear < -CLEAR_M:
            return 0.0, 0.0
        return RETREATS_MPS * ax, RETREATS_MPS * ay

    def _nearer_kerb_is_behind(self) -> bool:
        found = self.crossing()
        return found is not None and self.s_m - found.start_m < 0.62 * (found.end_m - found.start_m)

    def _after_crash(self, around: Around) -> Point | None:
        """What a crash nearby makes of one's way; None: nothing."""
        self._backs_off = False
        if around.crash_at is None:
            return None
        delay = 0.3 + 0.1 * (self.number % 7)
        dx, dy = around.crash_at[0] - self.x, around.crash_at[1] - self.y
        away = math.sqrt(dx * dx + dy * dy)
        starts = away < STARTS_M and STARTS_AFTER_S <= around.crash_s < STARTS_AFTER_S + 2.0 * around.step_s
        if starts and around.time_s - self._startled_s > 2.0:
            self._startled_s = around.time_s
        if self.on_road():
            return None
        if around.crash_s < delay or away > NOTICES_M:
            return None
        match self.person.reaction:
            case "go_on" if away > NOBODY_GOES_ON_M:
                return None
            case "helpful" if away > 4.5 and around.crash_s > delay + HELPS_AFTER_S:
                return HELPS_MPS * dx / away, HELPS_MPS * dy / away
            case "afraid" if away < 18.0:
                return -3.4 * dx / max(away, 0.1), -3.4 * dy / max(away, 0.1)
        self._backs_off = away < STEPS_BACK_M and around.crash_s < delay + STEPS_BACK_S
        back = STEPS_BACK_MPS / max(away, 0.1) if self._backs_off else 0.0
        return -back * dx, -back * dy

    def _is_near(self, crash_at: Point | None) -> bool:
        return crash_at is not None and math.dist(crash_at, (self.x, self.y)) < NOBODY_GOES_ON_M

    def _stroll(self, around: Around) -> Point:
        here, _ = self.path.project_one(self.x, self.y, self.s_m - 4.0, self.s_m + 4.0)
        self.s_m = here
        found = self.crossing()
        self.waits = False
        speed = self.pace_mps
        if around.time_s >= self.stops_at_s:
            return 0.0, 0.0
        if self.leaves_road and found is not None:
            if self.s_m > found.start_m - 0.6:
                ahead = self.path.direction(self.s_m)
                return -1.5 * float(ahead[0]), -1.5 * float(ahead[1])
            self.waits = True
            return 0.0, 0.0
        if found is not None and self.s_m <= found.start_m:
            left = found.start_m - 0.95 - 0.17 * (self.number % 4) - self.s_m  # nobody waits where another does
            free = around.may_cross if self.steps_out_s == math.inf else around.time_s >= self.steps_out_s
            if left < 0.5 * speed and not free:
                self.waits = True
                speed = max(0.0, min(speed, 1.5 * left))
        elif found is not None:
            speed = max(speed, HURRIES_MPS if self._is_near(around.crash_at) else 1.35)
        if self.s_m > self.path.length_m - 0.3:
            return 0.0, 0.0
        x, y = self.path.point(self.s_m + 0.7)
        dx, dy = x - self.x, y - self.y
        length = max(math.sqrt(dx * dx + dy * dy), 1e-6)
        return speed * dx / length, speed * dy / length

    def _turn(self, around: Around, goes_on: bool) -> None:
        """People face where they go; who steps back or stands looks at what is there. ``goes_on``: the way that one
        moves is the way that one wants to."""
        speed = self.speed_mps
        if self._threat is not None:
            return
        if around.crash_at is not None and (speed < 0.5 or self._backs_off) and around.crash_s > 0.4:
            wish = pm.atan2_scalar(-(around.crash_at[0] - self.x), around.crash_at[1] - self.y)
        elif speed > 0.3 and goes_on:
            wish = pm.atan2_scalar(-self.vx, self.vy)
        else:
            return
        difference = (wish - self.heading_rad + math.pi) % (2 * math.pi) - math.pi
        limit = TURNS_RADPS * around.step_s
        self.heading_rad += min(max(difference, -limit), limit)
