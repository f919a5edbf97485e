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
    CYCLIST_COLLISION = "cyclist_collision"
    MOTORCYCLIST_COLLISION = "motorcyclist_collision"
    PEDESTRIAN_NEAR_MISS = "pedestrian_near_miss"
    VEHICLE_NEAR_MISS = "vehicle_near_miss"
    NORMAL_TRAFFIC = "normal_traffic"
    CONGESTED_TRAFFIC = "congested_traffic"
    HARD_BRAKING = "hard_braking"
    CLOSE_PASS = "close_pass"
    ILLEGAL_TURN = "illegal_turn"
    STOPPED_VEHICLE = "stopped_vehicle"
    JAYWALKING = "jaywalking"
    EMERGENCY_VEHICLE = "emergency_vehicle"
    ROAD_WORKS = "road_works"

    @property
    def is_anomaly(self) -> bool:
        """Whether something goes wrong: a crash or a near-miss. The other words are traffic in which nothing does."""
        return self in _CRASHES or self in _NEAR_MISSES

    @property
    def has_contact(self) -> bool:
        """Whether the incident is one in which bodies touch (a crash)."""
        return self in _CRASHES


_NEAR_MISSES = frozenset({IncidentType.PEDESTRIAN_NEAR_MISS, IncidentType.VEHICLE_NEAR_MISS})
_CRASHES = frozenset(
    {
        IncidentType.INTERSECTION_COLLISION,
        IncidentType.REAR_END_COLLISION,
        IncidentType.HEAD_ON_COLLISION,
        IncidentType.SIDESWIPE_COLLISION,
        IncidentType.SINGLE_VEHICLE_CRASH,
        IncidentType.MULTI_VEHICLE_PILEUP,
        IncidentType.PEDESTRIAN_COLLISION,
        IncidentType.CYCLIST_COLLISION,
        IncidentType.MOTORCYCLIST_COLLISION,
    }
)


class Cause(StrEnum):
    """What goes wrong first: the error that leads to an incident."""

    RED_LIGHT_RUNNING = "red_light_running"
    FAILURE_TO_YIELD = "failure_to_yield"
    LEFT_TURN_ACROSS_PATH = "left_turn_across_path"
    FOLLOWING_TOO_CLOSELY = "following_too_closely"
    INATTENTION = "inattention"
    UNSAFE_LANE_CHANGE = "unsafe_lane_change"
    FELL_ASLEEP = "fell_asleep"
    LOSS_OF_CONTROL = "loss_of_control"
    STEPPED_OUT = "stepped_out"


class Severity(StrEnum):
    """How hard a crash is, by the largest change of speed (delta-v) that a vehicle suffers in it: below 15 km/h, from
    there to 35 km/h, above. Where only a person or a rider is struck, the speed at which they are struck decides."""

    MINOR = "minor"
    MODERATE = "moderate"
    SEVERE = "severe"


class CameraWord(StrEnum):
    """How a camera is to see the incident where it shall differ from what real cameras do on the whole."""

    NEAR = "near"
    FAR = "far"
    CENTRED = "centred"
    EDGE = "edge"
    SHARP = "sharp"
    POOR = "poor"

    @property
    def opposite(self) -> CameraWord:
        return _OPPOSITES[self]


_OPPOSITES = {
    CameraWord.NEAR: CameraWord.FAR,
    CameraWord.FAR: CameraWord.NEAR,
    CameraWord.CENTRED: CameraWord.EDGE,
    CameraWord.EDGE: CameraWord.CENTRED,
    CameraWord.SHARP: CameraWord.POOR,
    CameraWord.POOR: CameraWord.SHARP,
}


class CollisionType(StrEnum):
    """The words of the ACCIDENT benchmark (CVPR 2026) for the kind of crash."""

    HEAD_ON = "head-on"
    REAR_END = "rear-end"
    SIDESWIPE = "sideswipe"
    SINGLE = "single"
    T_BONE = "t-bone"


class ParticipantType(StrEnum):
    SEDAN = "sedan"
    HATCHBACK = "hatchback"
    SUV = "suv"
    PICKUP = "pickup"
    VAN = "van"
    TRUCK = "truck"
    ARTICULATED_TRUCK = "articulated_truck"
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
    DAWN = "dawn"
    DAY = "day"
    DUSK = "dusk"
    NIGHT = "night"


class RoadLayout(StrEnum):
    FOUR_WAY_INTERSECTION = "four_way_intersection"
    T_INTERSECTION = "t_intersection"
    ROUNDABOUT = "roundabout"
    HIGHWAY = "highway"
    URBAN_STREET = "urban_street"
    RURAL_ROAD = "rural_road"
    HIGHWAY_RAMP = "highway_ramp"
    WORK_ZONE = "work_zone"
    TUNNEL = "tunnel"
    BRIDGE = "bridge"


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
    ROLLS_OVER = "rolls_over"
    SECONDARY_COLLISION = "secondary_collision"
    DRIVES_ON = "drives_on"
    PEDESTRIANS_RETREAT = "pedestrians_retreat"
    TRAFFIC_FLOWS = "traffic_flows"


class ImageQuality(StrEnum):
    """The grades of the ACCIDENT benchmark for a camera's picture."""

    VERY_POOR = "Very_Poor"
    POOR = "Poor"
    FINE = "Fine"
    GOOD = "Good"


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
