"""The verdict on a run, and measures that judges share: who touched whom first, how, and when all was over."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from its_core.engines.simulator import portable_math as pm
from its_core.engines.simulator.dimensions import TWO_WHEELERS, VEHICLES
from its_core.engines.simulator.physics.contacts import Episode
from its_core.engines.simulator.simulation.run import Run
from its_core.engines.simulator.trace import Trace, forward
from its_core.taxonomy import CollisionType, ParticipantType, Severity

Floats = NDArray[np.float64]

WINDOW = (0.10, 0.90)  # shares of the clip between which the incident must come to its point
REST_MPS = 0.5
MOVES_MPS = 1.5  # faster than this a vehicle is seen to move
COMING_S = 1.3  # two who would be on each other within so many seconds are on a collision course
SEEN_COMING_S = 1.2  # no anomaly begins earlier before its point than this
OVER_S = 1.6  # nor ends later after it
# Of the change of velocity of one of two vehicles at least: softer touches show neither a jolt nor a dent.
LEAST_JOLT_MPS, LEAST_PUSH_ASIDE_MPS = 2.0, 1.4
FAINT = "they hardly touched"
MINOR_KMH, SEVERE_KMH = 15.0, 35.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the incident happened in a run; ``why`` says what happened instead, and is empty when it did.

    ``anomaly_start`` and ``anomaly_end`` are frame numbers, half-open; ``impact_end`` the first frame after the impact
    is over (None: nothing touched). ``where_m`` is the spot that the camera must show, ``at_frame`` when, ``shown`` the
    actors who must be seen then. ``event``: the frames (half-open) of what happens where nothing goes wrong. ``doubt``
    says why a viewer might not name it although it happened: such a run is taken for want of a better."""

    happened: bool
    why: str
    anomaly_start: int | None = None
    anomaly_end: int | None = None
    impact_end: int | None = None
    where_m: tuple[float, float, float] | None = None
    at_frame: int | None = None
    shown: tuple[int, ...] = ()
    collision: CollisionType | None = None
    event: tuple[int, int] | None = None
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class Blow:
    """How two road users met. ``numbers``: the one at fault first. ``points`` are where each was struck in its own
    frame (x right, y forward, metres), ``angle_deg`` lies between their headings, 0 to 180."""

    episode: Episode
    frame: int
    numbers: tuple[int, int]
    points: tuple[Floats, Floats]
    angle_deg: float

    @property
    def where_m(self) -> tuple[float, float, float]:
        x, y, z = (float(value) for value in self.episode.point_m)
        return x, y, z


def failed(why: str) -> Verdict:
    return Verdict(False, why)


def first_blow(run: Run) -> Blow | str:
    """The first contact, which must be that of the culprit and the first victim; or why it is not."""
    roles = run.staging.roles
    assert roles.culprit is not None
    pair = {roles.culprit, roles.victims[0]}
    first = first_contact(run)
    if isinstance(first, str):
        return first
    if set(first.numbers) != pair:
        return f"{named(run.trace, first)} touched first"
    frame = frame_of(run.trace, first)
    a, b = roles.culprit, roles.victims[0]
    points = (point_in(first, a), point_in(first, b))
    before = max(frame - 1, 0)
    ahead = forward(run.trace, before, a), forward(run.trace, before, b)
    cosine = float(pm.dot(*ahead))
    return Blow(first, frame, (a, b), points, float(np.degrees(pm.acos(min(max(cosine, -1.0), 1.0)))))


def blow_verdict(run: Run, blow: Blow) -> Verdict:
    """The incident happened, with this blow. It begins when the two would be on each other within ``COMING_S``."""
    start, end = window(run, blow.frame, nearing(run, *blow.numbers, COMING_S), blow.numbers)
    over = impact_end(run, blow.episode)
    collision = collision_of(run.trace, blow)
    return Verdict(True, "", start, end, over, blow.where_m, blow.frame, blow.numbers, collision)


def collision_verdict(run: Run, wanted: CollisionType) -> Verdict:
    """Whether culprit and victim met first of all, in this kind of collision."""
    blow = first_blow(run)
    if isinstance(blow, str):
        return failed(blow)
    collision = collision_of(run.trace, blow)
    if collision is not wanted:
        return failed(f"the contact was a {collision} at {blow.angle_deg:.0f} degrees")
    return replace(blow_verdict(run, blow), doubt=faint(blow, collision))


def faint(blow: Blow, collision: CollisionType) -> str:
    """That a collision of two vehicles changes their velocities too little to be seen; empty when it does not."""
    least_mps = LEAST_PUSH_ASIDE_MPS if collision is CollisionType.SIDESWIPE else LEAST_JOLT_MPS
    return FAINT if max(blow.episode.delta_v_mps(number) for number in blow.numbers) < least_mps else ""


def first_contact(run: Run) -> Episode | str:
    """The first contact of the clip, inside the window; or why there is none."""
    if not run.episodes:
        return "nobody touched anything"
    first = run.episodes[0]
    share = first.time_s * run.trace.fps / len(run.trace.positions)
    if not WINDOW[0] <= share <= WINDOW[1]:
        return f"contact came at {share:.0%} of the clip, outside {WINDOW[0]:.0%} to {WINDOW[1]:.0%}"
    return first


def point_in(episode: Episode, number: int) -> Floats:
    return np.asarray(episode.local[number][:3] / max(episode.blow_ns, 1e-9))


def frame_of(trace: Trace, episode: Episode) -> int:
    """The first frame at or after a contact."""
    return int(np.ceil(episode.time_s * trace.fps - 1e-9))


def touched(run: Run) -> str:
    """What touched first in a run where nothing should have."""
    return f"{named(run.trace, run.episodes[0])} touched"


def struck_front(trace: Trace, number: int, point: Floats) -> bool:
    body = VEHICLES[trace.actors[number].type]
    return bool(point[1] > body.length_m / 2 - 0.30 * min(body.length_m, 4.0))


def struck_rear(trace: Trace, number: int, point: Floats) -> bool:
    body = VEHICLES[trace.actors[number].type]
    return bool(point[1] < -body.length_m / 2 + 0.25 * min(body.length_m, 4.0))


def struck_side(trace: Trace, number: int, point: Floats) -> bool:
    type_ = trace.actors[number].type
    if type_ in TWO_WHEELERS:
        return True
    body = VEHICLES[type_]
    if type_ is ParticipantType.ARTICULATED_TRUCK and point[1] < -body.length_m / 2:
        return True  # the trailer's
    return bool(abs(point[0]) > 0.55 * body.width_m / 2 and abs(point[1]) < body.length_m / 2 - 0.12)


def collision_of(trace: Trace, blow: Blow) -> CollisionType:
    """The kind of a first contact of two vehicles, by where they were struck and how they were heading."""
    fronts = [struck_front(trace, n, point) for n, point in zip(blow.numbers, blow.points, strict=True)]
    rears = [struck_rear(trace, n, point) for n, point in zip(blow.numbers, blow.points, strict=True)]
    if blow.angle_deg < 35.0:
        behind = (fronts[0] and rears[1]) or (fronts[1] and rears[0])
        return CollisionType.REAR_END if behind else CollisionType.SIDESWIPE
    if blow.angle_deg > 145.0:
        # Fronts that only catch each other's corners scrape along the sides.
        halves = [VEHICLES[trace.actors[n].type].width_m / 2 for n in blow.numbers]
        corners = all(abs(float(p[0])) > 0.70 * half for p, half in zip(blow.points, halves, strict=True))
        return CollisionType.HEAD_ON if all(fronts) and not corners else CollisionType.SIDESWIPE
    return CollisionType.T_BONE


def window(run: Run, point: int, coming: ArrayLike, numbers: tuple[int, ...]) -> tuple[int, int]:
    """The anomaly about its point (a frame): from the first frame, not long before, in which it can be seen coming, to
    the first in which these have come to rest, or not long after."""
    trace = run.trace
    earliest = max(0, point - round(SEEN_COMING_S * trace.fps))
    seen = np.flatnonzero(np.asarray(coming)[earliest : point + 1])
    start = earliest + int(seen[0]) if len(seen) else max(point - 2, 0)
    rest = at_rest_from(trace, numbers, point)
    end = min(rest, point + round(OVER_S * trace.fps), len(trace.positions))
    return start, max(end, min(point + 2, len(trace.positions)))


def at_rest_from(trace: Trace, numbers: tuple[int, ...], after: int) -> int:
    """The first frame from ``after`` on from which all of these stay slower than ``REST_MPS``; the clip's end when
    they do not."""
    moving = np.flatnonzero((trace.speeds[:, numbers] >= REST_MPS).any(axis=1))
    return max(after, int(moving[-1]) + 1 if len(moving) else 0)


def impact_end(run: Run, blow: Episode) -> int:
    """The first frame after the bodies of a contact have parted, or pressed on each other for half a second."""
    frame = frame_of(run.trace, blow)
    last = int(np.ceil(blow.last_tick / 240 * run.trace.fps))
    return min(max(last, frame + 1), frame + round(0.5 * run.trace.fps) + 1, len(run.trace.positions))


def nearing(run: Run, a: int, b: int, within_s: float) -> NDArray[np.bool_]:
    """Frames in which two road users would be on each other within these seconds, going on as they do."""
    trace = run.trace
    offset = trace.positions[:, b, :2] - trace.positions[:, a, :2]
    moving = trace.velocities[:, b, :2] - trace.velocities[:, a, :2]
    reach = (_reach(trace, a) + _reach(trace, b)) / 2 + 0.4
    found = np.zeros(len(offset), np.bool_)
    for step in range(1, int(within_s / 0.1) + 1):
        found |= pm.norm(offset + 0.1 * step * moving) < reach
    return found


def _reach(trace: Trace, number: int) -> float:
    type_ = trace.actors[number].type
    if type_ is ParticipantType.PEDESTRIAN:
        return 0.8
    return VEHICLES[type_].length_m


def severity_of(run: Run) -> tuple[Severity | None, float | None]:
    """By the largest delta-v of a vehicle in the clip; where only people or riders are struck, by the speed at which
    they are. km/h."""
    trace = run.trace
    largest = 0.0
    for contact in trace.contacts:
        types = [trace.actors[number].type for number in contact.numbers]
        soft = [t is ParticipantType.PEDESTRIAN or t in TWO_WHEELERS for t in types]
        if any(soft):
            largest = max(largest, 3.6 * contact.closing_mps)
        else:
            largest = max([largest, *(3.6 * value for value in contact.delta_v_mps)])
    if not trace.contacts:
        return None, None
    return severity_word(largest), largest


def severity_word(kmh: float) -> Severity:
    return Severity.MINOR if kmh < MINOR_KMH else Severity.SEVERE if kmh > SEVERE_KMH else Severity.MODERATE


def first_frame(condition: ArrayLike, at_most: int) -> int:
    """The first frame that fulfils a condition, ``at_most`` when none before it does."""
    found = np.flatnonzero(condition)
    return min(int(found[0]), at_most) if len(found) else at_most


def named(trace: Trace, episode: Episode) -> str:
    names = [f"{trace.actors[number].type.value} {trace.actors[number].track_id}" for number in episode.numbers]
    return " and ".join([*names, f"a {episode.thing}"] if episode.thing else names)


def something_moves(run: Run, camera_sees: NDArray[np.bool_]) -> bool:
    """Whether a vehicle that the camera sees (F×V) moves in most of the clip's thirds."""
    moving = (run.trace.speeds[:, : run.trace.vehicles] > MOVES_MPS) & camera_sees
    return in_most_thirds(np.asarray(moving.any(axis=1)))


def in_most_thirds(holds: NDArray[np.bool_]) -> bool:
    """Whether something holds for more than half of the time in two or three thirds of a clip."""
    return sum(bool(third.mean() > 0.5) for third in np.array_split(holds, 3)) >= 2
