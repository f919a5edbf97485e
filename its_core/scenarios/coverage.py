"""Plans a manifest from quotas: which combinations to make so that shares come out as asked.

Shares are of clips. Rows are chosen one by one: each time the combination that the engine can make and that is needed
most, by what the rows so far and earlier versions lack. Accidents and near-misses may come as pairs with a
counterfactual: the same camera, seed and words, with normal traffic that the same incident would have disturbed
(``averted_incident``), under one ``pair_id``.
"""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from its_core.clip import Scene, Unsupported
from its_core.errors import FactoryError
from its_core.taxonomy import (
    CameraWord,
    Cause,
    IncidentType,
    Light,
    RoadLayout,
    RoadSurface,
    Severity,
    TrafficDensity,
    Weather,
)

UnsupportedBy = Callable[[Scene], Unsupported | None]
LayoutOf = Callable[[Scene], RoadLayout | None]
Row = dict[str, Any]
_SHARE: Any = Field(default_factory=dict)


class CoverageError(FactoryError, ValueError):
    """Quotas that cannot be met; the message says which, and what could be."""

    default_code = "coverage"


class Quotas(BaseModel):
    """Shares of the clips by word, for each column that matters; within a column they sum to 1."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    incident_type: dict[IncidentType, float]
    weather: dict[Weather, float] = _SHARE
    light: dict[Light, float] = _SHARE
    road_layout: dict[RoadLayout, float] = _SHARE
    road_surface: dict[RoadSurface, float] = _SHARE
    traffic_density: dict[TrafficDensity, float] = _SHARE
    severity: dict[Severity, float] = _SHARE
    cause: dict[Cause, float] = _SHARE
    camera: dict[str, float] = Field(default_factory=dict, description="words with commas; empty: as real cameras are")

    @field_validator("camera")
    @classmethod
    def _known_words(cls, shares: dict[str, float]) -> dict[str, float]:
        for text in shares:
            _camera_words(text)
        return shares

    @model_validator(mode="after")
    def _shares_of_one(self) -> Self:
        for name, shares in self.by_column().items():
            total = sum(shares.values())
            if any(share < 0 for share in shares.values()) or abs(total - 1) > 1e-6:
                raise ValueError(f"{name}: shares must be ≥ 0 and sum to 1, they sum to {total:g}")
        return self

    def by_column(self) -> dict[str, dict[Any, float]]:
        columns = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: shares for name, shares in columns.items() if shares}


class Coverage(BaseModel):
    """The keys of a coverage file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    clips: int = Field(ge=1, le=1_000_000, description="clips in all, those of earlier versions included")
    clips_per_camera: int = Field(6, ge=1, description="clips that share a camera; a pair always does")
    pairs: float = Field(0.0, ge=0, le=1, description="share of accidents and near-misses with a counterfactual")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="another seed, other cameras and other clips")
    quotas: Quotas
    earlier: tuple[str, ...] = Field((), description="versions whose clips count already")


# As many clips' share of a kind a combination of conditions counts for that it lacks: so few that quotas come first.
TOGETHER = 3.0
# A severity or a cause belongs to an incident; in clips in which nothing goes wrong there is none.
_OF_INCIDENTS = ("severity", "cause")


def plan(
    coverage: Coverage,
    unsupported: UnsupportedBy,
    earlier: Iterable[Mapping[str, Any]] = (),
    layout_of: LayoutOf = lambda scene: scene.road_layout,
) -> list[Row]:
    """The manifest's rows that are still missing.

    Args:
        unsupported: why an engine cannot make a scene, None when it can.
        layout_of: the place at which it lets a scene happen; a camera has one place.
        earlier: label rows of clips that are there already.

    Raises:
        CoverageError: the engine can make none of the combinations that a quota needs.
    """
    quotas = coverage.quotas.by_column()
    combinations = _possible(quotas, unsupported)
    have = _counts(earlier, quotas)
    already = sum(count for cell, count in have.items() if cell.column == "incident_type")
    rows: list[Row] = []
    places = _Cameras(coverage)
    paired = Counter[bool]()
    calm = _Calm(quotas["incident_type"], unsupported)
    while already + len(rows) < coverage.clips:
        room = coverage.clips - already - len(rows)
        chosen = max(combinations, key=lambda words: _need(words, quotas, have, coverage.clips))
        incident = IncidentType(chosen["incident_type"])
        with_pair = (
            incident.is_anomaly
            and room >= 2
            and paired[True] < coverage.pairs * (paired.total() + 1)
            and unsupported(_scene(_counterfactual(chosen))) is None
        )
        added = [chosen, _counterfactual(chosen)] if with_pair else [calm.before_an_accident(chosen)]
        if incident.is_anomaly:
            paired[with_pair] += 1
        camera_id = places.camera(layout_of(_scene(chosen)), len(added))
        rows += _numbered(added, camera_id, coverage.seed, len(rows))
        for words in added:
            have.update([*_cells(words, quotas), _together(words, quotas)])
    return rows


def table(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> dict[tuple[str, ...], int]:
    """How many rows have each combination of words; "–" for none."""
    return dict(Counter(tuple(str(row.get(name) or "–") for name in columns) for row in rows))


def _possible(quotas: Mapping[str, Mapping[Any, float]], unsupported: UnsupportedBy) -> list[Row]:
    """Every combination of the quotas' words that an engine can make. Raises CoverageError for words in none."""
    names = list(quotas)
    found: list[Row] = []
    reasons: dict[tuple[str, str], str] = {}
    for values in itertools.product(*([word for word, share in quotas[name].items() if share > 0] for name in names)):
        words: Row = {name: str(value) for name, value in zip(names, values, strict=True)}
        if not IncidentType(words["incident_type"]).has_contact:
            words = {name: value for name, value in words.items() if name not in _OF_INCIDENTS}
        no = unsupported(_scene(words))
        if no is None and words not in found[-1:]:
            found.append(words)
        elif no is not None:
            for item in words.items():
                reasons.setdefault(item, no.reason)
    for name in names:
        for word, share in quotas[name].items():
            if share > 0 and not any(words.get(name) == str(word) for words in found):
                why = reasons.get((name, str(word)), "no incident of the quotas has it")
                raise CoverageError(
                    f"quotas.{name}: {str(word)!r} cannot be made: {why}", code="coverage.cannot_be_made"
                )
    return found


def _need(
    words: Row, quotas: Mapping[str, Mapping[Any, float]], have: Counter[_Cell], clips: int
) -> tuple[float, float, str]:
    """Which part of its incident's clips is missing, then how far its other words lie behind, one by one and together;
    a hash breaks ties."""
    touches = {
        kind: sum(share for word, share in quotas["incident_type"].items() if IncidentType(word).has_contact is kind)
        for kind in (True, False)
    }
    missing, behind = 0.0, 0.0
    for cell in _cells(words, quotas):
        share = next(share for word, share in quotas[cell.column].items() if str(word) == cell.word)
        wanted = share * clips * (1.0 if cell.contact is None else touches[cell.contact])
        if cell.column == "incident_type":
            missing = (wanted - have[cell]) / wanted
        else:
            behind += (wanted - have[cell]) / max(1.0, wanted)
    own = _together(words, quotas)
    kind, other = touches[bool(own.contact)], touches[not own.contact]
    if other > 0.0:
        lacking = have[own._replace(contact=not own.contact)] * kind / other - have[own]
        behind += TOGETHER / (clips * kind) * min(max(lacking, -1.0), 1.0)
    digest = hashlib.sha256(repr((sorted(words.items()), have.total())).encode()).hexdigest()
    return round(missing, 9), round(behind, 9), digest


class _Cell(NamedTuple):
    """What is counted: a column's word, apart for clips with and without contact, so that both kinds see the same
    weather, light and places, and none of them gives a crash away. Incidents themselves are counted together."""

    column: str
    word: str
    contact: bool | None


def _cells(words: Mapping[str, Any], quotas: Mapping[str, Any]) -> list[_Cell]:
    contact = IncidentType(words["incident_type"]).has_contact
    return [
        _Cell(name, str(words[name]), None if name == "incident_type" else contact) for name in quotas if name in words
    ]


def _together(words: Mapping[str, Any], quotas: Mapping[str, Any]) -> _Cell:
    """All conditions at once: clips with and without contact shall have the same combinations, not the same shares
    only, or sparse traffic in one street would give away the one of them that is made there."""
    conditions = [
        str(words[name]) for name in quotas if name in words and name not in ("incident_type", *_OF_INCIDENTS)
    ]
    return _Cell("together", ", ".join(conditions), IncidentType(words["incident_type"]).has_contact)


def _counts(rows: Iterable[Mapping[str, Any]], quotas: Mapping[str, Any]) -> Counter[_Cell]:
    """Of label rows, whose ``weather`` is in ACCIDENT's words; clips whose incident nobody knows are left out."""
    have: Counter[_Cell] = Counter()
    for row in rows:
        words = dict(row) | {"weather": row.get("weather_condition") or row.get("weather")}
        if words.get("incident_type") is not None:
            known = {name: word for name, word in words.items() if word is not None}
            have.update([*_cells(known, quotas), _together(known, quotas)])
    return have


def _counterfactual(words: Row) -> Row:
    """The same with nobody erring."""
    return _averting(words, words["incident_type"])


def _averting(words: Row, incident: str) -> Row:
    kept = {name: word for name, word in words.items() if name not in _OF_INCIDENTS}
    return kept | {"incident_type": IncidentType.NORMAL_TRAFFIC.value, "averted_incident": incident}


class _Calm:
    """Gives normal traffic the accidents of the quotas to avert, in their shares: accidents happen at moments that are
    not like any other, and traffic at any other moment would give them away."""

    def __init__(self, incidents: Mapping[Any, float], unsupported: UnsupportedBy) -> None:
        self._shares = {str(word): share for word, share in incidents.items() if IncidentType(word).has_contact}
        self._unsupported = unsupported
        self._averted = Counter[str]()

    def before_an_accident(self, words: Row) -> Row:
        """Rows of other incidents are left as they are, and those for which no accident is possible."""
        if words["incident_type"] != IncidentType.NORMAL_TRAFFIC or words.get("averted_incident") is not None:
            return words
        possible = [word for word in self._shares if self._unsupported(_scene(_averting(words, word))) is None]
        if not possible:
            return words
        incident = max(possible, key=lambda word: (self._shares[word] / (1 + self._averted[word]), word))
        self._averted[incident] += 1
        return _averting(words, incident)


def _scene(words: Mapping[str, Any]) -> Scene:
    kinds: dict[str, Callable[[str], Any]] = {
        "incident_type": IncidentType,
        "averted_incident": IncidentType,
        "weather": Weather,
        "light": Light,
        "road_layout": RoadLayout,
        "road_surface": RoadSurface,
        "traffic_density": TrafficDensity,
        "severity": Severity,
        "cause": Cause,
    }
    given = {name: kind(words[name]) for name, kind in kinds.items() if words.get(name) is not None}
    return Scene("planned", camera=_camera_words(words.get("camera")), **given)


def _camera_words(text: str | None) -> tuple[CameraWord, ...]:
    return tuple(CameraWord(word.strip()) for word in (text or "").split(",") if word.strip())


class _Cameras:
    """Gives out cameras: one place each, shared by so many clips, pairs together."""

    def __init__(self, coverage: Coverage) -> None:
        self._size = coverage.clips_per_camera
        self._prefix = hashlib.sha256(str(coverage.seed).encode()).hexdigest()[:4]
        self._open: dict[str, tuple[str, int]] = {}
        self._number = 0

    def camera(self, layout: str | None, clips: int) -> str:
        word = layout or "any"
        name, used = self._open.get(word, ("", self._size))
        if used + clips > self._size and used > 0:
            name, used = f"cam-{self._prefix}-{self._number:04d}", 0
            self._number += 1
        self._open[word] = (name, used + clips)
        return name


def _numbered(added: Sequence[Row], camera_id: str, seed: int, number: int) -> list[Row]:
    name = f"s{seed}-{number:05d}"
    drawn = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") >> 1
    shared: Row = {"camera_id": camera_id, "seed": drawn, "pair_id": name if len(added) > 1 else None}
    return [{"scenario_id": name + ("-calm" if place else ""), **shared, **words} for place, words in enumerate(added)]
