"""The task ``plan``: from a dataset's definition to the clips that it asks for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from its_tasks.progress import Progress
from prefect import task
from prefect.cache_policies import NO_CACHE
from pydantic import BaseModel, ValidationError

from its_core.clip import EngineIdentity
from its_core.dataset import splits
from its_core.definition import Definition, DefinitionError, explain
from its_core.engines.engine import EngineModule, engine_module
from its_core.scenarios import manifest
from its_core.scenarios.manifest.snapshot import unchanged
from its_core.shards import devices
from its_core.shards import plan as planning
from its_core.shards.batch import EngineSettings
from its_core.storage.errors import StorageError

REJECTED_FILE = "rejected.parquet"
INPUTS_FOLDER = "inputs"


@dataclass(frozen=True, slots=True)
class EngineOrder:
    """The engine that a definition names, its options checked and its identity known."""

    module: EngineModule
    settings: EngineSettings
    options: Any
    identity: EngineIdentity
    flags: tuple[str, ...]


def engine_options(definition: Definition) -> tuple[EngineModule, Any]:
    """The engine that the definition names, and its options checked. Raises DefinitionError."""
    module = engine_module(definition.engine.name)
    try:
        return module, module.parse_options(definition.engine.options, definition.resolution, definition.fps)
    except ValidationError as error:
        raise DefinitionError(explain(error, f"{definition.folder}: engine.options", BaseModel)) from None


def missing_parts(definition: Definition) -> list[str]:
    """Packages and weights that the definition's engine needs and that are not there. A script brings its own.

    Raises DefinitionError, and StorageError as S3 says."""
    module, options = engine_options(definition)
    return [] if definition.engine.script else module.missing_parts(options)


def order_engine(definition: Definition) -> EngineOrder:
    """Raises DefinitionError when the engine's options are wrong, or name weights that are missing or cannot be read;
    StorageError when S3 does not give them."""
    choice = definition.engine
    module, options = engine_options(definition)
    if missing := missing_parts(definition):
        listed = "\n  ".join(missing)
        raise DefinitionError(f"{definition.folder}: the engine {choice.name} cannot render:\n  {listed}")
    try:
        flags = ("--resolution", definition.resolution, "--fps", str(definition.fps), *module.flags(options))
        if choice.script and (remote := [flag for flag in flags if flag.startswith("s3://")]):
            raise ValueError(f"{choice.script} cannot read {remote[0]}: name a copy on this disk")
        identity = module.identity(options)
    except StorageError:  # no fault of the definition
        raise
    except (OSError, ValueError) as error:
        raise DefinitionError(f"{definition.folder}: engine {choice.name}: {error}") from None
    settings = EngineSettings(choice.name, choice.options, identity.made_by, identity.weights_sha256)
    return EngineOrder(module, settings, options, identity, flags)


def order_fallbacks(definition: Definition, order: EngineOrder) -> list[EngineOrder]:
    """What clips are rendered with that ran out of memory 0, 1, 2 … times.

    Raises DefinitionError when a fallback would make other clips, or when there are too few GPUs.
    """
    _check_devices(definition, order, f"{definition.folder}: processes_per_shard")
    orders = [order]
    for number in range(1, len(definition.out_of_memory_fallbacks) + 1):
        key = f"{definition.folder}: out_of_memory_fallbacks.{number - 1}"
        changed = definition.under_fallback(number)
        orders.append(order_engine(changed))
        if orders[-1].identity != order.identity:
            raise DefinitionError(f"{key}: would make other clips; name only what saves memory")
        _check_devices(changed, order, key)
    return orders


def _check_devices(definition: Definition, order: EngineOrder, key: str) -> None:
    if definition.executor != "local":
        return  # other machines' GPUs are seen there
    try:
        devices.slots(order.settings.name, definition.processes_per_shard, definition.shards_at_once)
    except ValueError as error:
        raise DefinitionError(f"{key}: {error}") from None


@task(name="plan", task_run_name="plan {definition.name}", cache_policy=NO_CACHE)
def plan(definition: Definition, order: EngineOrder, progress: Progress) -> planning.Plan:
    """Reads and checks the manifest; names, splits and orders the clips. Raises ManifestError, DefinitionError,
    and StorageError when S3 does not give the manifest or an input."""
    batches = manifest.read(
        definition.manifest,
        base_folder=str(definition.folder),
        allowed_inputs=definition.allowed_inputs,
        input_cache=definition.work_path / INPUTS_FOLDER,
        engine_needs_input="input" in order.identity.reads,
        refuses=order.module.refuses,
    )
    with unchanged(definition.manifest) as files:
        made = planning.make(
            definition.work_path,
            batches,
            order.identity,
            definition.geometry,
            lambda cameras, pairs, wanted: splits.assign(cameras, pairs, wanted, definition.splits),
            progress.rows_read,
        )
    made = replace(made, manifest=files)
    manifest.write_rejections(definition.work_path / REJECTED_FILE, made.rejections)
    progress.planned(made)
    if not made.clip_ids:
        first = made.rejections[0]
        raise manifest.ManifestError(
            f"{definition.manifest}: no usable row among {made.rows}; the first, row {first.row}"
            f"{f', {first.column}' if first.column else ''}: {first.reason}"
        )
    return made
