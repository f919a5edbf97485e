"""The last two parts of a prompt: who does what, by type and colour, and what comes of it."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import product

from its_core.scenarios.prompts.casting import Shape
from its_core.scenarios.prompts.settings import Slot
from its_core.taxonomy import DEFAULT_COLLISION, Aftermath, CollisionType, IncidentType, RoadLayout

# What stands in braces is a word of ``casting.Cast``. [takes/take] agrees with whoever may be many: the pedestrians,
# else Others, else Crowd.
_CROSSING_RED: Slot = (
    "{A} runs the red light and speeds into the intersection just as {B} comes through on green.",
    "{A} ignores the red signal and shoots into the intersection while {B} is crossing on green.",
    "Without slowing for the red light, {A} charges into the intersection, where {B} is crossing on green.",
)
_CROSSING: dict[RoadLayout, Slot] = {
    RoadLayout.FOUR_WAY_INTERSECTION: _CROSSING_RED,
    RoadLayout.T_INTERSECTION: (
        "{A} pulls out of the side road without yielding, straight into the path of {B}.",
        "Without yielding, {A} turns out of the side road right in front of {B}.",
    ),
    RoadLayout.ROUNDABOUT: (
        "{A} enters the roundabout without yielding and cuts across the path of {B}.",
        "Without yielding, {A} shoots into the roundabout right in front of {B}.",
    ),
}
_CROSSING_ELSEWHERE: Slot = (
    "{A} enters the intersection without yielding and cuts across the path of {B}.",
    "Without yielding, {A} shoots out of the intersection right in front of {B}.",
)
_IMPACTS: dict[CollisionType, Slot] = {
    CollisionType.T_BONE: (
        "They collide at a right angle, a T-bone impact that caves in one flank.",
        "The front of one slams into the side of the other in a hard T-bone collision.",
        "There is no time to brake, and the two crash front against side, a violent T-bone.",
    ),
    CollisionType.HEAD_ON: ("They collide head-on, front against front.", "The two crash head-on, nose to nose."),
    CollisionType.REAR_END: (
        "One crashes into the back of the other, a rear-end collision.",
        "They collide, the front of one in the rear end of the other.",
    ),
    CollisionType.SIDESWIPE: (
        "They collide flank against flank in a long sideswipe.",
        "The two scrape along each other, a sideswipe that tears at both sides.",
    ),
}
_ACTS: dict[IncidentType, Slot] = {
    IncidentType.REAR_END_COLLISION: (
        "{A} tailgates {B}. When {b} brakes hard, {a} cannot slow down in time and slams into its rear end.",
        "{A} follows far too close behind {B}. Then {b} brakes sharply, and {a} crashes into the back of it, "
        "a hard rear-end collision.",
        "{A} closes up on {B}, leaving no gap. {b} brakes without warning, and {a} plows into its rear end.",
    ),
    IncidentType.HEAD_ON_COLLISION: (
        "{A} drifts over the centre line into the path of {B}, and the two crash head-on.",
        "{A} strays into the oncoming lane, where {B} is approaching. They collide head-on, front against front.",
    ),
    IncidentType.SIDESWIPE_COLLISION: (
        "{A} changes lanes without looking while {B} is alongside. The two sideswipe each other, flank against flank.",
        "{A} veers into the lane of {B}, and they scrape along each other in a hard sideswipe.",
    ),
    IncidentType.MULTI_VEHICLE_PILEUP: (
        "{A} does not slow down for {B} ahead and crashes into it. {Others} cannot avoid the wreck and "
        "[crashes/crash] into it in turn, a multi-vehicle pileup.",
        "{A} crashes into {B}. {Others} [brakes/brake] too late and [slams/slam] into the wreck: a "
        "chain-reaction pileup.",
    ),
    IncidentType.VEHICLE_NEAR_MISS: (
        "{A} cuts in sharply, right in front of {B}. {b} swerves away just in time: a near miss, without any contact.",
        "{A} veers into the path of {B}. Both brake and swerve at the last moment and narrowly miss each other; "
        "they never touch.",
    ),
}
_RIDER_STRUCK: Slot = (
    "{A} cuts across the path of {B} without looking and hits {b} in full motion.",
    "{A} turns without looking, right in front of {B}, and strikes {b}.",
)
_INTO_GUARD_RAIL: Slot = (
    "{A} loses control at speed, leaves its lane and crashes into the guard rail; no other vehicle is touched.",
    "{A} swerves, loses control and slams into the guard rail, a single-vehicle crash.",
)
_SINGLE: dict[RoadLayout, Slot] = {  # what stands beside the road there
    RoadLayout.HIGHWAY: _INTO_GUARD_RAIL,
    RoadLayout.HIGHWAY_RAMP: _INTO_GUARD_RAIL,
    RoadLayout.WORK_ZONE: _INTO_GUARD_RAIL,
    RoadLayout.BRIDGE: (
        "{A} loses control, leaves its lane and crashes into the railing; no other vehicle is touched.",
        "{A} swerves, loses control and slams into the railing, a single-vehicle crash.",
    ),
    RoadLayout.TUNNEL: (
        "{A} loses control, leaves its lane and crashes into the wall; no other vehicle is touched.",
        "{A} swerves, loses control and slams into the wall beside the lane, a single-vehicle crash.",
    ),
}
_SINGLE_ELSEWHERE: Slot = (
    "{A} loses control, leaves the road and crashes into a lamp post; no other vehicle is touched.",
    "{A} skids over the edge of the road, loses control and slams into a lamp post, a single-vehicle crash.",
)
_PEDESTRIANS_STRUCK: dict[bool, Slot] = {  # whether the pedestrians err
    False: (
        "{A} comes up much too fast and does not yield to {P} crossing the road. {a} strikes {p} before it can brake.",
        "{A} fails to yield, and hits {P} in the middle of crossing the road.",
    ),
    True: (
        "{P} [steps/step] onto the road without looking, right in front of {A}. {a} cannot stop in time and hits {p}.",
        "{P} [runs/run] out between the lanes into the path of {A}, which strikes {p} while still braking.",
    ),
}
_PEDESTRIANS_MISSED: dict[bool, Slot] = {
    False: (
        "{A} turns sharply across the crosswalk without yielding while {P} [is/are] walking over it. {p} "
        "[jumps/jump] back, and {a} swerves and avoids contact by a hand's breadth.",
        "{A} swings hard into the turn and over the crosswalk, not yielding to {P} on it. {p} [leaps/leap] back just "
        "in time; {a} swerves and narrowly misses.",
    ),
    True: (
        "{P} [steps/step] onto the road without looking, right in front of {A}. {a} swerves and narrowly misses, and "
        "{p} [jumps/jump] back; nobody is touched.",
        "{P} [runs/run] into the path of {A}. {p} [leaps/leap] back just in time, and {a} swerves and avoids "
        "contact by a hand's breadth.",
    ),
}
_CALM: dict[IncidentType, Slot] = {
    IncidentType.NORMAL_TRAFFIC: (
        "Traffic is entirely normal: {Crowd} [passes/pass] through the picture, calmly and in good order.",
        "Nothing unusual happens: {Crowd} [moves/move] along calmly and [keeps/keep] a safe distance.",
    ),
    IncidentType.CONGESTED_TRAFFIC: (
        "Nothing unusual happens in a long jam: {Crowd} [creeps/creep] along, bumper to bumper.",
    ),
    IncidentType.HARD_BRAKING: (
        "Without incident, though one of the drivers brakes hard at the last moment: {Crowd} [keeps/keep] clear and "
        "nothing is touched.",
    ),
    IncidentType.CLOSE_PASS: (
        "Without incident, though with very little room to spare, one vehicle overtakes another: {Crowd} [keeps/keep] "
        "clear and nothing is touched.",
    ),
    IncidentType.ILLEGAL_TURN: (
        "Without incident, though it is forbidden there, a vehicle turns: {Crowd} [gives/give] it room.",
    ),
    IncidentType.STOPPED_VEHICLE: (
        "Without incident, {Crowd} [passes/pass] a vehicle that has broken down with its hazard lights flashing.",
    ),
    IncidentType.JAYWALKING: (
        "Without incident, someone on foot crosses away from any crosswalk while {Crowd} [gives/give] way.",
    ),
    IncidentType.EMERGENCY_VEHICLE: (
        "Without incident, an emergency vehicle passes with its beacons flashing while {Crowd} [makes/make] way.",
    ),
    IncidentType.ROAD_WORKS: ("Without incident, {Crowd} [files/file] past road works behind a row of cones.",),
}

_CRASHED, _MISSED, _NORMALLY = "crashed", "missed", "normally"
_AFTERMATHS: dict[Aftermath, dict[str, Slot]] = {
    Aftermath.VEHICLES_BLOCK_TRAFFIC: {
        _CRASHED: (
            "The wreckage stays in the lanes and blocks the traffic behind it.",
            "Afterwards nothing moves any more: damage and debris block the traffic.",
        ),
        _MISSED: (
            "Afterwards vehicles are left standing at odd angles and block the traffic.",
            "Vehicles come to a halt across the lanes and block the traffic.",
        ),
    },
    Aftermath.VEHICLES_STOP: {
        _CRASHED: (
            "Afterwards everyone involved stops and stays there.",
            "Everything comes to a stop right where it is.",
        ),
        _MISSED: ("Afterwards everyone involved stops for a moment.", "Everyone comes to a stop, shaken but unhurt."),
        _NORMALLY: ("In the end the vehicles stop in an orderly line.", "Afterwards everyone stops in good order."),
    },
    Aftermath.PUSHED_FORWARD: {
        _CRASHED: (
            "The force of the impact pushes {Hit} a few metres forward.",
            "In the end the blow has pushed {Hit} a few metres forward.",
        ),
    },
    Aftermath.SPINS_OUT: {
        _CRASHED: (
            "{a} spins around from the blow before it comes to rest.",
            "In the end {a} spins out and comes to rest facing the wrong way.",
        ),
        _MISSED: (
            "{a} spins out and comes to rest facing the wrong way.",
            "In the end {a} spins around and comes to rest.",
        ),
    },
    Aftermath.ROLLS_OVER: {
        _CRASHED: (
            "In the end {Tipped} rolls over and comes to rest on its side.",
            "Afterwards {Tipped} rolls over and lies on its roof.",
        ),
    },
    Aftermath.SECONDARY_COLLISION: {
        _CRASHED: (
            "Afterwards one more vehicle cannot stop in time and ends up in the wreck.",
            "In the end yet another vehicle comes up too fast and ends up in the wreck.",
        ),
    },
    Aftermath.DRIVES_ON: {
        _CRASHED: ("Afterwards {a} drives on and leaves the scene.", "{a} drives on as if nothing had happened."),
        _MISSED: ("Afterwards {a} drives on as if nothing had happened.", "{a} drives on and out of the picture."),
        _NORMALLY: ("Everyone drives on and out of the picture.", "In the end everyone drives on as before."),
    },
    Aftermath.PEDESTRIANS_RETREAT: {
        _CRASHED: ("{p} [retreats/retreat] to the sidewalk.", "Afterwards {p} [retreats/retreat] to the roadside."),
        _MISSED: ("{p} [retreats/retreat] to the sidewalk.", "Afterwards {p} [retreats/retreat] to the roadside."),
    },
    Aftermath.TRAFFIC_FLOWS: {
        _CRASHED: (
            "Afterwards the rest of the traffic keeps flowing past.",
            "The traffic around it keeps flowing, past the damage.",
        ),
        _MISSED: ("Afterwards traffic keeps flowing.", "The traffic around them keeps flowing."),
        _NORMALLY: ("Traffic keeps flowing without a pause.", "In the end traffic keeps flowing just as before."),
    },
}
_UNSAID_AFTERMATH: dict[str, Slot] = {
    _CRASHED: (
        "Afterwards the damage is plain to see.",
        "In the end everything comes to rest, with the damage in plain view.",
    ),
    _MISSED: ("Afterwards everyone goes on, shaken but unhurt.", "In the end everyone continues unhurt."),
    _NORMALLY: ("Everything goes on as before.", "In the end everything continues as before."),
}


_HIT_TOO = ("{Others} [is/are] caught up in the crash as well.", "{Others} [is/are] hit too.")
_BRAKE_TOO = ("{Others} [has/have] to brake hard as well.", "{Others} only just [avoids/avoid] the others.")
_LOOK_ON = ("{Crowd} [is/are] nearby, not involved.", "{Crowd} [stays/stay] clear of it all.")


@lru_cache(maxsize=4096)
def incident_templates(
    incident: IncidentType, collision: CollisionType | None, layout: RoadLayout | None, shape: Shape
) -> Slot:
    """Who does what, in the words of ``casting.Cast.words``; every participant is brought in."""
    if not incident.is_anomaly:
        return _ready(_CALM[incident], shape.plural)
    slots = [_ready(act, shape.plural) for act in _acts(incident, collision, layout, shape)]
    if shape.others and incident is not IncidentType.MULTI_VEHICLE_PILEUP:
        slots.append(_ready(_HIT_TOO if incident.has_contact else _BRAKE_TOO, shape.others > 1))
    if shape.bystanders:
        slots.append(_ready(_LOOK_ON, shape.bystanders > 1))
    return tuple(" ".join(sentences) for sentences in product(*slots))


@lru_cache(maxsize=4096)
def aftermath_templates(incident: IncidentType, aftermath: Aftermath | None, shape: Shape) -> Slot:
    """What comes of it: as asked, or in words that leave it open. Raises ValueError for what cannot follow."""
    ending = _CRASHED if incident.has_contact else _MISSED if incident.is_anomaly else _NORMALLY
    choice = _AFTERMATHS[aftermath].get(ending) if aftermath else _UNSAID_AFTERMATH[ending]
    if choice is None:
        raise ValueError(f"{incident} cannot end in {aftermath}")
    return _ready(choice, shape.plural)


def _acts(
    incident: IncidentType, collision: CollisionType | None, layout: RoadLayout | None, shape: Shape
) -> list[Slot]:
    match incident:
        case IncidentType.INTERSECTION_COLLISION:
            crossing = _CROSSING.get(layout, _CROSSING_ELSEWHERE) if layout else _CROSSING_ELSEWHERE
            return [crossing, _IMPACTS[collision or DEFAULT_COLLISION[incident]]]
        case IncidentType.SINGLE_VEHICLE_CRASH:
            return [_SINGLE.get(layout, _SINGLE_ELSEWHERE) if layout else _SINGLE_ELSEWHERE]
        case IncidentType.CYCLIST_COLLISION | IncidentType.MOTORCYCLIST_COLLISION:
            return [_RIDER_STRUCK]
        case IncidentType.PEDESTRIAN_COLLISION:
            return [_PEDESTRIANS_STRUCK[shape.pedestrians_err]]
        case IncidentType.PEDESTRIAN_NEAR_MISS:
            return [_PEDESTRIANS_MISSED[shape.pedestrians_err]]
        case IncidentType.MULTI_VEHICLE_PILEUP if collision and collision is not DEFAULT_COLLISION[incident]:
            return [_ACTS[incident], (f"It begins with a {collision} impact.", f"The first impact is {collision}.")]
    return [_ACTS[incident]]


def _ready(slot: Slot, plural: bool) -> Slot:
    """Verbs made to agree; a word that begins a sentence is taken in its capitalised form."""
    agreeing = (re.sub(r"\[(\w+)/(\w+)\]", r"\2" if plural else r"\1", sentence) for sentence in slot)
    return tuple(re.sub(r"(^|\. )\{(\w+)\}", r"\1{\2_}", sentence) for sentence in agreeing)
