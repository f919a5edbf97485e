"""The tasks of AI City's traffic-anomaly track (2026, track 3), one function each, from facts alone.

Each yields items of question, answer and reasoning. A task yields nothing where its answer is not known.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

from its_core.dataset.questions.facts import Facts
from its_core.taxonomy import CollisionType, IncidentType

_LETTERS = "ABCD"
_CAUSES = {
    "red_light_running": "runs a red light",
    "failure_to_yield": "fails to yield",
    "left_turn_across_path": "turns left across the path of oncoming traffic",
    "following_too_closely": "follows too closely",
    "inattention": "does not pay attention to the road",
    "unsafe_lane_change": "changes lanes without room",
    "fell_asleep": "has fallen asleep",
    "loss_of_control": "loses control",
    "stepped_out": "steps out into the traffic",
}


class Item(NamedTuple):
    question: str
    answer: str
    reasoning: str


def yes_no(facts: Facts) -> Iterator[Item]:
    """Whether something touches, and whether it is of one kind that it is and one that it is not."""
    incident = facts.incident
    if incident is None:
        return
    touches = incident.has_contact
    yield Item("Does a collision occur in the video?\nAnswer with Yes or No.", _yes(touches), _moment(facts))
    if touches and facts.known("type") is not None:
        kinds = [kind.value for kind in CollisionType if kind.value != facts.known("type")]
        for kind in (facts.known("type"), kinds[_draw(facts, "kind", len(kinds))]):
            question = f"Is the collision in the video of the kind {kind}?\nAnswer with Yes or No."
            yield Item(question, _yes(kind == facts.known("type")), _moment(facts))


def multiple_choice(facts: Facts) -> Iterator[Item]:
    """Which incident, out of four."""
    incident = facts.incident
    if incident is None:
        return
    others = sorted(word.value for word in IncidentType if word is not incident)
    start = _draw(facts, "others", len(others))
    options = [others[(start + 5 * step) % len(others)] for step in range(3)]
    options.insert(_draw(facts, "place", 4), incident.value)
    listed = "\n".join(f"{letter}. {_plain(word)}" for letter, word in zip(_LETTERS, options, strict=True))
    question = f"What happens in the video?\n{listed}\nAnswer with one letter."
    yield Item(question, _LETTERS[options.index(incident.value)], _moment(facts))


def temporal_localisation(facts: Facts) -> Iterator[Item]:
    """When the incident can be seen, and the moment of first contact."""
    window = facts.window_s
    if window is not None:
        question = "From when to when can the incident be seen? Answer with start and end in seconds."
        yield Item(question, f"{window[0]:.2f}, {window[1]:.2f}", _moment(facts))
    if facts.known("accident_time") is not None:
        question = "When do the parties first touch? Answer in seconds."
        yield Item(question, f"{facts.known('accident_time'):.2f}", _moment(facts))


def cause_and_effect(facts: Facts) -> Iterator[Item]:
    """What goes wrong first, and what follows from it."""
    cause, incident = facts.known("cause"), facts.incident
    if cause is None or incident is None:
        return
    who = facts.culprit or "one party"
    answer = f"{who.capitalize()} {_CAUSES.get(cause, _plain(cause))}; the result is a {_plain(incident.value)}."
    yield Item("What causes the incident, and what is its effect?", answer, _moment(facts))


def open_questions(facts: Facts) -> Iterator[Item]:
    """Who takes part, and who is at fault."""
    involved = [who for who in (facts.culprit, facts.other) if who is not None]
    if involved:
        yield Item("Who is involved in the incident?", _sentence(" and ".join(involved)), _moment(facts))
    if facts.culprit is not None:
        yield Item("Who is at fault?", _sentence(facts.culprit), _moment(facts))


def scene_description(facts: Facts) -> Iterator[Item]:
    """Place, light and weather."""
    named = {"a": "road_layout", "in": "weather_condition", "at": "light"}
    words = {key: _plain(facts.known(name)) for key, name in named.items() if facts.known(name) is not None}
    if "a" not in words:
        return
    answer = f"A fixed camera looks at a {words['a']}"
    answer += f" at {words['at']}" if "at" in words else ""
    answer += f", the weather is {words['in']}" if "in" in words else ""
    yield Item("Describe the scene.", answer + ".", "The labels of place, light and weather.")


def temporal_description(facts: Facts) -> Iterator[Item]:
    """The phases, in seconds."""
    annotations = facts.annotations
    if annotations is None or not annotations.phases:
        return
    parts = [
        f"{phase.start / annotations.fps:.2f} to {phase.end / annotations.fps:.2f} s: {phase.name}"
        for phase in annotations.phases
    ]
    yield Item("Describe the phases of the video with their times.", "; ".join(parts) + ".", _moment(facts))


def summary(facts: Facts) -> Iterator[Item]:
    """The caption in the guide's four parts."""
    caption = facts.caption()
    if caption is not None:
        yield Item("Summarise the video.", " ".join(caption.values()), _moment(facts))


# By the names of the track's files.
TASKS: dict[str, Callable[[Facts], Iterator[Item]]] = {
    "bcq": yes_no,
    "mcq": multiple_choice,
    "temporal_localization": temporal_localisation,
    "causal_linkage": cause_and_effect,
    "open_qa": open_questions,
    "scene_description": scene_description,
    "temporal_description": temporal_description,
    "video_summarization": summary,
}


def _moment(facts: Facts) -> str:
    """What the answer follows from."""
    incident = facts.incident
    assert incident is not None or facts.window_s is not None or facts.annotations is not None
    if facts.known("accident_time") is not None:
        parties = [who for who in (facts.culprit, facts.other) if who is not None]
        names = f" between {' and '.join(parties)}" if len(parties) == 2 else ""
        return f"The first contact{names} is at {facts.known('accident_time'):.2f} s."
    if facts.window_s is not None:
        return f"The incident can be seen from {facts.window_s[0]:.2f} to {facts.window_s[1]:.2f} s; nothing touches."
    return "Nothing touches in the whole video."


def _draw(facts: Facts, what: str, count: int) -> int:
    """A choice that follows from the clip."""
    digest = hashlib.sha256(f"{facts.row['clip_id']} {what}".encode()).digest()
    return int.from_bytes(digest[:4], "big") % count


def _yes(true: bool) -> str:
    return "Yes" if true else "No"


def _plain(word: str) -> str:
    return str(word).replace("_", " ")


def _sentence(words: str) -> str:
    return words[0].upper() + words[1:] + "."
