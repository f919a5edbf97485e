"""Clip requests for tests of batch files."""

from typing import Any

from its_core.clip import ClipRequest, Geometry, Participant, Scene
from its_core.taxonomy import Colour, IncidentType, ParticipantType, Role


def request(**changes: Any) -> ClipRequest:
    values = {
        "clip_id": "ab12",
        "scenario_id": "crossing",
        "variant": 1,
        "seed": 5,
        "prompt": "A camera …",
        "negative_prompt": "blur",
        "guidance": 7.0,
        "geometry": Geometry.of("720", 16),
        "scene": Scene(
            "cam-1",
            IncidentType.REAR_END_COLLISION,
            participants=(Participant(ParticipantType.VAN, Colour.WHITE, Role.AT_FAULT),),
        ),
        "input_path": "/frames/a.jpg",
        "input_sha256": "f" * 64,
    }
    return ClipRequest(**(values | changes))
