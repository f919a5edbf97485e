"""Who is at fault in a hand-typed prompt: who errs, else who strikes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from its_core.taxonomy import IncidentType

_ERRS = re.compile(
    r"red (light|signal)|without (yielding|looking|slowing)|not yield|cut\w* (across|in)|tailgat|follow(?!ed)|"
    r"too close|closes up|crashes into|slams (?!on\b|the\b|its\b)|does not slow|loses control|drifts|strays|veers|"
    r"changes lanes|too fast|turns sharply",
    re.I,
)
_HITS = (
    r"(?:hits|hitting|strikes|striking|rear-?ends|rear-?ending|rams|ramming|bumps|bumping|shunts|"
    r"(?:crash|smash|slam|plow|plough|run|drive|bump|barrel)\w* (?:straight |right |hard )?into|collid\w+ with|"
    r"t-bones|sideswipes|clips|knocks? (?:into|down))"
)
_STRIKES = re.compile(rf"\b{_HITS}\b", re.I)
_IS_STRUCK = re.compile(
    r"\b(?:is|are|was|gets?|got|being|been) (?:\w+ ){0,2}?"
    r"(?:hit|struck|rear-?ended|rammed|bumped|shunted|t-boned|sideswiped|clipped|followed|knocked (?:down|over))\b",
    re.I,
)
_BETWEEN_SUBJECT_AND_VERB = re.compile(r"(?:(?!\band\b|\bbut\b|\bthen\b)[^.;])*", re.I)


@dataclass(frozen=True, slots=True)
class Reference:
    """Where a text names a participant: the ``index`` of the one it stands for, and the characters from ``start`` to
    ``end``."""

    index: int
    start: int
    end: int


def at_fault(text: str, references: Sequence[Reference], incident: IncidentType | None) -> int | None:
    """The participant at fault, of those that ``references`` (in the order of the text) name; None where the text does
    not say.

    In a rear-end collision it is the one that strikes. Elsewhere the one that is said to err ("runs the red light")
    comes before the one that strikes.
    """
    rules = [_who_errs, _who_strikes]
    if incident is IncidentType.REAR_END_COLLISION:
        rules.reverse()
    return next((index for rule in rules if (index := rule(text, references)) is not None), None)


def _who_errs(text: str, references: Sequence[Reference]) -> int | None:
    """The first whose name is followed by an error, before the next name or the end of the sentence."""
    ends = [*(reference.start for reference in references[1:]), len(text)]
    for reference, end in zip(references, ends, strict=False):
        if _ERRS.search(text[reference.end : end].partition(". ")[0]):
            return reference.index
    return None


def _who_strikes(text: str, references: Sequence[Reference]) -> int | None:
    """The subject of the first strike: of "hits" what stands before it, of "is hit by" what stands after it."""
    for strike in re.finditer(rf"{_IS_STRUCK.pattern}|{_STRIKES.pattern}", text, re.I):
        if _IS_STRUCK.fullmatch(strike.group()):
            struck = _subject(text, references, strike.start())
            agent = next((each for each in references if each.start > strike.end()), None)
            if agent is not None and re.search(r"\bby\b", text[strike.end() : agent.start], re.I):
                return agent.index
            others = [each.index for each in references if each.index != struck]
            if struck is not None and others:
                return others[0]
        elif (subject := _subject(text, references, strike.start())) is not None:
            return subject
    return None


def _subject(text: str, references: Sequence[Reference], verb: int) -> int | None:
    """What a verb at a position is said of: the name right before it, or, after "and", the sentence's first one."""
    begin = text.rfind(". ", 0, verb) + 1
    before = [each for each in references if begin <= each.start and each.end <= verb]
    if not before:
        return None
    is_next = _BETWEEN_SUBJECT_AND_VERB.fullmatch(text[before[-1].end : verb]) is not None
    return before[-1].index if is_next else before[0].index
