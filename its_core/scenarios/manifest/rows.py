"""Reads a scenario manifest batch by batch; every row becomes a scenario or a rejection that says why."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from its_core import storage
from its_core.clip import MAX_GUIDANCE, MAX_SEED, Scene, Unsupported
from its_core.garbage import no_garbage_collection
from its_core.scenarios.manifest import column_parsers, parquet, passthrough
from its_core.scenarios.manifest.columns import (
    DEFAULT_GUIDANCE,
    DEFAULT_VARIANTS,
    MAX_VARIANTS,
    WORDS,
)
from its_core.scenarios.manifest.faults import Fault, Faults
from its_core.scenarios.manifest.input_files import Input, InputChecker, Unusable
from its_core.scenarios.manifest.known_rows import KnownRows, LayoutOf
from its_core.scenarios.manifest.made_inputs import FrameMakers, check_sources, with_frames
from its_core.scenarios.manifest.participants import contradiction, parse
from its_core.scenarios.manifest.snapshot import Snapshot
from its_core.scenarios.prompts.compose import DEFAULT_NEGATIVE_PROMPT
from its_core.scenarios.scenario import Batch, Json, ManifestError, Rejection, Remark, Scenario
from its_core.storage import shown
from its_core.text import short

UnsupportedBy = Callable[[Scene, bool], Unsupported | None]

_REJECTED = pa.schema(
    [("row", pa.int64()), *((name, pa.string()) for name in ("scenario_id", "column", "value", "reason", "code"))]
)


def read(
    manifest: str | Snapshot,
    *,
    base_folder: str,
    allowed_inputs: Sequence[str],
    input_cache: Path,
    engine_needs_input: bool,
    unsupported: UnsupportedBy,
    layout_of: LayoutOf = lambda scene: scene.road_layout,
    frame_makers: FrameMakers | None = None,
    batch_rows: int = 32_768,
) -> Iterator[Batch]:
    """Yields every row of the manifest once, in order, as a scenario or a rejection.

    Args:
        manifest: a Parquet file, a folder or a glob, local or s3://; or a snapshot of one.
        base_folder: what relative ``input_image`` paths start from.
        allowed_inputs: folders and s3:// prefixes that input images may come from.
        input_cache: local folder that remote images are fetched to.
        engine_needs_input: whether a row without ``input_image`` and ``input`` is rejected.
        unsupported: the engine's own check: ``unsupported(scene, has_input)`` says what it cannot make, or None.
        layout_of: the place at which the engine lets a scene happen, None where it does not decide that.
        frame_makers: what makes the frames of rows with ``input``, by the engine that they name; None: such rows are
            rejected, because the engine starts from no frame.
        batch_rows: rows held at a time, fewer where they are large.

    Raises:
        ManifestError: the manifest cannot be read, or has no rows.
        StorageError: S3 does not give it, or an input.
    """
    inputs = InputChecker(base_folder, allowed_inputs, input_cache)
    known = KnownRows(layout_of, frame_makers or {})
    checker = _Checker(inputs, engine_needs_input, unsupported, known, frame_makers)
    url = manifest if isinstance(manifest, str) else manifest.url
    opened = parquet.files(manifest) if isinstance(manifest, str) else nullcontext(manifest.opened)
    empty = True
    with opened as files:
        for rows in parquet.rows(files, batch_rows):
            with no_garbage_collection(), _damage(rows.where):
                batch = checker.check(rows)
            empty = empty and not rows.table.num_rows
            yield batch
    if empty:
        raise ManifestError(f"{short(shown(url), 300)}: the manifest has no rows", code="manifest.no_rows")


@contextmanager
def _damage(where: str) -> Iterator[None]:
    """Some damage of a Parquet file shows only when its values are looked at."""
    try:
        yield
    except (pa.ArrowException, LookupError, AssertionError) as error:
        said = short(f"{type(error).__name__}: {error}".strip().splitlines()[0], 200)
        raise ManifestError(f"{where}: cannot be read as Parquet ({said})", code="manifest.unreadable") from error


def write_rejections(path: Path, rejections: Iterable[Rejection]) -> None:
    """Writes ``rejected.parquet``: row, scenario_id, column, value, reason, code. It has no rows when nothing was
    rejected."""
    with storage.replacing(path) as part, pq.ParquetWriter(part, _REJECTED) as writer:
        left = iter(rejections)
        while some := list(islice(left, 65_536)):
            columns = zip(*((r.row, r.scenario_id, r.column, r.value, r.reason, r.code) for r in some), strict=True)
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
    sources: list[str | None]
    seeds: list[int | None]
    variants: list[int | None]
    guidances: list[float | None]
    pair_ids: list[str | None]
    splits: list[Any]
    extras: list[Mapping[str, Json]]


class _Checker:
    def __init__(
        self,
        inputs: InputChecker,
        needs_input: bool,
        unsupported: UnsupportedBy,
        known: KnownRows,
        frame_makers: FrameMakers | None,
    ) -> None:
        self._inputs = inputs
        self._needs_input = needs_input
        self._unsupported = unsupported
        self._known = known
        self._frame_makers = frame_makers

    def check(self, rows: parquet.Rows) -> Batch:
        faults: Faults = defaultdict(list)
        remarks: Faults = defaultdict(list)
        columns = _read_columns(rows, self._frame_makers, faults, remarks)
        inputs = self._check_inputs(columns, faults)
        scenes = self._check_scenes(columns, faults)
        positions = [i for i in range(rows.table.num_rows) if i not in faults]
        found = [self._scenario(rows.first_row + i, i, columns, scenes[i], inputs) for i in positions]
        found = self._without_conflicts(found, rows.first_row, faults)
        found = with_frames(found, self._frame_makers or {}, rows.first_row, faults)
        first, ids = rows.first_row, columns.scenario_ids
        remarked = [i for i in sorted(remarks) if i not in faults]
        return Batch(
            scenarios=found,
            rejections=[_rejection(first + i, ids[i], faults[i]) for i in sorted(faults)],
            remarks=[_remark(first + i, ids[i], each) for i in remarked for each in remarks[i]],
            carried=tuple(rows.layout.carried),
            left_out=rows.layout.left_out,
            from_folders=rows.layout.from_folders,
        )

    def _check_inputs(self, columns: _Columns, faults: Faults) -> dict[str, Input]:
        images = columns.images
        checked = self._inputs.check(given for given in images if given is not None)
        unusable = {given: each for given, each in checked.items() if isinstance(each, Unusable)}
        if unusable or self._needs_input:
            for i, given in enumerate(images):
                if given is not None and (why := unusable.get(given)):
                    faults[i].append(Fault(why.code, "input_image", shown(given), why.reason))
                elif given is None and self._needs_input and not columns.sources[i] and not faults.get(i):
                    reason = "missing: this engine starts from an image or a video; name one, or an engine in input"
                    faults[i].append(Fault("value.missing", "input_image", "", reason))
        check_sources(columns.sources, images, self._frame_makers, faults)
        return {given: each for given, each in checked.items() if isinstance(each, Input)}

    def _check_scenes(self, columns: _Columns, faults: Faults) -> list[Scene | None]:
        """The scene of each row, one object for all rows of the batch that ask for the same."""
        checked: dict[tuple[_SceneKey, bool | None, bool, str | None], tuple[Scene | None, Fault | None]] = {}
        scenes = []
        asked = zip(columns.scene_keys, columns.prompts, columns.images, columns.sources, strict=True)
        for i, (words, prompt, image, source) in enumerate(asked):
            # What a faulty row lacks may be what is at fault, so it is not held against it.
            key = (words, None, False, None) if i in faults else (words, prompt is None, image is None, source)
            if key not in checked:
                checked[key] = self._scene(*key)
            scene, fault = checked[key]
            scenes.append(scene)
            if fault:
                faults[i].append(fault)
        return scenes

    def _scene(
        self, words: _SceneKey, lacks_prompt: bool | None, lacks_image: bool, source: str | None
    ) -> tuple[Scene | None, Fault | None]:
        camera_id, incident, collision, triples, *others = words
        parsed = parse(triples, incident)
        if isinstance(parsed, Fault):
            return None, parsed
        if lacks_prompt is None:
            return None, None
        if lacks_prompt and incident is None:
            reason = "missing: a row needs an incident_type, or a prompt that tells what happens"
            return None, Fault("value.missing", "incident_type", "", reason)
        scene = Scene(camera_id, incident, collision, parsed, *others)
        fault = contradiction(incident, collision, scene.participants, scene.aftermath)
        if fault is None and (no := self._refused(scene, source, has_image=not lacks_image)):
            fault = Fault("engine.unsupported", no.column, no.value, no.reason)
        return scene, fault

    def _refused(self, scene: Scene, source: str | None, *, has_image: bool) -> Unsupported | None:
        """By the engine, or by the one that makes its first frames."""
        no = self._unsupported(scene, has_image or source is not None)
        if no is None and source is not None and self._frame_makers is not None:
            return self._frame_makers[source].unsupported(scene)
        return no

    def _scenario(self, row: int, i: int, columns: _Columns, scene: Scene | None, inputs: dict[str, Input]) -> Scenario:
        scenario_id, negative, seed = columns.scenario_ids[i], columns.negative_prompts[i], columns.seeds[i]
        if scenario_id is None or scene is None:
            raise RuntimeError(f"row {row} has no id or scene, and no fault")
        guidance, image, source = columns.guidances[i], columns.images[i], columns.sources[i]
        found = inputs[image] if image is not None else None
        seed = default_seed(scenario_id) if seed is None else seed
        return Scenario(
            row=row,
            scenario_id=scenario_id,
            scene=scene,
            prompt=columns.prompts[i],
            negative_prompt=DEFAULT_NEGATIVE_PROMPT if negative is None else negative,
            seed=seed,
            variants=columns.variants[i] or DEFAULT_VARIANTS,
            guidance=DEFAULT_GUIDANCE if guidance is None else guidance,
            pair_id=columns.pair_ids[i],
            split=columns.splits[i],
            input_image=source or image,
            input_path=found.path if found else None,
            input_sha256=found.sha256 if found else None,
            extra=columns.extras[i],
            input_origin=self._frame_makers[source].origin(scene, seed) if source and self._frame_makers else None,
        )

    def _without_conflicts(self, found: list[Scenario], first_row: int, faults: Faults) -> list[Scenario]:
        """Leaves out rows that contradict an earlier good row."""
        kept = []
        for scenario in found:
            if fault := self._known.add(scenario):
                faults[scenario.row - first_row].append(fault)
            else:
                kept.append(scenario)
        return kept


def _read_columns(rows: parquet.Rows, frame_makers: FrameMakers | None, faults: Faults, remarks: Faults) -> _Columns:
    table, known, count = rows.table, rows.layout.known, rows.table.num_rows

    def column(name: str) -> pa.Array | None:
        return table.column(known[name]) if name in known else None

    def ids(name: str, missing: str = "") -> list[str | None]:
        return column_parsers.ids(column(name), name, count, faults, missing)

    def number(name: str, low: int, high: int, whole: bool = True) -> list[Any]:
        return column_parsers.numbers(column(name), name, count, faults, low=low, high=high, whole=whole)

    def prompt(name: str, may_be_blank: bool) -> list[str | None]:
        return column_parsers.prompts(column(name), name, count, faults, may_be_blank=may_be_blank)

    scenario_ids = ids("scenario_id", "every row needs one of its own")
    cameras = ids("camera_id", "every row needs the camera that sees it")
    words = {name: column_parsers.words(column(name), name, kind, count, faults) for name, kind in WORDS.items()}
    splits = words.pop("split")
    incidents, collisions, *others = words.values()
    triples = column_parsers.participants(column("participants"), count, faults)
    views = [view or () for view in column_parsers.camera_words(column("camera"), count, faults)]
    return _Columns(
        scenario_ids=scenario_ids,
        scene_keys=list(zip(cameras, incidents, collisions, triples, *others, views, strict=True)),
        prompts=prompt("prompt", may_be_blank=False),
        negative_prompts=prompt("negative_prompt", may_be_blank=True),
        images=column_parsers.paths(column("input_image"), "input_image", count, faults),
        sources=column_parsers.engine_names(column("input"), "input", frame_makers, count, faults),
        seeds=number("seed", 0, MAX_SEED),
        variants=number("variants", 1, MAX_VARIANTS),
        guidances=number("guidance", 0, MAX_GUIDANCE, whole=False),
        pair_ids=ids("pair_id"),
        splits=splits,
        extras=passthrough.carried(table, rows.layout.carried, remarks),
    )


def default_seed(scenario_id: str) -> int:
    """The seed of a row that names none: 31 bits that depend on its id alone, not on its place in the manifest."""
    return int.from_bytes(hashlib.sha256(scenario_id.encode()).digest()[:4], "big") >> 1


def _rejection(row: int, scenario_id: str | None, faults: list[Fault]) -> Rejection:
    first = faults[0]
    others = "".join(f" Also {each.column or 'the row'}: {each.reason}." for each in faults[1:])
    reason = f"{first.reason}.{others}" if others else first.reason
    return Rejection(row, scenario_id, first.column or None, short(first.value), reason, first.code)


def _remark(row: int, scenario_id: str | None, fault: Fault) -> Remark:
    return Remark(row, scenario_id, fault.column, short(fault.value), fault.reason, fault.code)
