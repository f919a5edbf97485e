"""Reads in a hand-typed prompt what the simulator needs to know: keywords, no understanding."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import TypeVar

from its_core.clip import Participant, Scene
from its_core.scenarios.prompts.fault import Reference, at_fault
from its_core.scenarios.prompts.naming import NUMBERS
from its_core.scenarios.roles import PEDESTRIAN_INCIDENTS, fill_roles
from its_core.taxonomy import Colour, IncidentType, Light, ParticipantType, RoadLayout, Role, Weather

_ON_FOOT = r"pedestrians?|people|person"
_COLLIDES = (
    r"collid|collision|crash|impact|slam|t-bone|plow|\bhits?\b|strikes?\b|\brams?\b|\bstruck\b|smash|shunt|"
    r"rear-?end(?:s|ed|ing)\b|\b(?:bump|run)s? into\b|\bbumped\b"
)
_MISSES = r"near[- ]miss|narrowly|just in time|(jump|leap)\w* back|avoids? (contact|a collision)|without (any )?contact"

# The first incident whose patterns are all found is the one told, so the particular stand before the general.
_INCIDENTS: list[tuple[IncidentType, tuple[str, ...]]] = [
    (IncidentType.CONGESTED_TRAFFIC, (r"nothing unusual|without (any )?incident", r"bumper to bumper|long jam")),
    (IncidentType.HARD_BRAKING, (r"without (any )?incident", r"brakes hard")),
    (IncidentType.CLOSE_PASS, (r"without (any )?incident", r"little room")),
    (IncidentType.ILLEGAL_TURN, (r"without (any )?incident", r"forbidden|illegal\w* turn")),
    (IncidentType.STOPPED_VEHICLE, (r"without (any )?incident", r"broken down|breakdown|stalled")),
    (IncidentType.JAYWALKING, (r"without (any )?incident", r"away from any crosswalk|jaywalk")),
    (IncidentType.EMERGENCY_VEHICLE, (r"without (any )?incident", r"emergency vehicle|ambulance|fire engine")),
    (IncidentType.ROAD_WORKS, (r"without (any )?incident", r"past (the )?road ?works")),
    (
        IncidentType.NORMAL_TRAFFIC,
        (r"nothing unusual|(entirely|perfectly) normal|normal traffic|without (any )?incident",),
    ),
    (
        IncidentType.PEDESTRIAN_NEAR_MISS,
        (rf"({_ON_FOOT})[^.]*(jump|leap|step)\w* back|(narrowly|barely|almost|nearly|just)\b[^.]*({_ON_FOOT})",),
    ),
    (IncidentType.VEHICLE_NEAR_MISS, (_MISSES,)),
    (IncidentType.PEDESTRIAN_COLLISION, (rf"(hits?|strikes?|knocks? down|runs? over)\b[^.]*({_ON_FOOT})",)),
    (IncidentType.MOTORCYCLIST_COLLISION, (r"(hits?|strikes?|knocks? down)\b[^.]*motor(cycl|bike)",)),
    (IncidentType.CYCLIST_COLLISION, (r"(hits?|strikes?|knocks? down|runs? over)\b[^.]*(cyclist|bicycle)",)),
    (IncidentType.MULTI_VEHICLE_PILEUP, (r"pile-?up|chain[- ]reaction",)),
    (IncidentType.SINGLE_VEHICLE_CRASH, (r"loses control|single-vehicle", r"crash|slam|hits|strikes")),
    (
        IncidentType.INTERSECTION_COLLISION,
        (r"red (light|signal)|on green|without yielding|cut\w* across|enters from an intersection|t-bone", _COLLIDES),
    ),
    (IncidentType.HEAD_ON_COLLISION, (r"head-on|oncoming lane", _COLLIDES)),
    (IncidentType.SIDESWIPE_COLLISION, (r"sideswipe",)),
    (
        IncidentType.REAR_END_COLLISION,
        (r"rear[- ]end|rear bumper|(back|rear) of|from behind|tailgat|too close", _COLLIDES),
    ),
    (IncidentType.INTERSECTION_COLLISION, (r"intersection|junction|crossroads", _COLLIDES)),
]
_LAYOUTS: list[tuple[RoadLayout, str]] = [
    (RoadLayout.ROUNDABOUT, r"roundabout"),
    (RoadLayout.TUNNEL, r"\btunnel"),
    (RoadLayout.BRIDGE, r"\bbridge"),
    (RoadLayout.WORK_ZONE, r"work zone"),
    (RoadLayout.HIGHWAY_RAMP, r"\b(on|off)-ramp|slip road"),
    (RoadLayout.RURAL_ROAD, r"\brural|country road"),
    (RoadLayout.T_INTERSECTION, r"\bt-(intersection|junction)"),
    (RoadLayout.HIGHWAY, r"highway|freeway|motorway|expressway"),
    (RoadLayout.FOUR_WAY_INTERSECTION, r"four-way|crossroads|signali[sz]ed|traffic lights|red light"),
    (RoadLayout.URBAN_STREET, r"street|crosswalk"),
    (RoadLayout.FOUR_WAY_INTERSECTION, r"intersection|junction"),
]
_WEATHERS: list[tuple[Weather, str]] = [
    (Weather.RAIN, r"\brain"),
    (Weather.SNOW, r"snow is falling|snowing|snowfall|snowstorm"),
    (Weather.FOG, r"\bfog|\bmist"),
    (Weather.OVERCAST, r"overcast|cloudy|gr[ae]y sky"),
    (Weather.CLEAR, r"sunny|clear (night )?(sky|day|weather)|sky is clear"),
]
_LIGHTS: list[tuple[Light, str]] = [
    (Light.NIGHT, r"\bnight|after dark"),
    (Light.DAWN, r"\bdawn|sunrise"),
    (Light.DUSK, r"\bdusk|twilight|sunset|evening"),
    (Light.DAY, r"daytime|daylight|the day\b|morning|\bnoon|afternoon|sunny"),
]
_TYPES: list[tuple[ParticipantType, str]] = [
    (ParticipantType.PICKUP, r"pick-?up(?: truck)?s?"),
    (ParticipantType.SEDAN, r"sedans?|cars?"),
    (ParticipantType.HATCHBACK, r"hatchbacks?"),
    (ParticipantType.SUV, r"suvs?"),
    (ParticipantType.VAN, r"(?:mini)?vans?"),
    (ParticipantType.ARTICULATED_TRUCK, r"tractor-trailers?|semi-trailers?|articulated (?:trucks?|lorry|lorries)"),
    (ParticipantType.TRUCK, r"trucks?|lorry|lorries"),
    (ParticipantType.BUS, r"bus(?:es)?(?! stop| lane)"),
    (ParticipantType.MOTORCYCLE, r"motorcycl(?:es?|ists?)|motorbikes?"),
    (ParticipantType.BICYCLE, r"cyclists?(?: on (?:an? )?(?:\w+ )?bicycles?)?|bicycles?"),
    (ParticipantType.PEDESTRIAN, r"pedestrians?(?: dressed)?(?: in \w+)?"),
]
_CARS = {ParticipantType.SEDAN, ParticipantType.HATCHBACK, ParticipantType.SUV}
_COLOUR = re.compile(rf"\b({'|'.join(Colour)}|gray)\b", re.I)
_ANY_TYPE = "|".join(f"(?P<{kind}>{pattern})" for kind, pattern in _TYPES)
# Only an indefinite article or a number brings someone in: "the sedan" has been mentioned before.
_MENTION = re.compile(
    rf"\b(?P<count>an?|another|{'|'.join(NUMBERS[1:])})\b"
    r"(?: (?!(?:of|in|on|at|by|to|and|the|with|from|where|which)\b)[\w-]+){0,3}?"
    rf" (?:{_ANY_TYPE})\b",
    re.I,
)
# What names somebody who has been mentioned: "the black sedan", "the car".
_AGAIN = re.compile(rf"\bthe (?:(?P<colour>{'|'.join(Colour)}|gray) )?(?:{_ANY_TYPE})\b", re.I)

Word = TypeVar("Word", bound=StrEnum)


def scene_from_prompt(prompt: str, camera_id: str) -> Scene:
    """The scene that a prompt's words tell; ``incident_type`` is None when no incident can be read in it.

    Participants come in the order in which they are first mentioned. Who errs or strikes is at fault
    (``fault.at_fault``), else the first vehicle.
    """
    text = " ".join(prompt.split())
    incident = next(
        (incident for incident, patterns in _INCIDENTS if all(re.search(p, text, re.I) for p in patterns)), None
    )
    return Scene(
        camera_id=camera_id,
        incident_type=incident,
        participants=_participants(text, incident),
        weather=_first(_WEATHERS, text),
        light=_first(_LIGHTS, text),
        road_layout=_first(_LAYOUTS, text),
    )


def _first(patterns: list[tuple[Word, str]], text: str) -> Word | None:
    return next((word for word, pattern in patterns if re.search(pattern, text, re.I)), None)


def _participants(text: str, incident: IncidentType | None) -> tuple[Participant, ...]:
    types: list[ParticipantType] = []
    colours: list[Colour | None] = []
    references: list[Reference] = []
    for mention in _MENTION.finditer(text):
        kind = _kind_of(mention)
        colour = _COLOUR.search(mention.group())
        count = NUMBERS.index(mention["count"].lower()) if mention["count"].lower() in NUMBERS else 1
        references.append(Reference(len(types), mention.start(), mention.end()))
        types += [kind] * count
        colours += [_colour(colour.group()) if colour else None] * count
    references += _mentioned_again(text, types, colours)
    vehicles = [each for each in references if types[each.index] is not ParticipantType.PEDESTRIAN]
    errs = at_fault(text, sorted(vehicles, key=lambda each: each.start), incident)
    walking = incident in PEDESTRIAN_INCIDENTS
    if walking and ParticipantType.PEDESTRIAN not in types:
        some = 2 if re.search(r"pedestrians|people", text, re.I) else 1
        types, colours = types + [ParticipantType.PEDESTRIAN] * some, colours + [None] * some
    given = [Role.AT_FAULT if at == errs else None for at in range(len(types))]
    roles = fill_roles(types, given, incident)
    return tuple(Participant(*each) for each in zip(types, colours, roles, strict=True))


def _mentioned_again(text: str, types: list[ParticipantType], colours: list[Colour | None]) -> Iterator[Reference]:
    """What "the sedan" stands for, where there is but one that fits; "the car" is any vehicle on four wheels."""
    for again in _AGAIN.finditer(text):
        kind = _kind_of(again)
        colour = _colour(again["colour"]) if again["colour"] else None
        fitting = [
            index
            for index, (each, its_colour) in enumerate(zip(types, colours, strict=True))
            if (each is kind or ("car" in again.group().lower() and each in _CARS))
            and (colour is None or colour is its_colour)
        ]
        if len(fitting) == 1:
            yield Reference(fitting[0], again.start(), again.end())


def _kind_of(match: re.Match[str]) -> ParticipantType:
    return next(kind for kind, _ in _TYPES if match[kind])


def _colour(word: str) -> Colour:
    return Colour(word.lower().replace("gray", "grey"))
