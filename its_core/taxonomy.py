"""The vocabulary of scenarios."""

from __future__ import annotations

from enum import StrEnum


class IncidentType(StrEnum):
    INTERSECTION_COLLISION = "intersection_collision"
    REAR_END_COLLISION = "rear_end_collision"
    HEAD_ON_COLLISION = "head_on_collision"
    SIDESWIPE_COLLISION = "sideswipe_collision"
    SINGLE_VEHICLE_CRASH = "single_vehicle_crash"
    MULTI_VEHICLE_PILEUP = "multi_vehicle_pileup"
    PEDESTRIAN_COLLISION = "pedestrian_collision"
    PEDESTRIAN_NEAR_MISS = "pedestrian_near_miss"
    VEHICLE_NEAR_MISS = "vehicle_near_miss"
    NORMAL_TRAFFIC = "normal_traffic"

    @property
    def has_contact(self) -> bool:
        """Whether the incident is one in which bodies touch (a crash, not a near-miss or normal traffic)."""
        return self not in {self.PEDESTRIAN_NEAR_MISS, self.VEHICLE_NEAR_MISS, self.NORMAL_TRAFFIC}

    @property
    def is_anomaly(self) -> bool:
        return self is not self.NORMAL_TRAFFIC


class CollisionType(StrEnum):
    """The words of the ACCIDENT benchmark (CVPR 2026) for the kind of crash."""

    HEAD_ON = "head-on"
    REAR_END = "rear-end"
    SIDESWIPE = "sideswipe"
    SINGLE = "single"
    T_BONE = "t-bone"


class ParticipantType(StrEnum):
    SEDAN = "sedan"
    SUV = "suv"
    PICKUP = "pickup"
    VAN = "van"
    TRUCK = "truck"
    BUS = "bus"
    MOTORCYCLE = "motorcycle"
    BICYCLE = "bicycle"
    PEDESTRIAN = "pedestrian"


class Colour(StrEnum):
    WHITE = "white"
    SILVER = "silver"
    GREY = "grey"
    BLACK = "black"
    RED = "red"
    BLUE = "blue"
    GREEN = "green"
    YELLOW = "yellow"
    ORANGE = "orange"
    BROWN = "brown"
    BEIGE = "beige"


class Role(StrEnum):
    AT_FAULT = "at_fault"
    NOT_AT_FAULT = "not_at_fault"
    BYSTANDER = "bystander"


class Weather(StrEnum):
    CLEAR = "clear"
    OVERCAST = "overcast"
    RAIN = "rain"
    SNOW = "snow"
    FOG = "fog"


class Light(StrEnum):
    DAY = "day"
    DUSK = "dusk"
    NIGHT = "night"


class RoadLayout(StrEnum):
    FOUR_WAY_INTERSECTION = "four_way_intersection"
    T_INTERSECTION = "t_intersection"
    ROUNDABOUT = "roundabout"
    HIGHWAY = "highway"
    URBAN_STREET = "urban_street"


class RoadSurface(StrEnum):
    DRY = "dry"
    WET = "wet"
    SNOWY = "snowy"
    ICY = "icy"


class TrafficDensity(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Aftermath(StrEnum):
    VEHICLES_BLOCK_TRAFFIC = "vehicles_block_traffic"
    VEHICLES_STOP = "vehicles_stop"
    PUSHED_FORWARD = "pushed_forward"
    SPINS_OUT = "spins_out"
    DRIVES_ON = "drives_on"
    PEDESTRIANS_RETREAT = "pedestrians_retreat"
    TRAFFIC_FLOWS = "traffic_flows"


class Split(StrEnum):
    TRAIN = "train"
    VAL = "val"
    TEST = "test"


# The collision an incident implies when the row names none. A pedestrian struck has no word in ACCIDENT's list.
DEFAULT_COLLISION: dict[IncidentType, CollisionType] = {
    IncidentType.INTERSECTION_COLLISION: CollisionType.T_BONE,
    IncidentType.REAR_END_COLLISION: CollisionType.REAR_END,
    IncidentType.HEAD_ON_COLLISION: CollisionType.HEAD_ON,
    IncidentType.SIDESWIPE_COLLISION: CollisionType.SIDESWIPE,
    IncidentType.SINGLE_VEHICLE_CRASH: CollisionType.SINGLE,
    IncidentType.MULTI_VEHICLE_PILEUP: CollisionType.REAR_END,
}
