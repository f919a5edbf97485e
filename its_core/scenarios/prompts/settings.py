"""The first two parts of a prompt: the camera, and the place, time, weather and traffic that it looks at.

A slot is a choice of sentences that ask for the same.
"""

from __future__ import annotations

from functools import lru_cache

from its_core.taxonomy import Light, RoadLayout, RoadSurface, TrafficDensity, Weather

Slot = tuple[str, ...]

CAMERA: Slot = (
    "Footage from a fixed traffic CCTV camera, mounted high on a pole and perfectly still.",
    "A stationary surveillance camera looks down from a mast; its view never moves.",
    "Seen through a static CCTV camera high on a pole, in one continuous shot.",
    "A fixed traffic camera records from above in one unbroken, motionless shot.",
    "The picture comes from a static traffic surveillance camera that neither pans nor zooms.",
)

_PLACES: dict[RoadLayout, Slot] = {
    RoadLayout.FOUR_WAY_INTERSECTION: (
        "a four-way intersection with traffic lights, framed by sidewalks and buildings",
        "a signalised four-way intersection between blocks of buildings",
    ),
    RoadLayout.T_INTERSECTION: (
        "a T-intersection where a side road meets the main road",
        "a T-intersection with a side road joining from one side",
    ),
    RoadLayout.ROUNDABOUT: (
        "a roundabout with several arms around its central island",
        "a roundabout that circles a planted central island",
    ),
    RoadLayout.HIGHWAY: (
        "a multi-lane highway with guard rails along its edges",
        "a highway with several lanes each way between guard rails",
    ),
    RoadLayout.URBAN_STREET: (
        "an urban street with a marked crosswalk, lined by buildings and sidewalks",
        "an urban street between buildings, with a crosswalk marked across it",
    ),
    RoadLayout.RURAL_ROAD: (
        "a rural road with one lane each way between fields and trees",
        "a rural two-lane road without sidewalks, bordered by grass",
    ),
    RoadLayout.HIGHWAY_RAMP: (
        "a multi-lane carriageway beside which a slip road runs",
        "a multi-lane carriageway with a slip road on its right",
    ),
    RoadLayout.WORK_ZONE: (
        "a work zone that narrows a multi-lane road behind cones and signs",
        "a work zone where cones close one of several lanes",
    ),
    RoadLayout.TUNNEL: (
        "a lit road tunnel with one lane each way",
        "the inside of a road tunnel between tiled walls",
    ),
    RoadLayout.BRIDGE: (
        "a road bridge between steel railings",
        "a long road bridge with a railing on either side",
    ),
}
_VIEWS = ("In view is {}.", "The frame covers {}.", "Below lies {}.")
_VIEWED = {layout: tuple(view.format(each) for view in _VIEWS for each in seen) for layout, seen in _PLACES.items()}
_UNSAID_PLACE = ("In view is a public road.", "The frame covers a stretch of public road.")

_TIMES: dict[Light, Slot] = {
    Light.DAWN: ("dawn", "early morning at dawn"),
    Light.DAY: ("daytime", "the middle of the day"),
    Light.DUSK: ("dusk", "early evening at dusk"),
    Light.NIGHT: ("night", "late at night"),
}
_SKIES: dict[Weather, Slot] = {
    Weather.CLEAR: ("the sky is clear", "there is not a cloud in the clear sky"),
    Weather.OVERCAST: ("the sky is overcast", "an overcast sky flattens the shadows"),
    Weather.RAIN: ("rain is falling", "it is raining steadily"),
    Weather.SNOW: ("snow is falling", "it is snowing"),
    Weather.FOG: ("fog blurs the distance", "fog hangs in the air"),
}
_SURFACES: dict[RoadSurface, str] = {
    RoadSurface.DRY: "dry",
    RoadSurface.WET: "wet and reflective",
    RoadSurface.SNOWY: "snowy",
    RoadSurface.ICY: "icy",
}
_DENSITIES: dict[TrafficDensity, tuple[str, str]] = {
    TrafficDensity.LOW: ("traffic is light", "only light traffic passes"),
    TrafficDensity.MEDIUM: ("traffic is moderate", "moderate traffic passes"),
    TrafficDensity.HIGH: ("traffic is heavy", "heavy traffic passes"),
}


def place(layout: RoadLayout | None) -> Slot:
    return _VIEWED[layout] if layout else _UNSAID_PLACE


@lru_cache
def moment(weather: Weather | None, light: Light | None) -> Slot:
    """Time of day and sky; nothing to choose from when neither is given."""
    skies = _SKIES[weather] if weather else ()
    if light is None:
        return tuple(_sentence(sky) for sky in skies)
    times = [f"it is {time}" for time in _TIMES[light]]
    if not skies:
        return tuple(_sentence(time) for time in times)
    return tuple(_sentence(f"{time} and {sky}") for time in times for sky in skies)


@lru_cache
def road(surface: RoadSurface | None, density: TrafficDensity | None) -> Slot:
    """Surface and traffic; nothing to choose from when neither is given."""
    amounts = _DENSITIES[density] if density else ()
    if surface is None:
        return tuple(_sentence(amount) for amount in amounts)
    surfaces = (f"the road surface is {_SURFACES[surface]}", f"the asphalt is {_SURFACES[surface]}")
    if not amounts:
        return tuple(_sentence(each) for each in surfaces)
    return tuple(_sentence(f"{each} and {amount}") for each in surfaces for amount in amounts)


def _sentence(clause: str) -> str:
    return f"{clause[0].upper()}{clause[1:]}."
