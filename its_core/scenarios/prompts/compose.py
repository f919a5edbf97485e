"""The text that a clip is asked for with: composed from structured words, linted, or read back into words."""

from __future__ import annotations

import re

from its_core.clip import Scene
from its_core.scenarios.prompts.casting import cast_of
from its_core.scenarios.prompts.read_back import scene_from_prompt
from its_core.scenarios.prompts.settings import CAMERA, moment, place, road
from its_core.scenarios.prompts.templates import aftermath_templates, incident_templates

__all__ = ["DEFAULT_NEGATIVE_PROMPT", "PROMPT_PARTS", "compose", "compose_parts", "lint", "scene_from_prompt"]

# What a fixed traffic camera never shows, and what generated traffic gets wrong.
DEFAULT_NEGATIVE_PROMPT = (
    "Handheld or shaking camera, panning, tilting, zooming, drifting viewpoint, cuts, fades, scene changes, dashcam or "
    "first-person view, close-up, cinematic framing, shallow depth of field, slow motion, time-lapse, freeze frame. "
    "Vehicles that melt, warp, split, merge, shrink, float or pass through one another, vehicles or people that appear "
    "from nowhere or vanish, wheels that slide without turning, cars sliding sideways or driving backwards for no "
    "reason, extra wheels, deformed bodies, floating debris, fireballs. Bending lane markings, lanes that shift or "
    "dissolve, morphing buildings, signals that flicker. Cartoon, video game or toy look, oversaturated colours, heavy "
    "blur, flicker, compression blocks, ghosting, text, captions, timestamps, watermarks, logos, borders."
)

PROMPT_PARTS = ("camera perspective", "scene", "incident", "aftermath")

_CAMERA = re.compile(r"\b(camera|cctv|surveillance|footage|bird's[- ]eye|overhead view|viewpoint)s?\b", re.I)
_PLACE = re.compile(
    r"\b(intersections?|junction|crossroads|highway|freeway|motorway|expressway|streets?|avenue|road|roads|roundabout|"
    r"crosswalk|bridge|tunnel|ramp|parking lot|lanes?)\b",
    re.I,
)
_MOMENT = re.compile(
    r"\b(daytime|daylight|day|morning|noon|afternoon|evening|dusk|dawn|sunset|twilight|night|sky|sunny|overcast|cloudy|"
    r"rain\w*|snow\w*|fog\w*|mist\w*|wet|icy|dry|busy|(light|moderate|heavy|dense|sparse) traffic|"
    r"traffic is (light|moderate|heavy|dense|sparse))\b",
    re.I,
)
_INCIDENT = re.compile(
    r"\b(collid\w+|collisions?|crash\w*|accident|rear-end\w*|t-bon\w+|sideswip\w+|pile-?ups?|hits?|strikes?|struck|"
    r"slams?|plows?|rams?|runs? (a|the|through a|through the) red|ignores|charges|tailgat\w+|too close\w*|"
    r"changes lanes|without (yielding|looking|stopping|slowing)|(not|fails? to) yield\w*|near[- ]miss\w*|swerv\w+|"
    r"veers?|drifts|strays|skids?|loses? control|pulls? out|cuts? (in|across|off)|brak(es?|ing)|jumps? back|"
    r"leaps? back|does not slow|enters|turns sharply|swings hard|into the path|nothing unusual|"
    r"(entirely|perfectly) normal|normal traffic|without (any )?incident)\b",
    re.I,
)
_AFTERMATH = re.compile(
    r"\b(afterwards?|in the end|finally|eventually|com(e|es|ing) to (a |rest|its )|blocks?|blocking|blocked|forward|"
    r"spins?|spinning|drives? (on|off|away)|retreats?|keeps? (on )?flowing|go(es)? on|continues?|resumes?|"
    r"stays? (where|there|in)|left standing|everyone involved|(significant|severe|heavy) damage|debris)\b",
    re.I,
)


def compose(scene: Scene, seed: int) -> str:
    """The prompt of a scene; other seeds say the same in other words.

    Raises:
        ValueError: the scene names no incident, or an aftermath that its incident cannot have.
    """
    return " ".join(compose_parts(scene, seed))


def compose_parts(scene: Scene, seed: int) -> tuple[str, str, str, str]:
    """The texts of camera, scene, incident and aftermath (see ``compose``)."""
    if scene.incident_type is None:
        raise ValueError("a scene without incident_type tells nothing; give it one, or write the prompt")
    incident, cast = scene.incident_type, cast_of(scene.incident_type, scene.participants)
    choice = _mixed(seed)
    chosen = []
    for slot in (
        CAMERA,
        place(scene.road_layout),
        moment(scene.weather, scene.light),
        road(scene.road_surface, scene.traffic_density),
        incident_templates(incident, scene.collision_type, scene.road_layout, cast.shape),
        aftermath_templates(incident, scene.aftermath, cast.shape),
    ):
        choice, at = divmod(choice, len(slot) or 1)
        chosen.append(slot[at] if slot else "")
    camera, *setting, told, ended = chosen
    place_and_time = " ".join(sentence for sentence in setting if sentence)
    return camera, place_and_time, told.format_map(cast.words), ended.format_map(cast.words)


def lint(prompt: str) -> list[str]:
    """Which of ``PROMPT_PARTS`` a prompt seems to lack, by the words that such parts use. It flags, it does not judge:
    a scene counts when it is set before the incident begins, an aftermath when it comes after."""
    incident = _INCIDENT.search(prompt)
    before = prompt[: incident.start()] if incident else prompt
    found = (
        _CAMERA.search(prompt),
        _PLACE.search(before) or _MOMENT.search(prompt),
        incident,
        _AFTERMATH.search(prompt, incident.end() if incident else 0),
    )
    return [part for part, match in zip(PROMPT_PARTS, found, strict=True) if not match]


def _mixed(seed: int) -> int:
    """Neighbouring seeds far apart: splitmix64's finaliser (Steele, Lea and Flood, 2014)."""
    mask = 2**64 - 1
    z = (seed + 1) * 0x9E3779B97F4A7C15 & mask
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & mask
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & mask
    return z ^ (z >> 31)
