"""The engine that a definition names: its options checked, its identity known, its devices counted."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from its_core.clip import EngineIdentity
from its_core.definition import Definition, DefinitionError
from its_core.engines.engine import EngineModule, engine_module
from its_core.explanation import explain
from its_core.quality_gates import WEATHER_GATES, Gates
from its_core.shards import devices
from its_core.shards.batch import EngineSettings
from its_core.shards.devices import DevicesError
from its_core.storage.errors import StorageError

_OF_THE_CLIP = ("resolution", "fps")  # keys of the definition itself, which engines are given with their options


@dataclass(frozen=True, slots=True)
class ResolvedEngine:
    """An engine that is ready to be launched. ``settings`` travel in the batch file; ``script_flags`` say the same to a
    script of another's."""

    module: EngineModule
    settings: EngineSettings
    options: Any
    identity: EngineIdentity
    script_flags: tuple[str, ...]


def with_pinned_model(definition: Definition) -> Definition:
    """A registered model ``@latest`` becomes the version that it is now: for the whole build, and in its lineage."""
    engine = definition.engine
    options = engine_module(engine.name).pin_models(engine.options)
    return definition.model_copy(update={"engine": engine.model_copy(update={"options": options})})


def engine_options(definition: Definition, key: str = "engine.options") -> tuple[EngineModule, Any]:
    """The engine that the definition names, and its options checked. Raises DefinitionError, which names ``key``."""
    module = engine_module(definition.engine.name)
    where = f"{definition.folder}: {key}"
    for name in _OF_THE_CLIP:
        if name in definition.engine.options:
            raise DefinitionError(f"{where}: {name}: is a key of dataset.yaml itself: move it out of options")
    try:
        return module, module.parse_options(definition.engine.options, definition.resolution, definition.fps)
    except ValidationError as error:
        raise DefinitionError(explain(error, where, module.OPTIONS, hidden=_OF_THE_CLIP)) from None


def missing_parts(definition: Definition) -> list[str]:
    """Packages and weights that the definition's engine needs and that are not there. A script brings its own.

    Raises DefinitionError, and StorageError as S3 says."""
    module, options = engine_options(definition)
    for number in range(1, len(definition.out_of_memory_fallbacks) + 1):
        engine_options(definition.under_fallback(number), f"out_of_memory_fallbacks.{number - 1}.options")
    return [] if definition.engine.script else module.missing_parts(options)


def resolve_engine(definition: Definition) -> ResolvedEngine:
    """Raises DefinitionError when the engine's options are wrong, or name weights that are missing or cannot be read;
    StorageError when S3 does not give them."""
    choice = definition.engine
    module, options = engine_options(definition)
    if missing := missing_parts(definition):
        listed = "\n  ".join(missing)
        raise DefinitionError(
            f"{definition.folder}: the engine {choice.name} cannot render:\n  {listed}", code="definition.missing_parts"
        )
    try:
        flags = ("--resolution", definition.resolution, "--fps", str(definition.fps), *module.script_flags(options))
        if choice.script and (remote := [flag for flag in flags if flag.startswith("s3://")]):
            raise ValueError(f"{choice.script} cannot read {remote[0]}: name a copy on this disk")
        identity = module.identity(options)
    except StorageError:  # no fault of the definition
        raise
    except (OSError, ValueError) as error:
        raise DefinitionError(f"{definition.folder}: engine {choice.name}: {error}", code="definition.engine") from None
    settings = EngineSettings(
        name=choice.name,
        options=choice.options,
        resolution=definition.resolution,
        fps=definition.fps,
        fingerprint=identity.fingerprint,
        weights_sha256=identity.weights_sha256,
    )
    return ResolvedEngine(module, settings, options, identity, flags)


def quality_gates(definition: Definition, engine: ResolvedEngine) -> Gates:
    """The gates that clips are held to.

    A stand-in's pictures are noise: of the gates only those that the definition sets apply to them. An engine that
    paints the weather itself is held to the gates of the weather only where the definition sets them.
    """
    off: Collection[str] = ()
    if engine.module.is_stand_in(engine.options):
        off = Gates.model_fields.keys()
    elif engine.module.TRAITS.paints_weather:
        off = WEATHER_GATES
    return definition.gates.model_copy(update=dict.fromkeys(set(off) - definition.gates.model_fields_set))


def resolve_fallbacks(definition: Definition, engine: ResolvedEngine) -> list[ResolvedEngine]:
    """The engines for clips that ran out of memory 0, 1, 2 … times.

    Raises DefinitionError when a fallback would make other clips, or when there are too few GPUs.
    """
    _check_devices(definition, engine, f"{definition.folder}: processes_per_shard")
    engines = [engine]
    for number in range(1, len(definition.out_of_memory_fallbacks) + 1):
        key = f"{definition.folder}: out_of_memory_fallbacks.{number - 1}"
        changed = definition.under_fallback(number)
        engines.append(resolve_engine(changed))
        if engines[-1].identity != engine.identity:
            raise DefinitionError(
                f"{key}: would make other clips; name only what saves memory", code="definition.fallback"
            )
        _check_devices(changed, engine, key)
    return engines


def _check_devices(definition: Definition, engine: ResolvedEngine, key: str) -> None:
    if definition.executor != "local":
        return  # other machines' GPUs are seen there
    try:
        devices.slots(engine.module.TRAITS.uses_gpu, definition.processes_per_shard, definition.shards_at_once)
    except DevicesError as error:
        raise DefinitionError(f"{key}: {error}", code="definition.devices") from None
