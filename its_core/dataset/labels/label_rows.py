"""The labels of a clip: one row of ``metadata.parquet``, every column documented, every label with its source.

The columns are a superset of what DoTA, CCD, Nexar and ACCIDENT publish. A label's value is what the clip shows where
that is known, else what was requested. The ``sources`` column says which, label by label.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Literal

import pyarrow as pa

from its_core.annotations import AnnotationSummary
from its_core.clip import EngineIdentity, Geometry, Participant, Scene
from its_core.dataset.finished_clip import FinishedClip
from its_core.dataset.labels.vocabularies import ACCIDENT_DAY_TIME, ACCIDENT_LAYOUT, ACCIDENT_WEATHER, dota_class
from its_core.dataset.layout import annotations_path, clip_file_name
from its_core.dataset.privacy import without_local_paths
from its_core.observed.record import Observation
from its_core.taxonomy import (
    DEFAULT_COLLISION,
    Aftermath,
    CollisionType,
    Colour,
    ImageQuality,
    IncidentType,
    Light,
    ParticipantType,
    RoadLayout,
    RoadSurface,
    Role,
    TrafficDensity,
    Weather,
)

Source = Literal["requested", "simulated", "detected", "human"]
_PARTICIPANTS = pa.list_(pa.struct([("type", pa.string()), ("colour", pa.string()), ("role", pa.string())]))
_SOURCE = pa.struct([("source", pa.string()), ("confidence", pa.float64())])


@dataclass(frozen=True, slots=True)
class Column:
    """A column of ``metadata.parquet``; a label has an entry in ``sources``."""

    name: str
    type: pa.DataType
    description: str
    is_label: bool = False


def _fact(name: str, type_: pa.DataType, description: str) -> Column:
    return Column(name, type_, description)


def _label(name: str, type_: pa.DataType, description: str) -> Column:
    return Column(name, type_, description, is_label=True)


_TEXT, _INT, _FLOAT, _BOOL = pa.string(), pa.int32(), pa.float64(), pa.bool_()
_WINDOW = "the window [anomaly_start, anomaly_end) is half-open"

COLUMNS: tuple[Column, ...] = (
    _fact("file_name", _TEXT, "the clip, a path from this file's folder"),
    _fact("clip_id", _TEXT, "24 hex digits, a hash of all that made the clip"),
    _fact("scenario_id", _TEXT, "the manifest's row"),
    _fact("variant", _INT, "number of the row's variant, from 0; each has a seed of its own"),
    _fact("camera_id", _TEXT, "the camera; never in two splits"),
    _fact("pair_id", _TEXT, "rows that belong together; never in two splits"),
    _fact("split", _TEXT, "train, val or test"),
    _fact("annotations_path", _TEXT, "frame-by-frame truth, from the version's folder; null without any"),
    _fact("no_frames", _INT, "frames in the clip"),
    _fact("duration", _FLOAT, "seconds"),
    _fact("fps", _INT, "frames a second"),
    _fact("width", _INT, "pixels"),
    _fact("height", _INT, "pixels"),
    _label("incident_type", _TEXT, "what happens, in the manifest's words"),
    _label("type", _TEXT, "ACCIDENT: head-on, rear-end, sideswipe, single, t-bone; null where no word fits"),
    _label("accident_class", _TEXT, "DoTA's anomaly class; null for near-misses and normal traffic"),
    _label("ego_involve", _BOOL, "DoTA: whether the camera's carrier takes part; never, the camera is fixed"),
    _label("rollover", _BOOL, "ACCIDENT: whether a vehicle rolls over; false where nothing touched, else null"),
    _label("accident_frame", _INT, "first frame, from 0, at or after first contact"),
    _label("accident_time", _FLOAT, "seconds from the clip's start to first contact"),
    _label("time_of_event", _FLOAT, "Nexar: seconds to the collision; equals accident_time"),
    _label("time_of_alert", _FLOAT, "Nexar: seconds to the first frame in which the incident can be seen coming"),
    _label("anomaly_start", _INT, f"first frame, from 0, in which the incident can be seen coming; {_WINDOW}"),
    _label("anomaly_end", _INT, f"first frame in which it is over; {_WINDOW}"),
    _label("anomaly_start_time", _FLOAT, "anomaly_start in seconds"),
    _label("anomaly_end_time", _FLOAT, "anomaly_end in seconds, exclusive"),
    _label("center_x", _FLOAT, "impact point, share of the width, 0 to 1 from the left; null outside the frame"),
    _label("center_y", _FLOAT, "impact point, share of the height, 0 to 1 from the top; null outside the frame"),
    _label("x1", _FLOAT, "box around the participants at accident_frame: left edge, share of the width, 0 to 1"),
    _label("y1", _FLOAT, "its top edge, share of the height, 0 to 1"),
    _label("x2", _FLOAT, "its right edge, exclusive, share of the width, 0 to 1"),
    _label("y2", _FLOAT, "its bottom edge, exclusive, share of the height, 0 to 1"),
    _label("participants", _PARTICIPANTS, "who takes part in the incident: type, colour, role"),
    _label("scene_layout", _TEXT, "ACCIDENT: highway, signalized_intersection, simple_intersection, city_street …"),
    _label("road_layout", _TEXT, "the same in the manifest's words"),
    _label("weather", _TEXT, "ACCIDENT: normal, rain, snow, fog"),
    _label("weather_condition", _TEXT, "the same in the manifest's words: clear, overcast, rain, snow, fog"),
    _label("day_time", _TEXT, "ACCIDENT: day or night; dusk counts as day"),
    _label("light", _TEXT, "the same in the manifest's words: day, dusk, night"),
    _label("road_surface", _TEXT, "dry, wet, snowy, icy"),
    _label("traffic_density", _TEXT, "low, medium, high"),
    _label("aftermath", _TEXT, "what follows the incident"),
    _label("aftermaths", pa.list_(pa.string()), "all aftermaths that hold"),
    _label("cause", _TEXT, "the error that led to the incident"),
    _label("severity", _TEXT, "minor, moderate or severe, by delta_v_kmh"),
    _label("delta_v_kmh", _FLOAT, "largest change of a vehicle's velocity in the crash, km/h"),
    _label("quality", _TEXT, "ACCIDENT: Very_Poor, Poor, Fine, Good; null where it is unknown"),
    _fact(
        "averted_incident", _TEXT, "the incident out of whose traffic this clip is, with nobody erring; null for none"
    ),
    _fact("prompt", _TEXT, "the words asked for; composed from the columns where prompt_composed is true"),
    _fact("prompt_composed", _BOOL, "whether the prompt was composed from the manifest's columns"),
    _fact("negative_prompt", _TEXT, "what the engine was asked to avoid"),
    _fact("guidance", _FLOAT, "classifier-free guidance asked for"),
    _fact("seed", pa.int64(), "the variant's seed"),
    _fact("input_image", _TEXT, "the conditioning image or video, as the manifest names it"),
    _fact("input_sha256", _TEXT, "its SHA-256"),
    _fact("engine", _TEXT, "what made the clip"),
    _fact("engine_version", _TEXT, "its version"),
    _fact("weights_sha256", _TEXT, "SHA-256 of its weights; null without any"),
    _fact("clip_sha256", _TEXT, "SHA-256 of the clip's file"),
)
LABELS = tuple(column.name for column in COLUMNS if column.is_label)
SOURCES = Column(
    "sources",
    pa.struct([(name, _SOURCE) for name in LABELS]),
    "for each label with a value: requested (asked for, not verified), simulated (known from the simulation), detected "
    "or human; and the confidence, 0 to 1, null where nothing measured it",
)


@dataclass(frozen=True, slots=True)
class _Known:
    """A label's value and its source. ``confidence`` is that of a detection."""

    value: Any
    source: Source
    confidence: float | None = None


def row(clip: FinishedClip, engine: EngineIdentity) -> dict[str, Any]:
    """The clip's row: all of COLUMNS and SOURCES, as plain values."""
    if clip.published_row is not None:
        return {column.name: clip.published_row.get(column.name) for column in (*COLUMNS, SOURCES)}
    request, annotations = clip.planned.request, clip.annotation_summary()
    labels = _words(clip, annotations) | _moments(annotations) | _places(annotations)
    if annotations is None and (observation := clip.observation()) is not None:
        labels |= _observed(observation, request.scene.incident_type, request.geometry)
    known = {name: label for name, label in labels.items() if label is not None and label.value is not None}
    geometry = request.geometry
    facts = {
        "file_name": clip_file_name(request.clip_id),
        "clip_id": request.clip_id,
        "scenario_id": request.scenario_id,
        "variant": request.variant,
        "camera_id": request.scene.camera_id,
        "pair_id": clip.planned.pair_id,
        "split": clip.planned.split.value,
        "annotations_path": annotations and annotations_path(request.clip_id),
        "no_frames": geometry.frames,
        "duration": geometry.duration_s,
        "fps": geometry.fps,
        "width": geometry.width_px,
        "height": geometry.height_px,
        "averted_incident": request.scene.averted_incident,
        "prompt": request.prompt,
        "prompt_composed": clip.planned.prompt_composed,
        "negative_prompt": request.negative_prompt,
        "guidance": request.guidance,
        "seed": request.seed,
        "input_image": without_local_paths(clip.planned.input_image),
        "input_sha256": request.input_sha256,
        "engine": engine.name,
        "engine_version": engine.version,
        "weights_sha256": engine.weights_sha256,
        "clip_sha256": clip.receipt.clip_sha256,
    }
    values = facts | {name: label.value for name, label in known.items()}
    sources = {name: _source(known[name]) if name in known else None for name in LABELS}
    return {column.name: values.get(column.name) for column in COLUMNS} | {SOURCES.name: sources}


def _source(known: _Known) -> dict[str, Any]:
    return {"source": known.source, "confidence": 1.0 if known.source == "simulated" else known.confidence}


def _observed(observation: Observation, incident: IncidentType | None, geometry: Geometry) -> dict[str, _Known | None]:
    """When and where a detector saw what looks most like a collision, if the row asks for one or leaves it open."""
    event = observation.event
    if event is None or (incident is not None and not incident.has_contact):
        return {}
    x1, y1, x2, y2 = event.box
    width, height = geometry.width_px, geometry.height_px
    values = {
        "accident_frame": event.frame,
        "accident_time": event.time_s,
        "time_of_event": event.time_s,
        "center_x": round(event.point_px[0] / width, 6),
        "center_y": round(event.point_px[1] / height, 6),
        "x1": round(x1 / width, 6),
        "y1": round(y1 / height, 6),
        "x2": round(x2 / width, 6),
        "y2": round(y2 / height, 6),
    }
    return {name: _Known(value, "detected", event.score) for name, value in values.items()}


def _words(clip: FinishedClip, annotations: AnnotationSummary | None) -> dict[str, _Known | None]:
    """Labels that are words. What the engine's record says it showed goes before what was asked for."""
    scene, record = clip.planned.request.scene, clip.receipt.record
    truth: Source = annotations.source if annotations else "requested"

    def shown(name: str, word: type[StrEnum]) -> _Known | None:
        if truth == "simulated" and record.get(name) is not None:
            return _Known(word(record[name]), "simulated")
        return _requested(getattr(scene, name))

    weather, light, layout = shown("weather", Weather), shown("light", Light), shown("road_layout", RoadLayout)
    incident = scene.incident_type
    happened = _Known(incident, truth) if incident else None
    collision = _collision(scene, annotations)
    return {
        "incident_type": happened,
        "type": collision,
        "accident_class": _accident_class(happened, collision),
        "ego_involve": _Known(False, truth),
        "rollover": _rollover(annotations),
        "participants": _participants(scene.participants, annotations),
        "road_layout": layout,
        "scene_layout": _in_words_of(ACCIDENT_LAYOUT.get, layout),
        "weather_condition": weather,
        "weather": _in_words_of(ACCIDENT_WEATHER.get, weather),
        "light": light,
        "day_time": _in_words_of(ACCIDENT_DAY_TIME.get, light),
        "road_surface": shown("road_surface", RoadSurface),
        "traffic_density": shown("traffic_density", TrafficDensity),
        **_outcome(scene, annotations),
    }


def _collision(scene: Scene, annotations: AnnotationSummary | None) -> _Known | None:
    """The kind of collision: what the annotations hold, else what the row asks for, else what the incident implies.

    An engine that knows what it shows has verified the kind that its incident implies, whether or not the row names it.
    Another kind that the row names is only requested.
    """
    truth: Source = annotations.source if annotations else "requested"
    incident, requested = scene.incident_type, scene.collision_type
    if incident is not None and not incident.has_contact:
        return None
    if annotations and annotations.collision_type is not None:
        return _Known(CollisionType(annotations.collision_type), truth)
    implied = DEFAULT_COLLISION.get(incident) if incident else None
    if requested is not None and requested is not implied:
        return _Known(requested, "requested")
    return None if implied is None else _Known(implied, truth)


def _rollover(annotations: AnnotationSummary | None) -> _Known | None:
    if annotations is None:
        return None
    if annotations.rollover is not None:
        return _Known(annotations.rollover, annotations.source)
    return None if annotations.contacts else _Known(False, annotations.source)


def _outcome(scene: Scene, annotations: AnnotationSummary | None) -> dict[str, _Known | None]:
    """Aftermath, cause, severity and picture quality.

    The simulator publishes a clip only when the aftermath, cause and severity that the row asks for came about.
    """
    if annotations is None:
        names = ("aftermath", "cause", "severity")
        return {name: _requested(getattr(scene, name)) for name in names}
    source = annotations.source
    aftermaths = annotations.aftermaths
    aftermath = scene.aftermath or (Aftermath(aftermaths[0]) if aftermaths else None)
    values = {
        "aftermath": aftermath,
        "aftermaths": aftermaths,
        "cause": annotations.cause or scene.cause,
        "severity": annotations.severity or scene.severity,
        "delta_v_kmh": annotations.delta_v_kmh,
        "quality": annotations.quality and ImageQuality(annotations.quality),
    }
    return {name: None if value is None else _Known(value, source) for name, value in values.items()}


def _accident_class(incident: _Known | None, collision: _Known | None) -> _Known | None:
    known = collision or incident
    if known is None:
        return None
    word = dota_class(incident.value if incident else None, collision.value if collision else None)
    return _Known(word, known.source)


def _requested(value: object) -> _Known | None:
    return None if value is None else _Known(value, "requested")


def _in_words_of(translate: Callable[[Any], str | None], known: _Known | None) -> _Known | None:
    return known and _Known(translate(known.value), known.source)


def _participants(asked: tuple[Participant, ...], annotations: AnnotationSummary | None) -> _Known | None:
    if annotations is None:
        return _requested([asdict(participant) for participant in asked] or None)
    involved = [
        Participant(ParticipantType(track.type), Colour(track.colour) if track.colour else None, Role(track.role))
        for track in annotations.tracks
        if track.role != Role.BYSTANDER
    ]
    return _Known([asdict(participant) for participant in involved], annotations.source)


def _moments(annotations: AnnotationSummary | None) -> dict[str, _Known | None]:
    if annotations is None:
        return {}
    start, end, fps = annotations.anomaly_start, annotations.anomaly_end, annotations.fps
    start_s = None if start is None else start / fps
    values = {
        "accident_frame": annotations.accident_frame,
        "accident_time": annotations.accident_time_s,
        "time_of_event": annotations.accident_time_s,
        "time_of_alert": start_s,
        "anomaly_start": start,
        "anomaly_end": end,
        "anomaly_start_time": start_s,
        "anomaly_end_time": None if end is None else end / fps,
    }
    return {name: _Known(value, annotations.source) for name, value in values.items()}


def _places(annotations: AnnotationSummary | None) -> dict[str, _Known | None]:
    """Impact point and box as shares of the frame."""
    if annotations is None or annotations.camera is None:
        return {}
    width, height = annotations.camera.width_px, annotations.camera.height_px
    x, y = annotations.impact_point or (None, None)
    x1, y1, x2, y2 = annotations.impact_box or (None, None, None, None)
    shares = {"center_x": (x, width), "center_y": (y, height), "x1": (x1, width), "x2": (x2, width)}
    shares |= {"y1": (y1, height), "y2": (y2, height)}
    return {
        name: None if value is None else _Known(round(value / size, 6), annotations.source)
        for name, (value, size) in shares.items()
    }
