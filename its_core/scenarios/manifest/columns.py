"""The manifest's columns and the Arrow types they may have.

================  =====================================  ====================================================
column            type                                   absent or null
================  =====================================  ====================================================
scenario_id       string, ``[A-Za-z0-9._-]``, 1–128      refused
camera_id         the same                               refused
input_image       string: path or s3:// URL              no conditioning frame
prompt            string, up to 3,000 characters         composed from the structured columns
negative_prompt   the same                               ``prompt.DEFAULT_NEGATIVE_PROMPT``
incident_type     ``taxonomy.IncidentType``              needs a prompt instead
collision_type    ``taxonomy.CollisionType``             what the incident implies
participants      list of struct(type, colour, role)     the engine chooses
weather …         ``taxonomy.Weather``, ``Light``,       the engine chooses
severity          ``RoadLayout``, ``RoadSurface``,
                  ``TrafficDensity``, ``Aftermath``,
                  ``Cause``, ``Severity``
averted_incident  ``taxonomy.IncidentType``              the engine chooses
camera            words of ``taxonomy.CameraWord``,      as real cameras are
                  commas between them
seed              whole number, 0 to 2³¹ − 1             derived from scenario_id
variants          whole number, 1 to 1,000               1
guidance          number, 0 to 20                        7.0
pair_id           like scenario_id                       none
split             ``taxonomy.Split``                     chosen when the dataset is planned
any other         text, numbers, booleans, dates, and    null
                  lists and structs of them
================  =====================================  ====================================================
"""

from __future__ import annotations

import re
from collections import Counter
from enum import StrEnum

import pyarrow as pa

from its_core.scenarios.manifest.suggestions import nearest, short
from its_core.scenarios.scenario import ManifestError
from its_core.taxonomy import (
    Aftermath,
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

REQUIRED = ("scenario_id", "camera_id")
IDS = ("scenario_id", "camera_id", "pair_id")
TEXTS = ("prompt", "negative_prompt")
WORDS: dict[str, type[StrEnum]] = {
    "incident_type": IncidentType,
    "collision_type": CollisionType,
    "weather": Weather,
    "light": Light,
    "road_layout": RoadLayout,
    "road_surface": RoadSurface,
    "traffic_density": TrafficDensity,
    "aftermath": Aftermath,
    "cause": Cause,
    "severity": Severity,
    "averted_incident": IncidentType,
    "split": Split,
}
WORD_LISTS = ("camera",)  # several words in one text
NUMBERS = ("seed", "variants", "guidance")
KNOWN = frozenset({*IDS, "input_image", *TEXTS, *WORDS, *WORD_LISTS, "participants", *NUMBERS})
PARTICIPANT_FIELDS = ("type", "colour", "role")

_INDEX_COLUMN = re.compile(r"__index_level_\d+__")  # pandas writes its row labels so; nobody means them as a column
_EXTRA_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_ .-]{0,63}")
_PARTICIPANTS = "a list of structs with the text fields type, colour and role"


def check_schema(schema: pa.Schema, where: str) -> tuple[str, ...]:
    """Returns the names of the unknown columns, which pass through to the labels.

    Raises:
        ManifestError: a required column is missing, a column occurs twice, or one has a type that cannot be read.
    """
    twice = [name for name, count in Counter(schema.names).items() if count > 1]
    if twice:
        raise ManifestError(f"{where}: column {short(twice[0])!r} occurs more than once; keep one of them")
    for name in REQUIRED:
        if name not in schema.names:
            close = nearest(name, [other for other in schema.names if other not in KNOWN])
            hint = f" (rename {close!r}?)" if close else ""
            raise ManifestError(f"{where}: the required column {name!r} is missing{hint}; every row needs one")
    extra = tuple(name for name in schema.names if name not in KNOWN and not _INDEX_COLUMN.fullmatch(name))
    for field in schema:
        if field.name in KNOWN:
            wanted = _wanted(field)
            if wanted:
                raise ManifestError(f"{where}: column {field.name!r} has type {short(field.type)}; it must be {wanted}")
        elif field.name in extra:
            _check_extra(field, where)
    return extra


def is_text(kind: pa.DataType) -> bool:
    """Whether cells are strings (or all null), dictionary-encoded or not."""
    kind = _decoded(kind)
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_string_view(kind)
        or pa.types.is_null(kind)
    )


def is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_null(kind))


def _wanted(field: pa.Field) -> str | None:
    """What ``field`` should be instead of what it is; None when it is right."""
    if field.name == "participants":
        return _wanted_participants(field.type)
    if field.name in NUMBERS:
        return None if is_number(field.type) else "a number"
    return None if is_text(field.type) else "text (a Parquet string)"


def _wanted_participants(kind: pa.DataType) -> str | None:
    if pa.types.is_null(kind):
        return None
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)):
        return _PARTICIPANTS
    element = kind.value_type
    if not pa.types.is_struct(element) or element.get_field_index("type") < 0:
        return _PARTICIPANTS
    fields = [element.field(i) for i in range(element.num_fields)]
    unknown = [field.name for field in fields if field.name not in PARTICIPANT_FIELDS]
    if unknown:
        return f"{_PARTICIPANTS}, without the field {short(unknown[0])!r}"
    return (
        None if len(fields) == len({f.name for f in fields}) and all(is_text(f.type) for f in fields) else _PARTICIPANTS
    )


def _check_extra(field: pa.Field, where: str) -> None:
    if not _EXTRA_NAME.fullmatch(field.name):
        raise ManifestError(
            f"{where}: {short(field.name)!r} cannot be a column's name; use up to 64 letters, digits and _ - ."
        )
    if not (_is_json(field.type) or pa.types.is_temporal(field.type) or pa.types.is_decimal(field.type)):
        raise ManifestError(
            f"{where}: column {field.name!r} has type {short(field.type)}, which labels cannot carry; "
            "use text, numbers, booleans, dates, or lists and structs of them, or leave the column out"
        )
    if pa.types.is_timestamp(field.type) and not _is_known_zone(field.type):
        raise ManifestError(
            f"{where}: column {field.name!r} has times in the zone {short(field.type.tz)!r}, which is not known here; "
            "use UTC or a zone such as Europe/Berlin"
        )


def _is_known_zone(kind: pa.TimestampType) -> bool:
    try:
        pa.scalar(0, kind).cast(pa.string())
    except pa.ArrowInvalid:
        return False
    return True


def _is_json(kind: pa.DataType) -> bool:
    kind = _decoded(kind)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return _is_json(kind.value_type)
    if pa.types.is_struct(kind):
        names = {kind.field(i).name for i in range(kind.num_fields)}
        return len(names) == kind.num_fields and all(_is_json(kind.field(i).type) for i in range(kind.num_fields))
    return is_text(kind) or is_number(kind) or bool(pa.types.is_boolean(kind))


def _decoded(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind
