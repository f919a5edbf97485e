"""Captions tell what was observed and leave out what was only asked for."""

from __future__ import annotations

from typing import Any

import pytest

from its_core.post_training.data.captions import NotObserved, caption_of, observed_aftermath, observed_scene
from its_core.scenarios.prompts.compose import lint
from its_core.taxonomy import Aftermath, IncidentType, Weather
from tests.dataset.samples import truth


def row(**sources: str) -> dict[str, Any]:
    labels = {
        "incident_type": "rear_end_collision",
        "type": "rear-end",
        "participants": [
            {"type": "sedan", "colour": "red", "role": "at_fault"},
            {"type": "suv", "colour": None, "role": "not_at_fault"},
        ],
        "weather_condition": "overcast",
        "light": "day",
        "road_layout": "highway",
        "road_surface": None,
        "traffic_density": "high",
        "aftermath": "pushed_forward",
    }
    told = dict.fromkeys(labels, "simulated") | sources
    return labels | {
        "camera_id": "north",
        "sources": {label: {"source": source, "confidence": None} for label, source in told.items()},
    }


def test_what_was_observed_is_told_in_four_parts() -> None:
    caption = caption_of(observed_scene(row(), None), "clip")
    assert lint(caption) == []
    for word in ("red sedan", "SUV", "highway", "overcast"):
        assert word in caption
    assert caption == caption_of(observed_scene(row(), None), "clip")
    assert len({caption_of(observed_scene(row(), None), str(number)) for number in range(9)}) > 5


def test_what_was_only_asked_for_is_left_out() -> None:
    scene = observed_scene(row(weather_condition="requested", traffic_density="requested", aftermath="requested"), None)
    assert (scene.weather, scene.traffic_density, scene.aftermath) == (None, None, None)
    caption = caption_of(scene, "clip")
    assert "overcast" not in caption
    assert "heavy" not in caption
    assert "highway" in caption


@pytest.mark.parametrize("source", ["detected", "human"])
def test_what_others_observed_counts(source: str) -> None:
    assert observed_scene(row(weather_condition=source), None).weather is Weather.OVERCAST


def test_an_incident_that_was_only_asked_for_is_not_captioned() -> None:
    with pytest.raises(NotObserved) as caught:
        observed_scene(row(incident_type="requested"), None)
    assert caught.value.code == "post_training.clip.not_observed"


def test_words_of_a_later_version_are_left_out() -> None:
    assert observed_scene(row() | {"weather_condition": "hail"}, None).weather is None


def with_end(speeds_mps: tuple[float, float], **changes: Any) -> Any:
    """The truth of two cars that touch, with their speeds in the last frame."""
    told = truth()
    tracks = []
    for track, speed in zip(told.tracks[:2], speeds_mps, strict=True):
        last = track.frames[-1].model_copy(update={"speed_mps": speed})
        tracks.append(track.model_copy(update={"frames": [*track.frames[:-1], last]}))
    return told.model_copy(update={"tracks": tracks, **changes})


@pytest.mark.parametrize(
    ("annotations", "aftermath"),
    [
        (None, None),
        (with_end((0.0, 0.1)), Aftermath.VEHICLES_STOP),
        (with_end((9.0, 0.0)), Aftermath.DRIVES_ON),
        (with_end((1.0, 5.0)), None),
        (with_end((0.0, 0.0), aftermaths=["spins_out"]), Aftermath.SPINS_OUT),
    ],
)
def test_how_it_ended_is_read_off_the_truth(annotations: Any, aftermath: Aftermath | None) -> None:
    assert observed_aftermath(IncidentType.REAR_END_COLLISION, annotations) == aftermath


def test_an_end_that_has_no_words_is_left_open() -> None:
    scene = observed_scene(row() | {"incident_type": "normal_traffic", "aftermath": "spins_out"}, None)
    assert lint(caption_of(scene, "clip")) == []
