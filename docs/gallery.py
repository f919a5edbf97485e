"""Draws what the simulator can make: a frame for each incident, participant, place and condition; ``make gallery``.

python docs/gallery.py [--out docs/gallery] [--only places]

A tile whose scene could not be made says so, and the command ends with 1.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from its_core.annotations import Annotations, Box
from its_core.clip import ClipRequest, Geometry, Participant, Scene
from its_core.engines.engine import Engine, EngineFailure
from its_core.engines.simulator import engine
from its_core.engines.simulator.capabilities import ABILITIES, LIGHTS, SURFACES, WEATHERS, unsupported
from its_core.taxonomy import (
    CameraWord,
    IncidentType,
    Light,
    ParticipantType,
    RoadLayout,
    RoadSurface,
    Role,
    TrafficDensity,
    Weather,
)

Frame = NDArray[np.uint8]

GEOMETRY = Geometry.of("480", 16)
STILL = replace(GEOMETRY, frames=25)  # where nothing need happen
LEAST_VIEW = 0.36  # of the picture's width, shown about those whom a tile is about
COLUMNS = 4
TILE_PX = (400, 225)
SEEDS = 8  # tried one after another where a scene cannot be made
CLOSE = (CameraWord.NEAR, CameraWord.CENTRED, CameraWord.SHARP)


def _incidents() -> Iterator[tuple[str, Scene]]:
    for incident in ABILITIES:
        yield incident.value, _scene(f"incident-{incident}", incident, camera=CLOSE)


def _participants() -> Iterator[tuple[str, Scene]]:
    for kind in ParticipantType:
        part = (Participant(kind, role=Role.BYSTANDER),)
        place = RoadLayout.URBAN_STREET
        yield kind.value, _scene(f"participant-{kind}", IncidentType.NORMAL_TRAFFIC, place, part, camera=CLOSE)


def _places() -> Iterator[tuple[str, Scene]]:
    for place in RoadLayout:
        for number in (1, 2):
            scene = _scene(f"place-{place}-{number}", IncidentType.NORMAL_TRAFFIC, place)
            if unsupported(scene) is None:
                yield f"{place.value}, camera {number}", scene


def _conditions() -> Iterator[tuple[str, Scene]]:
    place = RoadLayout.FOUR_WAY_INTERSECTION
    for light in LIGHTS:
        yield light.value, _scene("conditions", IncidentType.NORMAL_TRAFFIC, place, light=light)
    for weather in WEATHERS:
        for light in (Light.DAY, Light.NIGHT):
            label = f"{weather.value}, {light.value}"
            yield label, _scene("conditions", IncidentType.NORMAL_TRAFFIC, place, light=light, weather=weather)
    for surface in SURFACES:
        label = f"{surface.value} road"
        yield label, _scene("conditions", IncidentType.NORMAL_TRAFFIC, place, weather=Weather.OVERCAST, surface=surface)


GROUPS = {"incidents": _incidents, "participants": _participants, "places": _places, "conditions": _conditions}


def _scene(
    camera_id: str,
    incident: IncidentType,
    place: RoadLayout | None = None,
    participants: tuple[Participant, ...] = (),
    light: Light = Light.DAY,
    weather: Weather = Weather.CLEAR,
    surface: RoadSurface | None = None,
    camera: tuple[CameraWord, ...] = (CameraWord.SHARP,),
) -> Scene:
    return Scene(
        camera_id, incident, participants=participants, weather=weather, light=light, road_layout=place,
        road_surface=surface, traffic_density=TrafficDensity.MEDIUM, camera=camera,
    )  # fmt: skip


def _drawn(made: Engine, scene: Scene) -> Frame | None:
    """The picture of a scene's tile; None where no seed makes it and shows whom it is about."""
    kind = scene.participants[0].type if scene.participants else None
    calm = scene.incident_type is IncidentType.NORMAL_TRAFFIC
    for seed in range(SEEDS):
        geometry = STILL if calm and kind is None else GEOMETRY
        request = ClipRequest("gallery", scene.camera_id, 0, seed, "", "", 7.0, geometry, scene)
        try:
            clip = made.generate(request)
            frames = list(clip.frames)
        except EngineFailure as failure:
            print(f"{scene.camera_id}, seed {seed}: {failure.reason}", flush=True)
            continue
        assert clip.annotations is not None
        number, box = _shown(clip.annotations, kind)
        if box is not None or kind is None:
            return frames[number] if box is None else _about(frames[number], box)
    return None


def _shown(truth: Annotations, kind: ParticipantType | None) -> tuple[int, Box | None]:
    """The frame to show and what to show of it: that in which a body of the kind asked for is largest; those who meet,
    half a second after they touch; everything, in the middle of what happens."""
    if kind is not None:
        seen = [
            (_area(at.visible_box) * (1.0 - at.occlusion), at.frame, at.visible_box)
            for track in truth.tracks if track.type == kind.value
            for at in track.frames if at.visible_box is not None
        ]  # fmt: skip
        _, number, box = max(seen, default=(0.0, 0, None))
        return number, box
    if truth.accident_frame is None:
        event = next((phase for phase in truth.phases if phase.name in ("event", "conflict")), None)
        return ((event.start + event.end) // 2 if event is not None else truth.frames // 2), None
    number = min(truth.accident_frame + truth.fps // 2, truth.frames - 1)
    boxes = [
        at.visible_box
        for track in truth.tracks if track.role != Role.BYSTANDER.value
        for at in track.frames if at.frame == number and at.visible_box is not None
    ]  # fmt: skip
    if not boxes:
        return number, None
    x1, y1, x2, y2 = zip(*boxes, strict=True)
    return number, (min(x1), min(y1), max(x2), max(y2))


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _about(picture: Frame, box: Box) -> Frame:
    """The part of a picture about a box, in the shape of a tile."""
    height, width = picture.shape[:2]
    wide = max(LEAST_VIEW * width, 1.8 * (box[2] - box[0]), 1.8 * (box[3] - box[1]) * TILE_PX[0] / TILE_PX[1])
    wide = min(wide, width, height * TILE_PX[0] / TILE_PX[1])
    tall = wide * TILE_PX[1] / TILE_PX[0]
    left = min(max((box[0] + box[2] - wide) / 2, 0.0), width - wide)
    top = min(max((box[1] + box[3] - tall) / 2, 0.0), height - tall)
    return picture[int(top) : int(top + tall), int(left) : int(left + wide)]


def _tile(label: str, picture: Frame | None) -> Image.Image:
    tile = Image.new("RGB", TILE_PX, (60, 60, 60))
    if picture is not None:
        tile.paste(Image.fromarray(picture).resize(TILE_PX, Image.Resampling.LANCZOS))
    draw, font = ImageDraw.Draw(tile), ImageFont.load_default(15)
    text = label if picture is not None else f"{label}: not made"
    draw.rectangle((0, TILE_PX[1] - 25, draw.textlength(text, font) + 14, TILE_PX[1]), fill=(0, 0, 0))
    draw.text((7, TILE_PX[1] - 22), text, fill=(255, 255, 255), font=font)
    return tile


def _sheet(tiles: list[Image.Image]) -> Image.Image:
    rows = -(-len(tiles) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * TILE_PX[0], rows * TILE_PX[1]), (20, 20, 20))
    for number, tile in enumerate(tiles):
        sheet.paste(tile, (number % COLUMNS * TILE_PX[0], number // COLUMNS * TILE_PX[1]))
    return sheet


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(""))
    parser.add_argument("--only", choices=GROUPS)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    made = engine.load(engine.parse_options({}, "480", 16))
    missing = 0
    for group, scenes in GROUPS.items():
        if arguments.only not in (None, group):
            continue
        tiles = []
        for label, scene in scenes():
            picture = _drawn(made, scene)
            missing += picture is None
            tiles.append(_tile(label, picture))
        _sheet(tiles).save(arguments.out / f"{group}.jpg", quality=72, optimize=True)
        print(f"{group}: {len(tiles)} tiles", flush=True)
    return 1 if missing else 0


if __name__ == "__main__":
    raise SystemExit(main())
