"""How often what is asked for happens in the simulator's physics, and how varied it is. Nothing is rendered.

Every kind of clip in all of its places by turns, one try each: ``happened`` counts the tries whose contacts and
geometry are the incident's and that the camera shows. A try puts up to ``PHYSICS_RUNS`` moments of its traffic through
the physics, one after another; ``at once`` counts the tries of which the first was it. Bodies are rectangles here,
their corners rounded off by 10 cm; ``angle`` lies between the headings of two vehicles at their first contact,
``closing`` is their relative speed.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from its_core.clip import Geometry, Scene
from its_core.engines.simulator.abilities import ABILITIES
from its_core.engines.simulator.incidents.attempts import one_try
from its_core.engines.simulator.incidents.outcome.measures import overlaps_at
from its_core.engines.simulator.incidents.setting import setting_of
from its_core.engines.simulator.optics.camera import camera_for
from its_core.engines.simulator.portable_math import acos, dot
from its_core.engines.simulator.roads.registry import place
from its_core.engines.simulator.simulation.run import Run
from its_core.engines.simulator.trace import forward
from its_core.evaluation.scoring import accident
from its_core.taxonomy import IncidentType, RoadLayout

GEOMETRY = Geometry.of("720", 16)
EVERY_FRAMES = 3  # that overlaps are looked for in
CORNER_M = 0.1


@dataclass(frozen=True, slots=True)
class Tried:
    """One try. ``contacts`` of its physics, also where it was refused; the rest of those that happened."""

    incident: IncidentType
    layout: RoadLayout
    why: str
    contacts: int
    overlaps: int = 0
    share: float | None = None  # of the clip, at which the first contact came
    angle_deg: float | None = None
    closing_kmh: float | None = None
    delta_v_kmh: float | None = None
    speeds_kmh: tuple[float, ...] = ()
    cpu_s: float = 0.0
    runs: int = 0


def incident_of(number: int) -> IncidentType:
    return list(ABILITIES)[number % len(ABILITIES)]


def tried(number: int) -> Tried:
    incident = incident_of(number)
    layouts = ABILITIES[incident].layouts
    layout = layouts[number // len(ABILITIES) % len(layouts)]
    start = time.process_time()
    camera_id = f"bench-{number}"
    here = place(layout, camera_id)
    camera = camera_for(camera_id, here, GEOMETRY)
    scene = Scene(camera_id, incident, road_layout=layout)
    found = one_try(setting_of(scene, here, GEOMETRY, camera, 1_000_003 * (number + 1) % 2**31))
    contacts = 0 if found.run is None else len(found.run.trace.contacts)
    cpu_s = time.process_time() - start
    if found.why or found.run is None:
        return Tried(incident, layout, found.why, contacts, cpu_s=cpu_s, runs=found.runs)
    return replace(_measured(incident, layout, found.run), cpu_s=cpu_s, runs=found.runs)


def _measured(incident: IncidentType, layout: RoadLayout, run: Run) -> Tried:
    trace = run.trace
    frames = len(trace.positions)
    first = trace.contacts[0] if trace.contacts else None
    until = frames if first is None else first.frame - 1
    overlaps = sum(len(overlaps_at(run.trace, frame, -CORNER_M)) for frame in range(0, until, EVERY_FRAMES))
    speeds = tuple(3.6 * trace.speeds[0, : len(run.staging.vehicles)])
    if first is None:
        return Tried(incident, layout, "", 0, overlaps, speeds_kmh=speeds)
    angle = None
    numbers = first.numbers
    if len(numbers) == 2 and max(numbers) < trace.vehicles:
        before = max(first.frame - 1, 0)
        cosine = float(dot(forward(trace, before, numbers[0]), forward(trace, before, numbers[1])))
        angle = float(np.degrees(acos(min(max(cosine, -1.0), 1.0))))
    share = first.time_s * trace.fps / frames
    return Tried(
        incident,
        layout,
        "",
        len(trace.contacts),
        overlaps,
        share,
        angle,
        3.6 * first.closing_mps,
        3.6 * max(first.delta_v_mps),
        speeds,
    )


def report(found: Sequence[Tried]) -> None:
    print(f"{'incident':24} tries  happened  at once  why not, most often")
    for incident in ABILITIES:
        mine = [each for each in found if each.incident is incident]
        if not mine:
            continue
        why = Counter(each.why for each in mine if each.why).most_common(2)
        reasons = "; ".join(f"{count} × {text}" for text, count in why)
        _line(incident.value, mine, reasons)
    happened = [each for each in found if not each.why]
    _line("all", found, f"{len(happened) / len(found):.1%} at the first try")
    calm = [each for each in happened if not each.incident.has_contact]
    print(f"clips without a crash: {len(calm)}, with a contact: {sum(each.contacts > 0 for each in calm)}")
    print(f"overlaps of bodies before a contact: {sum(each.overlaps for each in happened)}")
    crashes = [each for each in happened if each.incident.has_contact]
    _spread("time of the first contact, share of the clip", [each.share for each in crashes], 100.0)
    shares = [each.share for each in crashes if each.share is not None]
    if shares:
        score, guess_s = accident.best_constant(np.array(shares) * GEOMETRY.duration_s, GEOMETRY.duration_s)
        print(f"best constant guess of the time: {guess_s:.1f} s scores {score:.3f} on ACCIDENT's temporal score")
    _spread("impact angle, degrees", [each.angle_deg for each in crashes])
    side = [each.angle_deg for each in crashes if each.incident is IncidentType.INTERSECTION_COLLISION]
    _spread("impact angle of intersection collisions", side)
    _spread("closing speed, km/h", [each.closing_kmh for each in crashes])
    _spread("delta-v, km/h", [each.delta_v_kmh for each in crashes])
    _spread("speeds at frame 0 in crashes, km/h", [s for each in crashes for s in each.speeds_kmh])
    _spread("speeds at frame 0 in the others, km/h", [s for each in calm for s in each.speeds_kmh])
    several = sum(each.contacts > 1 for each in crashes)
    print(f"crashes with further contacts: {several} of {len(crashes)}")
    cpu_s = [each.cpu_s for each in found]
    print(f"processor seconds a try: {np.median(cpu_s):.2f} in the median, {np.mean(cpu_s):.2f} on average")


def _line(name: str, tries: Sequence[Tried], said: str) -> None:
    happened = [each for each in tries if not each.why]
    at_once = sum(each.runs <= 1 for each in happened)
    print(f"{name:24} {len(tries):5}  {len(happened):8}  {at_once:7}  {said}".rstrip())


def _spread(name: str, values: Sequence[float | None], scale: float = 1.0) -> None:
    known = np.array([value for value in values if value is not None]) * scale
    if len(known):
        marks = "  ".join(f"{value:.0f}" for value in np.percentile(known, [0, 10, 25, 50, 75, 90, 100]))
        print(f"{name} (least, 10, 25, 50, 75, 90 %, most): {marks}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=500)
    parser.add_argument("--first", type=int, default=0, help="number of the first try")
    parser.add_argument("--only", action="append", type=IncidentType, help="a kind of clip; all by default")
    parser.add_argument("--processes", type=int, default=1)
    arguments = parser.parse_args()
    numbers = [
        number
        for number in range(arguments.first, arguments.first + arguments.clips)
        if not arguments.only or incident_of(number) in arguments.only
    ]
    if not numbers:
        parser.error("there is no such try among these: raise --clips")
    if arguments.processes == 1:
        found = [tried(number) for number in numbers]
    else:
        with multiprocessing.get_context("spawn").Pool(arguments.processes) as pool:
            found = pool.map(tried, numbers, chunksize=4)
    report(found)


if __name__ == "__main__":
    main()
