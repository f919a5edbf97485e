"""From scenarios to clips to shards: which clips a manifest asks for, which of them are missing, who renders them.

The plan lies in ``plan.parquet``, a row a clip, so that a million clips need no memory; only their ids are held.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import TypeAdapter

from its_core import storage
from its_core.clip import ClipNamer, ClipRequest, EngineIdentity, Geometry, Scene, clip_seed, scene_json
from its_core.scenarios.manifest.snapshot import ManifestFile
from its_core.scenarios.prompts.compose import compose
from its_core.scenarios.scenario import Batch, Rejection, Scenario
from its_core.taxonomy import Split

PLAN_FILE = "plan.parquet"
_ROW_GROUP = 4096
_SCHEMA = pa.schema(
    [
        ("clip_id", pa.string()),
        ("scenario_id", pa.string()),
        ("variant", pa.int32()),
        ("row", pa.int64()),
        ("seed", pa.int64()),
        ("prompt", pa.string()),
        ("prompt_composed", pa.bool_()),
        ("negative_prompt", pa.string()),
        ("guidance", pa.float64()),
        ("scene", pa.string()),
        ("camera_id", pa.string()),
        ("pair_id", pa.string()),
        ("split", pa.string()),
        ("input_image", pa.string()),
        ("input_path", pa.string()),
        ("input_sha256", pa.string()),
        ("extra", pa.string()),
    ]
)
_scene = TypeAdapter(Scene)


@dataclass(frozen=True, slots=True)
class PlannedClip:
    """A clip that the manifest asks for: the request, and what travels past the engine into the labels."""

    request: ClipRequest
    row: int
    prompt_composed: bool
    pair_id: str | None
    split: Split
    input_image: str | None
    extra: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a build makes. ``clip_ids`` are in the manifest's order; ``positions`` are their rows in the file;
    ``manifest`` is what was read."""

    path: Path
    geometry: Geometry
    rows: int
    clip_ids: Sequence[str]
    positions: Sequence[int]
    split_of_camera: Mapping[str, Split]
    rejections: Sequence[Rejection]
    manifest: Sequence[ManifestFile] = ()

    def clips(self, wanted: Iterable[int] | None = None) -> Iterator[PlannedClip]:
        """The clips at the given places of ``clip_ids`` (ascending), or all; one row group at a time is read."""
        places = range(len(self.clip_ids)) if wanted is None else wanted
        with self._open() as file:
            for group, rows in groupby((self.positions[place] for place in places), lambda row: row // _ROW_GROUP):
                table = file.read_row_group(group)
                kept = table.take([row - group * _ROW_GROUP for row in rows])
                yield from (self._clip(row) for row in kept.to_pylist())

    def _open(self) -> pq.ParquetFile:
        try:
            return pq.ParquetFile(self.path)
        except (FileNotFoundError, NotADirectoryError):
            gone = f"{self.path}: was removed during the build; build again, and it starts with what is left"
            raise FileNotFoundError(gone) from None

    def _clip(self, row: dict[str, Any]) -> PlannedClip:
        scene = _scene.validate_json(row["scene"])
        request = ClipRequest(
            clip_id=row["clip_id"],
            scenario_id=row["scenario_id"],
            variant=row["variant"],
            seed=row["seed"],
            prompt=row["prompt"],
            negative_prompt=row["negative_prompt"],
            guidance=row["guidance"],
            geometry=self.geometry,
            scene=scene,
            input_path=row["input_path"],
            input_sha256=row["input_sha256"],
        )
        return PlannedClip(
            request=request,
            row=row["row"],
            prompt_composed=row["prompt_composed"],
            pair_id=row["pair_id"],
            split=self.split_of_camera[row["camera_id"]],
            input_image=row["input_image"],
            extra=orjson.loads(row["extra"]),
        )


@dataclass(frozen=True, slots=True)
class Shard:
    """Clips that one torchrun makes, as places in the plan's ``clip_ids``; the id follows from the clips."""

    shard_id: str
    places: tuple[int, ...]


SplitAssigner = Callable[[Sequence[str], Sequence[str | None], Sequence[Split | None]], Sequence[Split | str]]


def make(
    folder: Path,
    batches: Iterable[Batch],
    engine: EngineIdentity,
    geometry: Geometry,
    assign_splits: SplitAssigner,
    on_rows: Callable[[int], None] = lambda _: None,
) -> Plan:
    """Writes ``folder/plan.parquet`` and returns the plan. ``on_rows`` hears of the rows read so far.

    ``assign_splits`` takes cameras, pair ids and wanted splits, clip by clip, and answers each with its split or with
    the reason why it can have none. A clip that another scenario already asks for to the letter is rejected.
    """
    draft = _Draft(ClipNamer(engine, geometry))
    path = folder / PLAN_FILE
    with storage.replacing(path) as part, pq.ParquetWriter(part, _SCHEMA) as writer:
        pending: list[dict[str, Any]] = []
        for batch in batches:
            draft.rows += len(batch.scenarios) + len(batch.rejections)
            draft.rejections += batch.rejections
            for scenario in batch.scenarios:
                pending += draft.clips_of(scenario)
            while len(pending) >= _ROW_GROUP:
                writer.write_table(pa.Table.from_pylist(pending[:_ROW_GROUP], _SCHEMA), _ROW_GROUP)
                del pending[:_ROW_GROUP]
            on_rows(draft.rows)
        if pending:
            writer.write_table(pa.Table.from_pylist(pending, _SCHEMA), _ROW_GROUP)
    return draft.finish(path, geometry, assign_splits)


class _Draft:
    """What is held in memory while a plan is written: ids, cameras and pairs, not prompts and scenes."""

    def __init__(self, namer: ClipNamer) -> None:
        self.rows = 0
        self.rejections: list[Rejection] = []
        self._namer = namer
        self._first: dict[str, int] = {}  # clip id → manifest row that asked for it first
        self._clip_ids: list[str] = []
        self._scenarios: list[tuple[int, str]] = []  # a clip's manifest row and scenario id
        self._cameras: list[str] = []
        self._pairs: list[str | None] = []
        self._wanted: list[Split | None] = []

    def clips_of(self, scenario: Scenario) -> list[dict[str, Any]]:
        """The plan's rows for a scenario, a variant each."""
        rows = [self._row(scenario, variant) for variant in range(scenario.variants)]
        for row in rows:
            if (first := self._first.get(row["clip_id"])) is not None:
                self.rejections.append(_twin(scenario, first))
                return []
        for row in rows:
            self._first[row["clip_id"]] = scenario.row
            self._clip_ids.append(row["clip_id"])
            self._scenarios.append((scenario.row, scenario.scenario_id))
            self._cameras.append(scenario.scene.camera_id)
            self._pairs.append(scenario.pair_id)
            self._wanted.append(scenario.split)
        return rows

    def _row(self, scenario: Scenario, variant: int) -> dict[str, Any]:
        seed = clip_seed(scenario.seed, scenario.scenario_id, variant)
        prompt = scenario.prompt if scenario.prompt is not None else compose(scenario.scene, seed)
        clip_id = self._namer.name(
            seed=seed,
            prompt=prompt,
            negative_prompt=scenario.negative_prompt,
            guidance=scenario.guidance,
            scene=scenario.scene,
            input_sha256=scenario.input_sha256,
        )
        return {
            "clip_id": clip_id,
            "scenario_id": scenario.scenario_id,
            "variant": variant,
            "row": scenario.row,
            "seed": seed,
            "prompt": prompt,
            "prompt_composed": scenario.prompt is None,
            "negative_prompt": scenario.negative_prompt,
            "guidance": scenario.guidance,
            "scene": scene_json(scenario.scene),
            "camera_id": scenario.scene.camera_id,
            "pair_id": scenario.pair_id,
            "split": scenario.split,
            "input_image": scenario.input_image,
            "input_path": scenario.input_path,
            "input_sha256": scenario.input_sha256,
            "extra": orjson.dumps(dict(scenario.extra)).decode(),
        }

    def finish(self, path: Path, geometry: Geometry, assign_splits: SplitAssigner) -> Plan:
        splits = assign_splits(self._cameras, self._pairs, self._wanted)
        split_of_camera: dict[str, Split] = {}
        positions = []
        refused: dict[int, Rejection] = {}
        for position, split in enumerate(splits):
            if isinstance(split, Split):
                split_of_camera[self._cameras[position]] = split
                positions.append(position)
            else:
                row, scenario_id = self._scenarios[position]
                refused[row] = Rejection(row, scenario_id, "split", str(self._wanted[position] or ""), split)
        rejections = sorted([*self.rejections, *refused.values()], key=lambda rejection: rejection.row)
        kept = [self._clip_ids[position] for position in positions]
        return Plan(path, geometry, self.rows, kept, positions, split_of_camera, rejections)


def _twin(scenario: Scenario, first: int) -> Rejection:
    reason = (
        f"asks for exactly the clip of row {first}: the engine would make the same video again; "
        "give it another seed or another scene"
    )
    return Rejection(scenario.row, scenario.scenario_id, "seed", str(scenario.seed), reason)


def shards(plan: Plan, missing: Sequence[int], size: int) -> list[Shard]:
    """The missing places of the plan (ascending) in shards of at most ``size`` clips."""
    return [_shard(plan, missing[start : start + size]) for start in range(0, len(missing), size)]


def shards_of_one_seed(plan: Plan, missing: Sequence[int], size: int) -> list[Shard]:
    """The same for a script that takes seed, guidance and negative prompt once a launch: a shard's clips share them."""
    alike: dict[tuple[int, float, str], list[int]] = defaultdict(list)
    for place, clip in zip(missing, plan.clips(missing), strict=True):
        request = clip.request
        alike[request.seed, request.guidance, request.negative_prompt].append(place)
    return [shard for places in alike.values() for shard in shards(plan, places, size)]


def _shard(plan: Plan, places: Sequence[int]) -> Shard:
    digest = hashlib.sha256("".join(plan.clip_ids[place] for place in places).encode())
    return Shard(digest.hexdigest()[:12], tuple(places))
