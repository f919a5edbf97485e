"""Writes the plan: scenarios become clips with a name, a seed and a split each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from its_core import storage
from its_core.clip import ClipNamer, ClipRequest, EngineIdentity, Geometry, clip_seed
from its_core.clip.request_json import REQUEST
from its_core.scenarios.prompts.compose import compose
from its_core.scenarios.scenario import Batch, Rejection, Scenario
from its_core.shards.plan.planned import PLAN_FILE, ROW_GROUP, SCHEMA, Plan
from its_core.taxonomy import Split

SplitAssigner = Callable[[Sequence[str], Sequence[str | None], Sequence[Split | None]], Sequence[Split | str]]


def make(
    folder: Path,
    batches: Iterable[Batch],
    engine: EngineIdentity,
    geometry: Geometry,
    assign_splits: SplitAssigner,
    on_rows: Callable[[int], None] = lambda _: None,
) -> Plan:
    """Writes ``folder/plan.parquet`` and returns the plan. ``on_rows`` is called with the number of rows read so far.

    ``assign_splits`` takes cameras, pair ids and requested splits, clip by clip, and answers each with its split or
    with the reason why it can have none. A clip that another scenario already asks for exactly is rejected.
    """
    plan = _PlanInMemory(ClipNamer(engine, geometry), geometry)
    path = folder / PLAN_FILE
    with storage.replacing(path) as part, pq.ParquetWriter(part, SCHEMA) as writer:
        pending: list[dict[str, Any]] = []
        for batch in batches:
            plan.rows += len(batch.scenarios) + len(batch.rejections)
            plan.rejections += batch.rejections
            for scenario in batch.scenarios:
                pending += plan.clips_of(scenario)
            while len(pending) >= ROW_GROUP:
                writer.write_table(pa.Table.from_pylist(pending[:ROW_GROUP], SCHEMA), ROW_GROUP)
                del pending[:ROW_GROUP]
            on_rows(plan.rows)
        if pending:
            writer.write_table(pa.Table.from_pylist(pending, SCHEMA), ROW_GROUP)
    return plan.finish(path, assign_splits)


class _PlanInMemory:
    """What is held in memory while a plan is written: ids, cameras and pairs, not prompts and scenes."""

    def __init__(self, namer: ClipNamer, geometry: Geometry) -> None:
        self.rows = 0
        self.rejections: list[Rejection] = []
        self._namer = namer
        self._geometry = geometry
        self._first_row: dict[str, int] = {}  # clip id → manifest row that asked for it first
        self._clip_ids: list[str] = []
        self._scenarios: list[tuple[int, str]] = []  # a clip's manifest row and scenario id
        self._cameras: list[str] = []
        self._pairs: list[str | None] = []
        self._requested_splits: list[Split | None] = []

    def clips_of(self, scenario: Scenario) -> list[dict[str, Any]]:
        """The plan's rows for a scenario, a variant each."""
        requests = [self._request(scenario, variant) for variant in range(scenario.variants)]
        for request in requests:
            if (first := self._first_row.get(request.clip_id)) is not None:
                self.rejections.append(_duplicate(scenario, first))
                return []
        for request in requests:
            self._first_row[request.clip_id] = scenario.row
            self._clip_ids.append(request.clip_id)
            self._scenarios.append((scenario.row, scenario.scenario_id))
            self._cameras.append(scenario.scene.camera_id)
            self._pairs.append(scenario.pair_id)
            self._requested_splits.append(scenario.split)
        return [_plan_row(scenario, request) for request in requests]

    def _request(self, scenario: Scenario, variant: int) -> ClipRequest:
        seed = clip_seed(scenario.seed, scenario.scenario_id, variant)
        named = partial(  # twice faster than dataclasses.replace
            ClipRequest,
            scenario_id=scenario.scenario_id,
            variant=variant,
            seed=seed,
            prompt=scenario.prompt if scenario.prompt is not None else compose(scenario.scene, seed),
            negative_prompt=scenario.negative_prompt,
            guidance=scenario.guidance,
            geometry=self._geometry,
            scene=scenario.scene,
            input_path=scenario.input_path,
            input_sha256=scenario.input_sha256,
            input_origin=scenario.input_origin,
        )
        return named(clip_id=self._namer.name(named(clip_id="")))

    def finish(self, path: Path, assign_splits: SplitAssigner) -> Plan:
        splits = assign_splits(self._cameras, self._pairs, self._requested_splits)
        split_of_camera: dict[str, Split] = {}
        file_rows = []
        refused: dict[int, Rejection] = {}
        for file_row, split in enumerate(splits):
            if isinstance(split, Split):
                split_of_camera[self._cameras[file_row]] = split
                file_rows.append(file_row)
            else:
                row, scenario_id = self._scenarios[file_row]
                refused[row] = Rejection(row, scenario_id, "split", str(self._requested_splits[file_row] or ""), split)
        rejections = sorted([*self.rejections, *refused.values()], key=lambda rejection: rejection.row)
        kept = [self._clip_ids[file_row] for file_row in file_rows]
        return Plan(path, self._geometry, self.rows, kept, file_rows, split_of_camera, rejections)


def _plan_row(scenario: Scenario, request: ClipRequest) -> dict[str, Any]:
    return {
        "clip_id": request.clip_id,
        "request": REQUEST.dump_json(request).decode(),
        "row": scenario.row,
        "prompt_composed": scenario.prompt is None,
        "pair_id": scenario.pair_id,
        "input_image": scenario.input_image,
        "extra": orjson.dumps(dict(scenario.extra)).decode(),
    }


def _duplicate(scenario: Scenario, first_row: int) -> Rejection:
    reason = (
        f"asks for exactly the clip of row {first_row}: the engine would make the same video again; "
        "give it another seed or another scene"
    )
    return Rejection(scenario.row, scenario.scenario_id, "seed", str(scenario.seed), reason)
