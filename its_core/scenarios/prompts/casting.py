"""Who plays which part in an incident, and the words that a prompt has for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from its_core.clip import Participant
from its_core.scenarios.prompts.naming import Name, group, one
from its_core.scenarios.roles import PEDESTRIAN_INCIDENTS, RIDERS
from its_core.taxonomy import IncidentType, ParticipantType, Role


class Shape(NamedTuple):
    """What decides the form of the sentences: who errs, and whether those who may be many are."""

    pedestrians_err: bool
    plural: bool
    others: int  # 0 none, 1 one, 2 several
    bystanders: int


@dataclass(frozen=True, slots=True)
class Cast:
    """``words``: A and B bring in the one at fault and the one who suffers it, a and b speak of them again; P and p are
    the pedestrians, Hit who takes the
    impact, Tipped who may roll over, Others whoever else is involved, Crowd the bystanders. Each has a form
    with ``_`` behind it for the beginning of a sentence."""

    words: dict[str, str]
    shape: Shape


_RIDER_NOUNS = {ParticipantType.BICYCLE: "cyclist", ParticipantType.MOTORCYCLE: "motorcyclist"}
_STRUCK = {
    incident: Name(f"a {_RIDER_NOUNS[rider]}", f"the {_RIDER_NOUNS[rider]}") for incident, rider in RIDERS.items()
}


@lru_cache(maxsize=65_536)
def cast_of(incident: IncidentType, participants: tuple[Participant, ...]) -> Cast:
    on_foot = incident in PEDESTRIAN_INCIDENTS
    alone = on_foot or incident is IncidentType.SINGLE_VEHICLE_CRASH
    involved = [p for p in participants if p.role is not Role.BYSTANDER and incident.is_anomaly]
    watching = [p for p in participants if p.role is Role.BYSTANDER or not incident.is_anomaly]
    walking = [p for p in involved if on_foot and p.type is ParticipantType.PEDESTRIAN]
    # A stable sort: those at fault first, each group in the row's order.
    driving = sorted((p for p in involved if p not in walking), key=lambda p: p.role is not Role.AT_FAULT)
    leads, others = (driving[:1], driving[1:]) if alone else (driving[:2], driving[2:])
    err = any(p.role is Role.AT_FAULT for p in walking) and not any(p.role is Role.AT_FAULT for p in driving)
    everyone = [*walking, *leads, *others, *watching] if err else [*leads, *walking, *others, *watching]

    def together(members: Sequence[Participant], first: int) -> Name | None:
        return group(members, everyone[:first], everyone) if members else None

    first_lead = len(walking) if err else 0
    names = [one(p, everyone[: first_lead + at], everyone) for at, p in enumerate(leads)]
    a = names[0] if names else Name("a car", "the car")
    b = names[1] if len(names) > 1 else _STRUCK.get(incident, Name("another vehicle", "the other vehicle"))
    walkers = together(walking, 0 if err else len(leads))
    if walkers is None:
        walkers = Name("a pedestrian", "the pedestrian") if on_foot else Name("", "the pedestrians nearby", plural=True)
    rest = together(others, len(walking) + len(leads))
    crowd = together(watching, len(involved))
    many = rest if incident is IncidentType.MULTI_VEHICLE_PILEUP else crowd if not incident.is_anomaly else walkers
    words = {
        "A": a.first,
        "a": a.again,
        "B": b.first,
        "b": b.again,
        "P": walkers.first,
        "p": walkers.again,
        "Hit": (walkers if on_foot else a if alone else b).again,
        "Tipped": a.again,
        "Others": rest.first if rest else "more vehicles behind",
        "Crowd": crowd.first if crowd else "all vehicles",
    }
    words |= {f"{word}_": said[:1].upper() + said[1:] for word, said in words.items()}
    shape = Shape(err, many is None or many.plural, min(len(others), 2), min(len(watching), 2))
    return Cast(words, shape)
