"""Our vocabulary mapped to those of the published accident datasets."""

from __future__ import annotations

from its_core.taxonomy import CollisionType, IncidentType, Light, RoadLayout, Weather

# ACCIDENT (CVPR 2026) has day and night only; dawn and dusk count as day. Its list of layouts has no roundabout, rural
# road, tunnel or bridge, which keep our words.
ACCIDENT_WEATHER = {
    Weather.CLEAR: "normal",
    Weather.OVERCAST: "normal",
    Weather.RAIN: "rain",
    Weather.SNOW: "snow",
    Weather.FOG: "fog",
}
ACCIDENT_DAY_TIME = {Light.DAWN: "day", Light.DAY: "day", Light.DUSK: "day", Light.NIGHT: "night"}
ACCIDENT_LAYOUT = {
    RoadLayout.FOUR_WAY_INTERSECTION: "signalized_intersection",
    RoadLayout.T_INTERSECTION: "simple_intersection",
    RoadLayout.ROUNDABOUT: "roundabout",
    RoadLayout.HIGHWAY: "highway",
    RoadLayout.URBAN_STREET: "city_street",
    RoadLayout.RURAL_ROAD: "rural_road",
    RoadLayout.HIGHWAY_RAMP: "grade_separated_intersection",
    RoadLayout.WORK_ZONE: "highway",
    RoadLayout.TUNNEL: "tunnel",
    RoadLayout.BRIDGE: "bridge",
}

# DoTA (Yao et al., 2022) has classes by how the parties moved; "other" because no crash involves the camera.
_DOTA_BY_COLLISION = {
    CollisionType.HEAD_ON: "oncoming",
    CollisionType.REAR_END: "moving_ahead_or_waiting",
    CollisionType.SIDESWIPE: "lateral",
    CollisionType.SINGLE: "unknown",
    CollisionType.T_BONE: "turning",
}

_VULNERABLE = frozenset(
    {IncidentType.PEDESTRIAN_COLLISION, IncidentType.CYCLIST_COLLISION, IncidentType.MOTORCYCLIST_COLLISION}
)


def dota_class(incident: IncidentType | None, collision: CollisionType | None) -> str | None:
    """DoTA's accident class; None for near-misses and normal traffic, which DoTA does not count."""
    if incident in _VULNERABLE:
        return "other: pedestrian"  # DoTA counts riders with the pedestrians
    if collision is None or (incident is not None and not incident.has_contact):
        return None
    return f"other: {_DOTA_BY_COLLISION[collision]}"
