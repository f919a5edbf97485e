"""Draws what the simulator can make: a frame for each incident, participant, place and condition; ``make gallery``.

python docs/gallery.py [--out docs/gallery] [--only places]

A tile whose scene could not be made says so, and the command ends with 1.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from its_core.annotations import Annotations
from its_core.clip import ClipRequest, Geometry, Participant, Scene
from its_core.engines.engine import Clip, Engine, EngineFailure
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
COLUMNS = 4
TILE_PX = (480, 270)
SEEDS = 3  # tried one after another where a scene cannot be made
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


def _made(made: Engine, scene: Scene) -> tuple[Clip, list[Frame]] | None:
    for seed in range(SEEDS):
        request = ClipRequest("gallery", scene.camera_id, 0, seed, "", "", 7.0, GEOMETRY, scene)
        try:
            clip = made.generate(request)
            return clip, list(clip.frames)
        except EngineFailure as failure:
            print(f"{scene.camera_id}, seed {seed}: {failure.reason}")
    return None


def _shown(truth: Annotations, kind: ParticipantType | None) -> int:
    """The frame to show: half a second after first contact, the middle of what happens, or that in which a body of the
    kind asked for is largest."""
    if kind is not None:
        sizes = np.zeros(truth.frames)
        for track in truth.tracks:
            for at in track.frames if track.type == kind.value else ():
                if at.visible_box is not None:
                    x1, y1, x2, y2 = at.visible_box
                    sizes[at.frame] = max(sizes[at.frame], (x2 - x1) * (y2 - y1) * (1.0 - at.occlusion))
        return int(sizes.argmax())
    if truth.accident_frame is not None:
        return min(truth.accident_frame + truth.fps // 2, truth.frames - 1)
    event = next((phase for phase in truth.phases if phase.name in ("event", "conflict")), None)
    return (event.start + event.end) // 2 if event is not None else truth.frames // 2


def _tile(label: str, picture: Frame | None) -> Image.Image:
    tile = Image.new("RGB", TILE_PX, (60, 60, 60))
    if picture is not None:
        tile.paste(Image.fromarray(picture).resize(TILE_PX, Image.Resampling.LANCZOS))
    draw, font = ImageDraw.Draw(tile), ImageFont.load_default(17)
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
            done = _made(made, scene)
            if done is None:
                missing += 1
                tiles.append(_tile(label, None))
                continue
            clip, frames = done
            assert clip.annotations is not None
            kind = scene.participants[0].type if scene.participants else None
            tiles.append(_tile(label, frames[_shown(clip.annotations, kind)]))
        _sheet(tiles).save(arguments.out / f"{group}.jpg", quality=80, optimize=True)
        print(f"{group}: {len(tiles)} tiles")
    return 1 if missing else 0


if __name__ == "__main__":
    raise SystemExit(main())
