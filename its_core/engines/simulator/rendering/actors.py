"""Actors of a trace as triangles, frame by frame: placed, posed, dented, lamps in their state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.dimensions import HEAVY, TWO_WHEELERS
from its_core.engines.simulator.meshes.cutting import cut
from its_core.engines.simulator.meshes.emergency import emergency_car, works_car
from its_core.engines.simulator.meshes.frights import felt_by, fright_of
from its_core.engines.simulator.meshes.gaits import gait_of
from its_core.engines.simulator.meshes.lamp_points import LAMPS, LampPoints, lamp_points
from its_core.engines.simulator.meshes.materials import Surface, byte_table
from its_core.engines.simulator.meshes.mesh import Mesh
from its_core.engines.simulator.meshes.paintwork import paintwork
from its_core.engines.simulator.meshes.pedestrians import (
    VESTS,
    Stature,
    at_work,
    clothes,
    fallen,
    figure,
    limbs,
    own_bearing,
    slumped,
    stature,
    toiling,
)
from its_core.engines.simulator.meshes.riders import rider, seated
from its_core.engines.simulator.meshes.simplification import simplified
from its_core.engines.simulator.meshes.vehicles import Car, car, trailer
from its_core.engines.simulator.meshes.wrecks import Wreck
from its_core.engines.simulator.portable_math import dot
from its_core.engines.simulator.rendering.detail import Detail
from its_core.engines.simulator.rendering.poses import car_parts, carried, place_parts, turn_of
from its_core.engines.simulator.rendering.posts import StruckPost, leaning, upright_post
from its_core.engines.simulator.trace import Actor, Dent, Trace
from its_core.taxonomy import ParticipantType

F32 = NDArray[np.float32]
Floats = NDArray[np.float64]

_BLINK_HZ = 1.4  # indicators and hazard lights: 60 to 120 a minute by UN Regulation 6
_BEACON_HZ = 1.9  # each side of a light bar: 2 to 4 flashes a second in all, seen at 10 frames a second
_BEACON_ON = 0.6  # share of the time for which a side burns: for a moment both do
# Heads are turned as bodies were in the mean of so long; until neck and elbows of who falls are limp, and arms let go.
_TRAILS_S, _SLUMPS_S, _LETS_GO_S = 0.12, 0.6, 0.3
_STANDS_MPS, _TOILS_S = 0.15, 1.8  # of people at work
_SIGNALLING = tuple(int(surface) for surface, _ in LAMPS)  # of a mesh's surfaces: seen however small they are
_KEPT = 64  # meshes of vehicles, from clip to clip
_LAMP_PAIRS = (
    (Surface.HEADLAMP_LEFT, Surface.HEADLAMP_RIGHT),
    (Surface.TAILLAMP_LEFT, Surface.TAILLAMP_RIGHT),
)


@dataclass(frozen=True, slots=True)
class Posed:
    """One actor in one frame: vertices V×3 (world, metres), unit normals V×3, surfaces V, triangles T×3."""

    vertices: F32
    normals: F32
    surfaces: NDArray[np.uint8]
    triangles: NDArray[np.int32]


@lru_cache(maxsize=_KEPT)
def _vehicle(kind: ParticipantType, emergency: bool, works: bool, detail: Detail) -> Car:
    whole = emergency_car(kind) if emergency else works_car(kind) if works else car(kind)
    return replace(whole, mesh=_drawn(whole.mesh, detail))


@lru_cache(maxsize=_KEPT)
def _trailer(detail: Detail) -> Car:
    return replace(trailer(), mesh=_drawn(trailer().mesh, detail))


def _drawn(mesh: Mesh, detail: Detail) -> Mesh:
    """A vehicle's mesh with no more triangles than are of use."""
    return cut(simplified(mesh, detail.tolerance_m, _SIGNALLING, detail.longest_m), detail.longest_m)


@cache
def _figure(person: Stature, tolerance_m: float) -> Mesh:
    return simplified(figure(person), tolerance_m)


class CarActor:
    """A car of the trace; ``lit``: its lamps burn (dusk)."""

    def __init__(self, trace: Trace, number: int, lit: bool, detail: Detail) -> None:
        self._trace, self._number, self._lit = trace, number, lit
        self.actor: Actor = trace.actors[number]
        self._dents = dents_of(trace, number, on_trailer=False)
        variant = self.actor.type, self.actor.emergency, self.actor.works
        self._car = _vehicle(*variant, _detail(self._dents, detail, self.actor.type in HEAVY))
        self._paint = paintwork(self.actor)
        self._drives_lit = not self.actor.parked and self.actor.look % 5 < 3
        self._wreck = Wreck(self._car, self._dents)
        self._bent = (0, self._wreck.after(0))
        self._hubs = self._car.hubs
        self._broken: frozenset[Surface] = frozenset()
        self._lamps = lamp_points(self._car.mesh)
        self._burns, self._asked_for = (False,) * 5, -1  # in the frame that was asked for last
        self._chosen: dict[Surface, Surface] = {}
        self._worn: tuple[dict[Surface, Surface], NDArray[np.uint8]] = {}, np.zeros(0, np.uint8)

    def _mesh(self, frame: int) -> Mesh:
        blows = suffered(self._dents, frame)
        if blows != self._bent[0]:
            self._bent = (blows, self._wreck.after(blows))
            self._hubs = self._wreck.hubs_after(blows)
            self._broken = frozenset(self._wreck.broken_lamps(blows))
            self._chosen, self._asked_for = {}, -1
            self._lamps = lamp_points(self._bent[1])
            self._worn = {}, np.zeros(0, np.uint8)
        return self._bent[1]

    def posed(self, frame: int) -> Posed:
        trace, number = self._trace, self._number
        mesh = self._mesh(frame)
        turns, shifts = car_parts(
            trace.rotations[frame, number], trace.positions[frame, number], self._hubs,
            trace.suspension[frame, number], float(trace.spin[frame, number]), float(trace.steer[frame, number]),
        )  # fmt: skip
        vertices, normals = placed_parts(mesh, turns, shifts)
        surfaces = self.surfaces(frame)
        if surfaces != self._worn[0]:
            self._worn = surfaces, byte_table(surfaces)[mesh.slots]
        return Posed(vertices, normals, self._worn[1], mesh.triangles)

    def surfaces(self, frame: int) -> dict[Surface, Surface]:
        """What the car's variable surfaces are made of in a frame: paint, and lamps as they burn."""
        if frame != self._asked_for:
            self._mesh(frame)
            self._asked_for, burns = frame, self._burning(frame)
            if burns != self._burns or not self._chosen:
                self._burns, self._chosen = burns, self._surfaces(*burns)
        return self._chosen

    def _burning(self, frame: int) -> tuple[bool, bool, bool, bool, bool]:
        """Whether it brakes in a frame, and which of its indicators and of its beacons are on, left and right."""
        trace, number = self._trace, self._number
        side = int(trace.indicator[frame, number])  # 2: hazard lights
        on = side != 0 and (frame / trace.fps * _BLINK_HZ + 0.37 * number) % 1.0 < 0.5
        left = right = False
        phase = frame / trace.fps * _BEACON_HZ + 0.21 * number
        if self.actor.emergency:
            left, right = phase % 1.0 < _BEACON_ON, (phase + 0.5) % 1.0 < _BEACON_ON
        if self.actor.works:
            left, right = phase % 1.0 < 0.5, (phase + 0.5) % 1.0 < 0.5
        return bool(trace.braking[frame, number]), on and side in (-1, 2), on and side in (1, 2), left, right

    def _surfaces(
        self, braking: bool, left: bool, right: bool, left_beacon: bool, right_beacon: bool
    ) -> dict[Surface, Surface]:
        by_day = Surface.HEADLAMP_DAY if self._drives_lit else Surface.HEADLAMP_DARK
        head = Surface.HEADLAMP_LIT if self._lit else by_day
        if self.actor.type is ParticipantType.BICYCLE:  # its lamp is to be seen by, and lights no road
            head = Surface.HEADLAMP_DAY if self._lit else Surface.HEADLAMP_DARK
        tail = Surface.TAILLAMP_BRAKE if braking else Surface.TAILLAMP_DIM if self._lit else Surface.TAILLAMP_DARK
        saloon = Surface.SALOON_LIT if self._lit else Surface.GLASS
        chosen = {**self._paint, Surface.SALOON: saloon}
        chosen[Surface.TAILLAMP_HIGH] = Surface.TAILLAMP_BRAKE if braking else Surface.TAILLAMP_DARK
        for lamps, burning in zip(_LAMP_PAIRS, (head, tail), strict=True):
            for lamp in lamps:
                chosen[lamp] = Surface.WELL if lamp in self._broken else burning
        chosen[Surface.INDICATOR_LEFT] = Surface.INDICATOR_LIT if left else Surface.INDICATOR_DARK
        chosen[Surface.INDICATOR_RIGHT] = Surface.INDICATOR_LIT if right else Surface.INDICATOR_DARK
        if self.actor.emergency:
            chosen[Surface.BEACON_LEFT] = Surface.BEACON_BLUE if left_beacon else Surface.BEACON_BLUE_DARK
            chosen[Surface.BEACON_RIGHT] = Surface.BEACON_RED if right_beacon else Surface.BEACON_RED_DARK
        if self.actor.works:
            chosen[Surface.BEACON_LEFT] = Surface.BEACON_AMBER if left_beacon else Surface.INDICATOR_DARK
            chosen[Surface.BEACON_RIGHT] = Surface.BEACON_AMBER if right_beacon else Surface.INDICATOR_DARK
        return chosen

    @property
    def number(self) -> int:
        """Of the actor."""
        return self._number

    def lamps(self, frame: int) -> LampPoints:
        """Where its lamps sit in a frame."""
        self._mesh(frame)
        return self._lamps

    def lamp_states(self, frame: int) -> list[int]:
        """What each of ``lamp_points.LAMPS`` is made of in a frame, as it burns or not."""
        worn = self.surfaces(frame)
        return [int(worn.get(surface, surface)) for surface, _ in LAMPS]


class TrailerActor:
    """What an articulated truck pulls."""

    def __init__(self, trace: Trace, number: int, truck: CarActor, detail: Detail) -> None:
        self._trace, self._number, self._truck = trace, number, truck
        self._dents = dents_of(trace, number, on_trailer=True)
        self._wreck = Wreck(_trailer(_detail(self._dents, detail, True)), self._dents)
        self._bent = (0, self._wreck.after(0))

    def posed(self, frame: int) -> Posed:
        blows = suffered(self._dents, frame)
        if blows != self._bent[0]:
            self._bent = (blows, self._wreck.after(blows))
        mesh = self._bent[1]
        pose = self._trace.trailers[self._number][frame]
        vertices, normals = placed_parts(mesh, turn_of(pose[3:])[None], pose[None, :3])
        return Posed(vertices, normals, byte_table(self._truck.surfaces(frame))[mesh.slots], mesh.triangles)


class PersonActor:
    """A pedestrian or a rider of the trace."""

    def __init__(self, trace: Trace, number: int, tolerance_m: float) -> None:
        self._trace, self._number = trace, number
        self.actor: Actor = trace.actors[number]
        rides = self.actor.type is not ParticipantType.PEDESTRIAN
        if rides:
            self._person, worn = rider(self.actor.look, self.actor.type)
        else:
            self._person, worn = stature(self.actor.look), clothes(self.actor.look, self.actor.colour)
        if self.actor.works:
            self._person = at_work(self._person)
            worn |= VESTS[self.actor.colour]
        self._figure = _figure(self._person, tolerance_m)
        self._surfaces = byte_table(worn)[self._figure.slots]
        self._gait, self._fright = gait_of(self.actor.look), fright_of(self.actor.look)
        self._felt = felt_by(self.actor.look, trace.startle[:, number], trace.fps)

    def posed(self, frame: int) -> Posed:
        trace, number = self._trace, self._number
        lying = trace.limbs.get(number)
        if lying is not None and not np.isnan(lying[frame, 0, 0]):
            world, places = self._fallen(lying, frame)
        else:
            world, places = carried(
                trace.rotations[frame, number], trace.positions[frame, number], *self._upright(frame)
            )
        vertices, normals = placed_parts(self._figure, world, places)
        return Posed(vertices, normals, self._surfaces, self._figure.triangles)

    def _fallen(self, lying: Floats, frame: int) -> tuple[Floats, Floats]:
        fps = self._trace.fps
        since = frame - int(np.flatnonzero(~np.isnan(lying[:, 0, 0]))[0])
        torso = lying[frame - min(since, round(_TRAILS_S * fps)) : frame + 1, 0, 3:]
        signs = np.where(dot(torso, torso[-1]) < 0.0, -1.0, 1.0)  # a quaternion and its negative are the same turn
        rotations = np.stack([turn_of(pose[3:]) for pose in lying[frame]])
        struck, on_foot = frame - since, self.actor.type is ParticipantType.PEDESTRIAN
        speed = float(self._trace.speeds[max(struck - 1, 0), self._number]) if on_foot else 0.0
        limp = slumped(self.actor.look, speed, min(since / fps / _SLUMPS_S, 1.0))
        trailing = turn_of((torso * signs[:, None]).sum(axis=0))
        keeps = max(1.0 - since / fps / _LETS_GO_S, 0.0)
        held = keeps * float(self._felt[max(struck - 1, 0)])
        bearing = np.zeros((2, 2))
        if on_foot:
            stride = float(self._trace.stride[struck, self._number])
            bearing = keeps * own_bearing(self._person, self._gait, stride, speed)
        return fallen(self._person, lying[frame, :, :3], rotations, trailing, limp, self._fright, held, bearing)

    def _upright(self, frame: int) -> tuple[Floats, Floats]:
        trace, number = self._trace, self._number
        speed = float(trace.speeds[frame, number])
        if self.actor.type is not ParticipantType.PEDESTRIAN:
            return seated(self._person, self.actor.type, float(trace.spin[frame, number]), speed)
        stride, felt = float(trace.stride[frame, number]), float(self._felt[frame])
        if self.actor.works and speed < _STANDS_MPS and felt == 0.0:
            return toiling(
                self._person, 2.0 * np.pi * (frame / trace.fps / (_TOILS_S + 0.3 * (number % 4)) + 0.37 * number)
            )
        return limbs(self._person, self._gait, stride, speed, self._fright, felt)


def dents_of(trace: Trace, number: int, *, on_trailer: bool) -> list[Dent]:
    """An actor's, in the order of time."""
    found = [dent for dent in trace.dents if dent.number == number and dent.trailer is on_trailer]
    return sorted(found, key=lambda dent: dent.frame)


def _detail(dents: Sequence[Dent], detail: Detail, flat: bool) -> Detail:
    """That of a vehicle with these dents. ``flat``: of flat sheets, which keep no vertices to crumple at otherwise."""
    return detail._replace(tolerance_m=0.0) if flat and dents else detail


def suffered(dents: Sequence[Dent], frame: int) -> int:
    """How many of these an actor has in a frame."""
    return sum(dent.frame <= frame for dent in dents)


class PostActor:
    """A street lamp that a vehicle has run into; no actor of the trace."""

    def __init__(self, trace: Trace, post: StruckPost) -> None:
        self._fps, self._post = trace.fps, post
        self._mesh = upright_post(post)

    def posed(self, frame: int) -> Posed:
        mesh = leaning(self._mesh, self._post, frame / self._fps)
        return Posed(mesh.vertices, mesh.normals, mesh.slots, mesh.triangles)


class WholeActor:
    """An actor of two bodies: a machine and its rider, a tractor and its trailer."""

    def __init__(self, car: CarActor, other: PersonActor | TrailerActor) -> None:
        self.car, self._other = car, other
        self.actor = car.actor

    def posed(self, frame: int) -> Posed:
        first, second = self.car.posed(frame), self._other.posed(frame)
        return Posed(
            np.concatenate([first.vertices, second.vertices]),
            np.concatenate([first.normals, second.normals]),
            np.concatenate([first.surfaces, second.surfaces]),
            np.concatenate([first.triangles, second.triangles + np.int32(len(first.vertices))]),
        )


def placed_parts(mesh: Mesh, turns: Floats, shifts: Floats) -> tuple[F32, F32]:
    """Vertices and normals V×3 (world) of a mesh whose parts are turned (P×3×3) and then shifted (P×3)."""
    vertices, normals = np.empty_like(mesh.vertices), np.empty_like(mesh.normals)
    place_parts(mesh.vertices, mesh.normals, mesh.parts, turns, shifts, vertices, normals)
    return vertices, normals


Body = CarActor | PersonActor | WholeActor


def bodies(trace: Trace, lit: bool, details: Sequence[Detail] = ()) -> list[Body]:
    """One for each actor of a trace; by default, in full detail."""
    found: list[Body] = []
    for number, actor in enumerate(trace.actors):
        detail = details[number] if details else Detail()
        if actor.type is ParticipantType.PEDESTRIAN:
            found.append(PersonActor(trace, number, detail.tolerance_m))
            continue
        # Parked vehicles have their lamps off.
        vehicle = CarActor(trace, number, lit and not actor.parked, detail)
        if actor.type in TWO_WHEELERS:
            found.append(WholeActor(vehicle, PersonActor(trace, number, detail.tolerance_m)))
        elif number in trace.trailers:
            found.append(WholeActor(vehicle, TrailerActor(trace, number, vehicle, detail)))
        else:
            found.append(vehicle)
    return found


def vehicles_of(found: Sequence[Body]) -> list[CarActor]:
    """The vehicles among them, without riders and trailers."""
    cars = [body.car if isinstance(body, WholeActor) else body for body in found]
    return [body for body in cars if isinstance(body, CarActor)]


@dataclass(frozen=True, slots=True)
class Cast:
    """All actors of a frame in one set of arrays; ``starts`` N+1: actor i owns vertices starts[i] to starts[i + 1]."""

    vertices: F32
    normals: F32
    surfaces: NDArray[np.uint8]
    triangles: tuple[NDArray[np.int32], ...]
    starts: NDArray[np.int64]

    def in_order_of(self, other: Cast) -> Cast:
        """With only the vertices that another frame has as well: bodies gain some when they break, at their ends."""
        if np.array_equal(self.starts, other.starts):
            return self
        counts = np.diff(other.starts)
        kept = np.concatenate([start + np.arange(count) for start, count in zip(self.starts[:-1], counts, strict=True)])
        return Cast(self.vertices[kept], self.normals[kept], self.surfaces[kept], other.triangles, other.starts)

    def chosen(self, numbers: Sequence[int]) -> NDArray[np.int32]:
        """Triangles of some actors, T×3."""
        if not numbers:
            return np.zeros((0, 3), np.int32)
        return np.concatenate([self.triangles[number] for number in numbers])


def cast(found: Sequence[Body | PostActor], frame: int, before: Cast | None = None) -> Cast:
    """The actors in a frame. ``before``: the same actors in another one, whose triangles are theirs too unless
    somebody has broken in between."""
    shown = [body.posed(frame) for body in found]
    starts = np.cumsum([0] + [len(one.vertices) for one in shown])
    if not shown:
        nothing = np.zeros((0, 3), np.float32)
        return Cast(nothing, nothing, np.zeros(0, np.uint8), (), starts)
    same = before is not None and np.array_equal(before.starts, starts)
    triangles = before.triangles if before is not None and same else _numbered(shown, starts)
    return Cast(
        np.concatenate([one.vertices for one in shown]),
        np.concatenate([one.normals for one in shown]),
        np.concatenate([one.surfaces for one in shown]),
        triangles,
        starts,
    )


def _numbered(shown: Sequence[Posed], starts: NDArray[np.int64]) -> tuple[NDArray[np.int32], ...]:
    return tuple((one.triangles + start).astype(np.int32) for one, start in zip(shown, starts[:-1], strict=True))
