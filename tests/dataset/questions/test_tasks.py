"""Answers follow from the truth; what was only asked for is not said."""

from typing import Any

import pytest

from its_core.annotations import Annotations, Phase
from its_core.dataset.questions.facts import Facts
from its_core.dataset.questions.tasks import TASKS
from tests.dataset import samples

KNOWN = {
    "incident_type": "rear_end_collision",
    "type": "rear-end",
    "cause": "following_too_closely",
    "accident_time": 2.4,
    "anomaly_start_time": 1.5,
    "anomaly_end_time": 4.0,
    "participants": [
        {"type": "sedan", "colour": "black", "role": "at_fault"},
        {"type": "pickup", "colour": "silver", "role": "not_at_fault"},
    ],
    "road_layout": "highway",
    "light": "dusk",
    "weather_condition": "overcast",
    "aftermaths": ["pushed_forward"],
}


def facts(source: str = "simulated", annotations: Annotations | None = None, **changes: Any) -> Facts:
    labels = KNOWN | changes
    sources = {name: {"source": source, "confidence": None} if value else None for name, value in labels.items()}
    return Facts({"clip_id": "ab", "camera_id": "cam", "seed": 3, **labels, "sources": sources}, annotations)


def answers(task: str, told: Facts) -> list[str]:
    return [item.answer for item in TASKS[task](told)]


def test_every_answer_is_the_labels_own() -> None:
    told = facts()
    assert answers("bcq", told) == ["Yes", "Yes", "No"]
    (choice,) = TASKS["mcq"](told)
    assert f"{choice.answer}. rear end collision" in choice.question
    assert answers("temporal_localization", told) == ["1.50, 4.00", "2.40"]
    assert answers("causal_linkage", told) == [
        "The black sedan follows too closely; the result is a rear end collision."
    ]
    assert answers("open_qa", told) == ["The black sedan and the silver pickup.", "The black sedan."]
    assert answers("scene_description", told) == ["A fixed camera looks at a highway at dusk, the weather is overcast."]
    assert all("2.40 s" in item.reasoning for item in TASKS["bcq"](told))


def test_captions_have_the_guides_four_parts() -> None:
    caption = facts().caption()
    assert list(caption) == ["camera", "scene", "incident", "aftermath"]
    assert "camera" in caption["camera"].lower()
    assert "black sedan" in caption["incident"]
    assert "aftermath" not in facts(aftermaths=None).caption()


def test_normal_traffic_has_neither_time_nor_culprit() -> None:
    nothing = dict.fromkeys(KNOWN) | {"incident_type": "normal_traffic", "participants": []}
    told = facts(**nothing)
    assert answers("bcq", told) == ["No"]
    assert answers("temporal_localization", told) == answers("causal_linkage", told) == answers("open_qa", told) == []


@pytest.mark.parametrize("task", TASKS)
def test_what_was_only_asked_for_is_not_said(task: str) -> None:
    assert answers(task, facts("requested")) == []
    assert facts("requested").caption() is None


def test_phases_come_from_the_annotations() -> None:
    phases = [Phase(name="before", start=0, end=2), Phase(name="conflict", start=2, end=4)]
    told = facts(annotations=samples.truth().model_copy(update={"phases": phases}))
    assert answers("temporal_description", told) == ["0.00 to 0.12 s: before; 0.12 to 0.25 s: conflict."]
