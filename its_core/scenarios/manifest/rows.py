"""Reads a scenario manifest batch by batch; every row becomes a scenario or a rejection that says why."""

from __future__ import annotations

import gc
import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from its_core import storage
from its_core.clip import MAX_GUIDANCE, MAX_SEED, Scene
from its_core.scenarios.manifest import column_parsers, parquet_source
from its_core.scenarios.manifest.columns import WORDS
from its_core.scenarios.manifest.duplicates import FirstRows
from its_core.scenarios.manifest.images import Input, InputChecker
from its_core.scenarios.manifest.participants import Fault, contradiction, parse
from its_core.scenarios.manifest.suggestions import short
from its_core.scenarios.prompts.compose import DEFAULT_NEGATIVE_PROMPT
from its_core.scenarios.scenario import Batch, Json, ManifestError, Rejection, Scenario
from its_core.storage.errors import shown

__all__ = ["Batch", "ManifestError", "Rejection", "Scenario", "read", "write_rejections"]

DEFAULT_VARIANTS = 1
DEFAULT_GUIDANCE = 7.0
MAX_VARIANTS = 1000

Refuses = Callable[[Scene, bool], str | None]

_REJECTED = pa.schema(
    [("row", pa.int64()), *((name, pa.string()) for name in ("scenario_id", "column", "value", "reason"))]
)


def read(
    manifest_url: str,
    *,
    base_folder: str,
    allowed_inputs: Sequence[str],
    input_cache: Path,
    engine_needs_input: bool,
    refuses: Refuses,
    batch_rows: int = 32_768,
) -> Iterator[Batch]:
    """Yields every row of the manifest once, in order, as a scenario or a rejection.

    Args:
        manifest_url: a Parquet file, a folder or a glob, local or s3://.
        base_folder: what relative ``input_image`` paths start from.
        allowed_inputs: folders and s3:// prefixes that input images may come from.
        input_cache: local folder that remote images are fetched to.
        engine_needs_input: whether a row without ``input_image`` is rejected.
        refuses: the engine's own say: ``refuses(scene, has_input)`` gives a reason, or None.
        batch_rows: rows held at a time, fewer where they are large.

    Raises:
        ManifestError: the manifest cannot be read, or has no rows.
    """
    checker = _Checker(InputChecker(base_folder, allowed_inputs, input_cache), engine_needs_input, refuses)
    for rows in parquet_source.rows(manifest_url, batch_rows):
        with _collector_resting(), _damage_is_told(rows.where):
            batch = checker.check(rows)
        yield batch


@contextmanager
def _damage_is_told(where: str) -> Iterator[None]:
    """Some damage of a Parquet file shows only when its values are looked at."""
    try:
        yield
    except (pa.ArrowException, LookupError, AssertionError) as error:
        raise ManifestError(f"{where}: cannot be read as Parquet ({parquet_source.told(error)})") from error


@contextmanager
def _collector_resting() -> Iterator[None]:
    """No garbage collection while a batch is made: there are no cycles in it, and walking its objects over and over
    took half of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def write_rejections(path: Path, rejections: Iterable[Rejection]) -> None:
    """Writes ``rejected.parquet``: row, scenario_id, column, value, reason; with no rows when nothing was rejected."""
    with storage.replacing(path) as part, pq.ParquetWriter(part, _REJECTED) as writer:
        left = iter(rejections)
        while some := list(islice(left, 65_536)):
            columns = zip(*((r.row, r.scenario_id, r.column, r.value, r.reason) for r in some), strict=True)
            writer.write_table(pa.table([list(column) for column in columns], schema=_REJECTED))


# camera_id, incident, collision, participants, weather … averted_incident, camera: Scene's own order
_SceneKey = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class _Columns:
    scenario_ids: list[str | None]
    scene_keys: list[_SceneKey]
    prompts: list[str | None]
    negative_prompts: list[str | None]
    images: list[str | None]
    seeds: list[int | None]
    variants: list[int | None]
    guidances: list[float | None]
    pair_ids: list[str | None]
    splits: list[Any]
    extras: list[Mapping[str, Json]]


class _Checker:
    """What is remembered from batch to batch."""

    def __init__(self, inputs: InputChecker, needs_input: bool, refuses: Refuses) -> None:
        self._inputs = inputs
        self._needs_input = needs_input
        self._refuses = refuses
        self._first_ids = FirstRows()

    def check(self, rows: parquet_source.Rows) -> Batch:
        faults: column_parsers.Faults = defaultdict(list)
        columns = _read_columns(rows, faults)
        inputs = self._check_inputs(columns.images, faults)
        scenes = self._check_scenes(columns, faults)
        positions = [i for i in range(rows.table.num_rows) if i not in faults]
        found = [_scenario(rows.first_row + i, i, columns, scenes[i], inputs) for i in positions]
        found = self._without_doubles(found, rows.first_row, faults)
        rejections = [_rejection(rows.first_row + i, columns.scenario_ids[i], faults[i]) for i in sorted(faults)]
        return Batch(found, rejections)

    def _check_inputs(self, images: list[str | None], faults: column_parsers.Faults) -> dict[str, Input]:
        checked = self._inputs.check(given for given in images if given is not None)
        unusable = {given: reason for given, reason in checked.items() if isinstance(reason, str)}
        if unusable or self._needs_input:
            for i, given in enumerate(images):
                if given in unusable:
                    faults[i].append(("input_image", shown(given or ""), unusable[given or ""]))
                elif given is None and self._needs_input and not faults.get(i):
                    faults[i].append(("input_image", "", "missing: this engine starts from an image or a video"))
        return {given: each for given, each in checked.items() if isinstance(each, Input)}

    def _check_scenes(self, columns: _Columns, faults: column_parsers.Faults) -> list[Scene | None]:
        """The scene of each row, one object for all rows of the batch that ask for the same."""
        known: dict[tuple[_SceneKey, bool | None, bool | None], tuple[Scene | None, Fault | None]] = {}
        scenes = []
        asked = zip(columns.scene_keys, columns.prompts, columns.images, strict=True)
        for i, (words, prompt, image) in enumerate(asked):
            # What a faulty row lacks may be what is at fault, so it is not held against it.
            key = (words, None, None) if i in faults else (words, prompt is None, image is None)
            if key not in known:
                known[key] = self._scene(*key)
            scene, fault = known[key]
            scenes.append(scene)
            if fault:
                faults[i].append(fault)
        return scenes

    def _scene(
        self, words: _SceneKey, lacks_prompt: bool | None, lacks_image: bool | None
    ) -> tuple[Scene | None, Fault | None]:
        camera_id, incident, collision, triples, *others = words
        parsed = parse(triples, incident)
        if parsed and isinstance(parsed[0], str):
            return None, parsed
        if lacks_prompt is None:
            return None, None
        if lacks_prompt and incident is None:
            return None, (
                "incident_type",
                "",
                "missing: a row needs an incident_type, or a prompt that tells what happens",
            )
        scene = Scene(camera_id, incident, collision, parsed, *others)
        fault = contradiction(incident, collision, scene.participants, scene.aftermath)
        if fault is None and (reason := self._refuses(scene, not lacks_image)):
            fault = ("", "", reason)
        return scene, fault

    def _without_doubles(self, found: list[Scenario], first_row: int, faults: column_parsers.Faults) -> list[Scenario]:
        """Leaves out rows whose id an earlier good row has."""
        twice = self._first_ids.seen([each.scenario_id for each in found], [each.row for each in found])
        for at, first in twice.items():
            row, value = found[at].row, found[at].scenario_id
            faults[row - first_row].append(("scenario_id", value, f"occurs before, in row {first}; ids must differ"))
        return [each for at, each in enumerate(found) if at not in twice] if twice else found


def _read_columns(rows: parquet_source.Rows, faults: column_parsers.Faults) -> _Columns:
    table, count = rows.table, rows.table.num_rows
    names = set(table.schema.names)

    def column(name: str) -> pa.Array | None:
        return table.column(name) if name in names else None

    def number(name: str, low: int, high: int, whole: bool = True) -> list[Any]:
        return column_parsers.numbers(column(name), name, count, faults, low=low, high=high, whole=whole)

    scenario_ids = column_parsers.ids(
        column("scenario_id"), "scenario_id", count, faults, "every row needs one of its own"
    )
    cameras = column_parsers.ids(
        column("camera_id"), "camera_id", count, faults, "every row needs the camera that sees it"
    )
    words = {name: column_parsers.words(column(name), name, kind, count, faults) for name, kind in WORDS.items()}
    splits = words.pop("split")
    incidents, collisions, *others = words.values()
    triples = column_parsers.participants(column("participants"), count, faults)
    views = [view or () for view in column_parsers.camera_words(column("camera"), count, faults)]
    return _Columns(
        scenario_ids=scenario_ids,
        scene_keys=list(zip(cameras, incidents, collisions, triples, *others, views, strict=True)),
        prompts=column_parsers.prompts(column("prompt"), "prompt", count, faults, may_be_blank=False),
        negative_prompts=column_parsers.prompts(
            column("negative_prompt"), "negative_prompt", count, faults, may_be_blank=True
        ),
        images=column_parsers.paths(column("input_image"), "input_image", count, faults),
        seeds=number("seed", 0, MAX_SEED),
        variants=number("variants", 1, MAX_VARIANTS),
        guidances=number("guidance", 0, MAX_GUIDANCE, whole=False),
        pair_ids=column_parsers.ids(column("pair_id"), "pair_id", count, faults),
        splits=splits,
        extras=column_parsers.extras(table, rows.extra, faults),
    )


def _scenario(row: int, i: int, columns: _Columns, scene: Scene | None, inputs: dict[str, Input]) -> Scenario:
    scenario_id, negative, seed = columns.scenario_ids[i], columns.negative_prompts[i], columns.seeds[i]
    assert scenario_id is not None and scene is not None  # or the row would have a fault
    guidance, image = columns.guidances[i], columns.images[i]
    found = inputs[image] if image is not None else None
    return Scenario(
        row=row,
        scenario_id=scenario_id,
        scene=scene,
        prompt=columns.prompts[i],
        negative_prompt=DEFAULT_NEGATIVE_PROMPT if negative is None else negative,
        seed=default_seed(scenario_id) if seed is None else seed,
        variants=columns.variants[i] or DEFAULT_VARIANTS,
        guidance=DEFAULT_GUIDANCE if guidance is None else guidance,
        pair_id=columns.pair_ids[i],
        split=columns.splits[i],
        input_image=image,
        input_path=found.path if found else None,
        input_sha256=found.sha256 if found else None,
        extra=columns.extras[i],
    )


def default_seed(scenario_id: str) -> int:
    """The seed of a row that names none: 31 bits that depend on its id alone, not on its place in the manifest."""
    return int.from_bytes(hashlib.sha256(scenario_id.encode()).digest()[:4], "big") >> 1


def _rejection(row: int, scenario_id: str | None, faults: list[Fault]) -> Rejection:
    column, value, reason = faults[0]
    others = "".join(f" Also {name}: {why}." for name, _, why in faults[1:])
    return Rejection(
        row=row,
        scenario_id=scenario_id,
        column=column or None,
        value=short(value),
        reason=f"{reason}.{others}" if others else reason,
    )
