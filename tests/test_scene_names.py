"""What a scene's words do to the names of clips."""

from dataclasses import replace

from its_core.clip import Scene, scene_json
from its_core.taxonomy import CameraWord, Cause, IncidentType, Severity

PLAIN = Scene("cam-1", IncidentType.REAR_END_COLLISION)


def test_a_scene_that_uses_no_later_column_is_written_as_it_always_was():
    assert scene_json(PLAIN) == (
        '{"camera_id":"cam-1","incident_type":"rear_end_collision","collision_type":null,"participants":[],'
        '"weather":null,"light":null,"road_layout":null,"road_surface":null,"traffic_density":null,"aftermath":null}'
    )


def test_every_later_column_changes_the_name():
    asked = [
        replace(PLAIN, cause=Cause.INATTENTION),
        replace(PLAIN, severity=Severity.SEVERE),
        replace(PLAIN, averted_incident=IncidentType.REAR_END_COLLISION),
        replace(PLAIN, camera=(CameraWord.NEAR,)),
    ]
    assert len({scene_json(scene) for scene in [PLAIN, *asked]}) == 5
