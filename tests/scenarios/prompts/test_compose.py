import re
from itertools import product

import pytest

from its_core.clip import Participant, Scene
from its_core.scenarios.manifest.participants import contradiction
from its_core.scenarios.prompts.compose import DEFAULT_NEGATIVE_PROMPT, PROMPT_PARTS, compose, compose_parts, lint
from its_core.taxonomy import (
    Aftermath,
    CollisionType,
    Colour,
    IncidentType,
    Light,
    ParticipantType,
    RoadLayout,
    RoadSurface,
    Role,
    TrafficDensity,
    Weather,
)

SEEDS = range(200)
PEDESTRIAN = Participant(ParticipantType.PEDESTRIAN, Colour.BLUE, Role.NOT_AT_FAULT)

# What must be read in a prompt that asks for the word on the left.
SAID = {
    Weather.CLEAR: "clear",
    Weather.OVERCAST: "overcast",
    Weather.RAIN: "rain",
    Weather.SNOW: "snow is falling|snowing",
    Weather.FOG: "fog",
    Light.DAWN: "dawn",
    Light.DAY: "daytime|middle of the day",
    Light.DUSK: "dusk",
    Light.NIGHT: "night",
    RoadLayout.FOUR_WAY_INTERSECTION: "four-way intersection",
    RoadLayout.T_INTERSECTION: "T-intersection",
    RoadLayout.ROUNDABOUT: "roundabout",
    RoadLayout.HIGHWAY: "highway",
    RoadLayout.URBAN_STREET: "urban street",
    RoadLayout.RURAL_ROAD: "rural",
    RoadLayout.HIGHWAY_RAMP: "slip road",
    RoadLayout.WORK_ZONE: "work zone",
    RoadLayout.TUNNEL: "tunnel",
    RoadLayout.BRIDGE: "bridge",
    RoadSurface.DRY: "dry",
    RoadSurface.WET: "wet",
    RoadSurface.SNOWY: "snowy",
    RoadSurface.ICY: "icy",
    TrafficDensity.LOW: "traffic is light|light traffic",
    TrafficDensity.MEDIUM: "moderate",
    TrafficDensity.HIGH: "heavy traffic|traffic is heavy",
    Aftermath.VEHICLES_BLOCK_TRAFFIC: "blocks? the traffic",
    Aftermath.VEHICLES_STOP: "stops?",
    Aftermath.PUSHED_FORWARD: "push(es|ed) [^.]* forward",
    Aftermath.SPINS_OUT: "spins",
    Aftermath.ROLLS_OVER: "rolls over",
    Aftermath.SECONDARY_COLLISION: "ends up in the wreck",
    Aftermath.DRIVES_ON: "drives? on",
    Aftermath.PEDESTRIANS_RETREAT: "retreats?",
    Aftermath.TRAFFIC_FLOWS: "keeps flowing",
    CollisionType.T_BONE: "T-bone",
    CollisionType.HEAD_ON: "head-on",
    CollisionType.REAR_END: "rear-end|rear end",
    CollisionType.SIDESWIPE: "sideswipe",
    ParticipantType.SEDAN: "sedan",
    ParticipantType.HATCHBACK: "hatchback",
    ParticipantType.SUV: "SUV",
    ParticipantType.PICKUP: "pickup truck",
    ParticipantType.VAN: "van",
    ParticipantType.TRUCK: "heavy truck",
    ParticipantType.ARTICULATED_TRUCK: "tractor-trailer",
    ParticipantType.BUS: "bus",
    ParticipantType.MOTORCYCLE: "motorcycle",
    ParticipantType.BICYCLE: "bicycle|cyclist",
    ParticipantType.PEDESTRIAN: "pedestrian",
}


VERBS = "come|spin|retreat|drive|jump|leap|brake|swerve|crash|slam|hit|strike|run|step|stop|push|follow|cut"


def scene_of(incident: IncidentType, *participants: Participant, **words) -> Scene:
    return Scene("cam-1", incident, participants=participants, **words)


def two_of(incident: IncidentType) -> tuple[Participant, ...]:
    first = Participant(ParticipantType.SEDAN, Colour.RED, Role.AT_FAULT)
    second = Participant(ParticipantType.SUV, Colour.WHITE, Role.NOT_AT_FAULT)
    if not incident.is_anomaly:
        return tuple(Participant(p.type, p.colour) for p in (first, second))
    if incident is IncidentType.SINGLE_VEHICLE_CRASH:
        return (first,)
    on_foot = incident in {IncidentType.PEDESTRIAN_COLLISION, IncidentType.PEDESTRIAN_NEAR_MISS}
    return (first, PEDESTRIAN) if on_foot else (first, second)


def endings(incident: IncidentType) -> list[Aftermath | None]:
    return [None, *(a for a in Aftermath if contradiction(incident, None, (), a) is None)]


@pytest.mark.parametrize("incident", IncidentType)
def test_everything_asked_is_said_whatever_the_seed(incident):
    asked = [*zip([*Weather, *Weather], [*Light, *Light, Light.DAY, Light.NIGHT], RoadLayout, strict=True)]
    for seed in SEEDS:
        weather, light, layout = asked[seed % len(asked)]
        surface, density = list(RoadSurface)[seed % 4], list(TrafficDensity)[seed % 3]
        aftermath = endings(incident)[1:][seed % (len(endings(incident)) - 1)]
        cast = two_of(incident)
        scene = scene_of(
            incident,
            *cast,
            weather=weather,
            light=light,
            road_layout=layout,
            road_surface=surface,
            traffic_density=density,
            aftermath=aftermath,
        )
        prompt = compose(scene, seed)
        for word in (weather, light, layout, surface, density, aftermath, *(p.type for p in cast)):
            assert re.search(rf"\b({SAID[word]})", prompt), (word, prompt)
        for participant in cast:
            assert re.search(rf"\b{participant.colour}\b", prompt), (participant, prompt)
        assert len(prompt.split()) <= 120
        assert lint(prompt) == []


@pytest.mark.parametrize("layout", [None, *RoadLayout])
@pytest.mark.parametrize("collision", [c for c in CollisionType if c is not CollisionType.SINGLE])
def test_the_kind_of_collision_at_an_intersection_is_said(layout, collision):
    incident = IncidentType.INTERSECTION_COLLISION
    scene = scene_of(incident, *two_of(incident), collision_type=collision, road_layout=layout)
    for seed in SEEDS:
        assert re.search(SAID[collision], compose(scene, seed))


@pytest.mark.parametrize(("kind", "colour"), list(product(ParticipantType, [None, *Colour])))
def test_every_participant_is_named_by_type_and_colour(kind, colour):
    looks_on = Participant(kind, colour)
    prompt = compose(scene_of(IncidentType.NORMAL_TRAFFIC, looks_on), seed=3)
    assert re.search(rf"\b(a|an) [^.]*({SAID[kind]})", prompt)
    assert colour is None or re.search(rf"\b{colour}\b", prompt)
    assert not re.search(r"\ba (orange|SUV)|\ban (?!orange|SUV)", prompt)


@pytest.mark.parametrize("incident", IncidentType)
def test_missing_columns_still_make_whole_sentences(incident):
    for cast, aftermath, seed in product([(), two_of(incident)], endings(incident), range(12)):
        prompt = compose(scene_of(incident, *cast, aftermath=aftermath), seed)
        assert lint(prompt) == []
        assert re.fullmatch(r"(?:[A-Z][^.{}\[\]]*\.(?: |$))+", prompt), prompt
        assert "None" not in prompt and "  " not in prompt
        assert not re.search(rf"\b[Tt]he (sedan|SUV|car|pedestrian|other vehicle) ({VERBS})\b", prompt), prompt
        assert not re.search(rf"\b[Tt]he pedestrians( nearby)? ({VERBS})e?s\b", prompt), prompt


def test_seeds_vary_the_words():
    scene = scene_of(IncidentType.REAR_END_COLLISION, light=Light.DAY, weather=Weather.CLEAR)
    assert len({compose(scene, seed) for seed in SEEDS}) > 60
    assert compose(scene, 7) == compose(scene, 7)


def test_alike_vehicles_are_told_apart():
    white = [Participant(ParticipantType.SEDAN, Colour.WHITE, role) for role in (Role.AT_FAULT, Role.NOT_AT_FAULT)]
    scene = scene_of(IncidentType.REAR_END_COLLISION, *white, Participant(ParticipantType.SEDAN, Colour.WHITE))
    prompts = [compose(scene, seed) for seed in SEEDS]
    assert all("another white sedan" in p and "a third white sedan" in p.lower() for p in prompts)
    assert all("the first white sedan" in p or "the second white sedan" in p for p in (q.lower() for q in prompts))


@pytest.mark.parametrize(
    ("count", "said", "verb"),
    [
        (1, "a pedestrian dressed in blue", "pedestrian (jumps|leaps) back"),
        (3, "three pedestrians", "(jump|leap) back"),
    ],
)
def test_verbs_agree_with_the_number_of_pedestrians(count, said, verb):
    van = Participant(ParticipantType.VAN, Colour.WHITE, Role.AT_FAULT)
    scene = scene_of(IncidentType.PEDESTRIAN_NEAR_MISS, van, *[PEDESTRIAN] * count)
    for seed in SEEDS:
        assert said in compose(scene, seed)
        assert re.search(verb, compose(scene, seed))


def test_a_pedestrian_who_errs_steps_into_the_road():
    walker = Participant(ParticipantType.PEDESTRIAN, None, Role.AT_FAULT)
    van = Participant(ParticipantType.VAN, None, Role.NOT_AT_FAULT)
    for incident in (IncidentType.PEDESTRIAN_COLLISION, IncidentType.PEDESTRIAN_NEAR_MISS):
        assert all(
            re.search("A pedestrian (steps|runs)", compose(scene_of(incident, van, walker), seed)) for seed in SEEDS
        )


def test_a_twelve_vehicle_pileup_can_be_told():
    role = [Role.AT_FAULT, *[Role.NOT_AT_FAULT] * 8, *[Role.BYSTANDER] * 3]
    cast = [Participant(ParticipantType.SEDAN, Colour.GREY, r) for r in role]
    prompt = compose(scene_of(IncidentType.MULTI_VEHICLE_PILEUP, *cast), 0)
    assert "seven more grey sedans" in prompt.lower() and "three more grey sedans" in prompt.lower()


@pytest.mark.parametrize("incident", IncidentType)
@pytest.mark.parametrize("dropped", range(4))
def test_the_linter_names_the_part_that_is_missing(incident, dropped):
    for aftermath, layout, seed in product(endings(incident), [None, *RoadLayout], range(8)):
        scene = scene_of(incident, *two_of(incident), aftermath=aftermath, road_layout=layout, light=Light.DUSK)
        parts = compose_parts(scene, seed)
        prompt = " ".join(part for place, part in enumerate(parts) if place != dropped)
        # Without an incident nothing tells an ending from a beginning, so only the incident itself is sure to be named.
        assert PROMPT_PARTS[dropped] in lint(prompt), prompt
        if dropped != 2:
            assert lint(prompt) == [PROMPT_PARTS[dropped]], prompt


@pytest.mark.parametrize(
    ("prompt", "missing"),
    [
        ("A CCTV camera shows a wet street at night. A bus hits a parked car. Glass and debris cover the road.", []),
        ("Two cars crash at an intersection.", ["camera perspective", "scene", "aftermath"]),
        ("A camera over a highway.", ["incident", "aftermath"]),
        ("", list(PROMPT_PARTS)),
    ],
)
def test_literal_prompts_are_linted_too(prompt, missing):
    assert lint(prompt) == missing


def test_a_scene_without_incident_is_refused():
    with pytest.raises(ValueError, match="incident_type"):
        compose(Scene("cam-1"), 0)


def test_the_negative_prompt_is_about_fixed_cameras_and_fits_the_encoder():
    for word in ("shaking camera", "panning", "cuts", "melt", "lane", "vanish", "flicker", "text"):
        assert word in DEFAULT_NEGATIVE_PROMPT
    assert len(DEFAULT_NEGATIVE_PROMPT.split()) < 200
