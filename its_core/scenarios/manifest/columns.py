"""The manifest's columns: what each takes, and what it means to leave it out. ``docs/manifest.md`` is held to this."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from its_core.clip import MAX_GUIDANCE, MAX_PROMPT_CHARS, MAX_SEED
from its_core.taxonomy import (
    Aftermath,
    CameraWord,
    Cause,
    CollisionType,
    IncidentType,
    Light,
    RoadLayout,
    RoadSurface,
    Severity,
    Split,
    TrafficDensity,
    Weather,
)

ID_MAX_CHARS = 128
PATH_MAX_CHARS = 1024
CARRIED_MAX_CHARS = 10_000
NAME_MAX_CHARS = 64  # of a column that is carried
MAX_PARTICIPANTS = 12
MAX_VARIANTS = 1000
DEFAULT_VARIANTS = 1
DEFAULT_GUIDANCE = 7.0
PARTICIPANT_FIELDS = ("type", "colour", "role")

_ID = f"1 to {ID_MAX_CHARS} of the characters `A-Z a-z 0-9 . _ -`, no full stop in front; whole numbers too"
_ONE = "one of the words below"
_PROMPT = f"text of at most {MAX_PROMPT_CHARS:,} characters"
_ENGINE = "the engine chooses"


@dataclass(frozen=True, slots=True)
class Column:
    """``takes`` and ``default`` (where the column is absent, or null in a row) are what the manual says of it."""

    name: str
    takes: str
    default: str
    words: type[StrEnum] | None = None


COLUMNS = (
    Column("scenario_id", f"{_ID}; each once", "the row is rejected"),
    Column("camera_id", f"{_ID}; one `road_layout` a camera", "the row is rejected"),
    Column("input_image", "a PNG, JPEG, WebP or MP4: a path, or an `s3://` URL", "no frame to start from"),
    Column("input", "an engine that makes the first frame, instead of `input_image`", "`input_image`, if there is one"),
    Column("prompt", _PROMPT, "composed from the other columns"),
    Column("negative_prompt", f"{_PROMPT}; may be empty", "a general one"),
    Column("incident_type", _ONE, "the row needs a `prompt`", IncidentType),
    Column("collision_type", _ONE, "what the incident implies", CollisionType),
    Column("weather", _ONE, _ENGINE, Weather),
    Column("light", _ONE, _ENGINE, Light),
    Column("road_layout", _ONE, _ENGINE, RoadLayout),
    Column("road_surface", _ONE, _ENGINE, RoadSurface),
    Column("traffic_density", _ONE, _ENGINE, TrafficDensity),
    Column("aftermath", _ONE, _ENGINE, Aftermath),
    Column("cause", _ONE, _ENGINE, Cause),
    Column("severity", _ONE, _ENGINE, Severity),
    Column("averted_incident", "one of the words of `incident_type`", _ENGINE, IncidentType),
    Column("split", _ONE, "chosen by `splits`, a camera and a pair in one split", Split),
    Column("camera", "words below, with commas or blanks between them", "as real cameras are", CameraWord),
    Column(
        "participants",
        f"at most {MAX_PARTICIPANTS}, a list of structs with the texts `type`, `colour` and `role`",
        _ENGINE,
    ),
    Column("seed", f"a whole number from 0 to {MAX_SEED:,}", "follows from `scenario_id`"),
    Column(
        "variants", f"a whole number from 1 to {MAX_VARIANTS:,}: clips with seeds of their own", f"{DEFAULT_VARIANTS}"
    ),
    Column("guidance", f"a number from 0 to {MAX_GUIDANCE}", f"{DEFAULT_GUIDANCE}"),
    Column("pair_id", f"{_ID}; rows that must be in one split", "no pair"),
)
KNOWN = frozenset(column.name for column in COLUMNS)
REQUIRED = ("scenario_id", "camera_id")
NUMBERS = ("seed", "variants", "guidance")
# The columns that take one word; ``camera`` takes several.
WORDS = {column.name: column.words for column in COLUMNS if column.words and column.name != "camera"}
