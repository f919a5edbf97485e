"""What participants are called: at first mention ("another white sedan"), and after that ("the second white sedan")."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from its_core.clip import Participant
from its_core.taxonomy import ParticipantType

_NOUNS: dict[ParticipantType, str] = {
    ParticipantType.SEDAN: "sedan",
    ParticipantType.HATCHBACK: "hatchback",
    ParticipantType.SUV: "SUV",
    ParticipantType.PICKUP: "pickup truck",
    ParticipantType.VAN: "delivery van",
    ParticipantType.TRUCK: "heavy truck",
    ParticipantType.ARTICULATED_TRUCK: "tractor-trailer",
    ParticipantType.BUS: "bus",
    ParticipantType.MOTORCYCLE: "motorcycle",
    ParticipantType.BICYCLE: "cyclist",
    ParticipantType.PEDESTRIAN: "pedestrian",
}
_SHORT_NOUNS = {ParticipantType.PICKUP: "pickup", ParticipantType.VAN: "van", ParticipantType.TRUCK: "truck"}
NUMBERS = ("", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
ORDINALS = ("", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")


@dataclass(frozen=True, slots=True)
class Name:
    """One participant's, or a group's: ``first`` brings it in, ``again`` speaks of it later."""

    first: str
    again: str
    plural: bool = False


def one(participant: Participant, mentioned: Sequence[Participant], cast: Sequence[Participant]) -> Name:
    """The name of one participant after the ``mentioned`` ones, in a text that brings in all of ``cast``."""
    before = sum(_alike(participant, other) for other in mentioned)
    noun = _noun(participant, 1)
    again_noun = _SHORT_NOUNS.get(participant.type, _NOUNS[participant.type])
    if sum(_alike(participant, other) for other in cast) > 1:
        again = f"the {ORDINALS[before + 1]} {noun}" if before < 10 else f"the last {noun}"
    elif sum(other.type is participant.type for other in cast) > 1:
        again = f"the {noun}" if participant.colour else f"the other {again_noun}"
    else:
        again = f"the {again_noun}"
    return Name(f"{_article(before, noun)} {noun}", again)


def group(members: Sequence[Participant], mentioned: Sequence[Participant], cast: Sequence[Participant]) -> Name:
    """The name of several participants together; there must be one at least."""
    if len(members) == 1:
        return one(members[0], mentioned, cast)
    counts = Counter((member.type, member.colour) for member in members)
    parts = []
    for (kind, colour), count in counts.items():
        member = Participant(kind, colour)
        before = sum(_alike(member, other) for other in mentioned)
        noun = _noun(member, count)
        parts.append(
            f"{NUMBERS[count]}{' more' if before else ''} {noun}" if count > 1 else f"{_article(before, noun)} {noun}"
        )
    on_foot = all(member.type is ParticipantType.PEDESTRIAN for member in members)
    return Name(listed(parts), "the pedestrians" if on_foot else "the others", plural=True)


def listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _alike(one: Participant, other: Participant) -> bool:
    return one.type is other.type and one.colour is other.colour


def _noun(participant: Participant, count: int) -> str:
    noun, colour = _NOUNS[participant.type], participant.colour
    many = noun if count == 1 else noun + ("es" if noun.endswith("s") else "s")
    if participant.type is ParticipantType.PEDESTRIAN:
        return f"{many} dressed in {colour}" if colour else many
    if participant.type is ParticipantType.BICYCLE and colour:
        return f"{many} on {_article(0, colour)} {colour} bicycle" if count == 1 else f"{many} on {colour} bicycles"
    return f"{colour} {many}" if colour else many


def _article(before: int, noun: str) -> str:
    if before == 0:
        return "an" if noun.startswith(("SUV", "orange")) else "a"
    return "another" if before == 1 else f"a {ORDINALS[before + 1]}" if before < 10 else "yet another"
