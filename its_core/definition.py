"""A dataset's definition: the folder with ``dataset.yaml``, and the order in which overrides win.

A key is taken from the first of: the command line (``--set key=value``), the environment (``ITS_KEY``, nested
``ITS_ENGINE__NAME``), ``dataset.yaml``, the default. A relative path in ``dataset.yaml`` counts from its folder, one on
the command line or in the environment from the current directory.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from its_core import storage
from its_core.clip import Fps, Geometry, Resolution
from its_core.engines.engine import EngineName
from its_core.errors import FactoryError
from its_core.quality_gates import Gates
from its_core.taxonomy import Split

FILE_NAME = "dataset.yaml"
Executor = Literal["local", "ray"]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]


class DefinitionError(FactoryError, ValueError):
    """A definition that cannot be used; the message names the file, the key, the value and what would be right."""

    default_code = "definition"


class EngineChoice(BaseModel):
    """Which engine renders, and with what."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: EngineName = Field("simulator", description="simulator (any CPU) or cosmos (GPUs)")
    options: dict[str, Any] = Field(default_factory=dict, description="the engine's own options, checked by the engine")
    script: str | None = Field(
        None, description="a script with the guide's flags to run under torchrun instead of the built-in worker"
    )


class UtilityGate(BaseModel):
    """A new version becomes the latest only if a small detector trained on it does no worse."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    against: Literal["latest"] = Field("latest", description="what a new version is compared with: latest")
    margin: float = Field(0.02, ge=0, le=1, description="how much lower the new version's score may be")
    score: Literal["auc", "total"] = Field("auc", description="auc (clips told apart) or total (when, where, what)")
    test: str | None = Field(
        None, description="a version or folder in ACCIDENT's layout to test on; empty: the latest version's test split"
    )
    epochs: int = Field(24, ge=1, le=1000, description="how long the two detectors train")


class MemoryFallback(BaseModel):
    """How a clip that ran out of memory is tried again; what is empty stays as the definition has it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    options: dict[str, Any] = Field(default_factory=dict, description="engine options in place of the definition's")
    processes_per_shard: int | None = Field(None, ge=1, le=1024, description="more GPUs a clip, or fewer CPU processes")
    shards_at_once: int | None = Field(None, ge=1, le=1024, description="fewer clips side by side")


class Definition(BaseSettings):
    """Every key of ``dataset.yaml``."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix="ITS_", env_nested_delimiter="__", validate_default=True
    )

    folder: Path = Field(description="the definition's folder; set when it is loaded", exclude=True)
    name: Name = Field(description="the dataset's name: letters, digits, '.', '_' and '-'")
    description: str = Field("", description="a sentence or two for the dataset card")
    license: str = Field("other", description="the published data's licence, an SPDX id where there is one")
    manifest: str = Field("scenarios.parquet", description="Parquet file, folder or glob; a path or an s3:// URL")
    allowed_inputs: tuple[str, ...] = Field(
        (".",), description="folders and s3:// prefixes that input_image may name; anything else is rejected"
    )
    engine: EngineChoice = Field(default_factory=EngineChoice, description="engine.name, engine.options, engine.script")
    resolution: Resolution = Field("720", description="720 (1280×704) or 480 (768×432)")
    fps: Fps = Field(16, description="16 (93 frames) or 10 (61 frames)")
    executor: Executor = Field("local", description="local (this machine) or ray (shards over a Ray cluster)")
    ray_address: str = Field(
        "auto", description="the cluster of executor ray: host:port, or auto: this machine's, else this machine alone"
    )
    shard_size: int = Field(8, ge=1, le=10_000, description="clips a torchrun launch")
    processes_per_shard: int = Field(1, ge=1, le=1024, description="GPUs (cosmos) or CPU processes (simulator) a shard")
    shards_at_once: int | None = Field(None, ge=1, le=1024, description="shards side by side; empty: as many as fit")
    clip_timeout_s: float = Field(900.0, gt=0, description="a clip that takes longer is ended as timed_out")
    shard_timeout_s: float | None = Field(None, gt=0, description="a shard's limit; empty: start-up plus its clips'")
    retries: int = Field(2, ge=0, le=20, description="further tries for clips that failed in a way that may pass")
    retry_delay_s: float = Field(1.0, ge=0, le=3600, description="wait before the first further try; doubles each time")
    out_of_memory_fallbacks: tuple[MemoryFallback, ...] = Field(
        (), description="for clips that ran out of memory, in turn: options, processes_per_shard, shards_at_once"
    )
    min_success_ratio: float = Field(
        0.95, ge=0, le=1, description="clips made ÷ clips asked below which nothing is published"
    )
    gates: Gates = Field(default_factory=Gates, description="thresholds of the quality gates; null switches one off")
    splits: dict[Split, float] = Field(
        {Split.TRAIN: 0.8, Split.VAL: 0.1, Split.TEST: 0.1}, description="share of cameras a split; sums to 1"
    )
    utility: UtilityGate | None = Field(
        None, description="utility.against, margin, score, test, epochs: a version that trains worse is not made latest"
    )
    publish_url: str = Field("published", description="where versions are published: a folder or an s3:// prefix")
    publish_machine_names: bool = Field(False, description="publish host name, login and local paths in the lineage")
    work_dir: str = Field(".its", description="clips and receipts of unfinished and past builds; a local folder")

    @field_validator("resolution", mode="before")
    @classmethod
    def _unquoted(cls, value: Any) -> Any:
        return str(value) if isinstance(value, int) else value  # YAML reads a bare 720 as a number

    @field_validator("fps", mode="before")
    @classmethod
    def _quoted(cls, value: Any) -> Any:
        return int(value) if isinstance(value, str) and value.isdecimal() else value  # the environment knows only text

    @field_validator("splits")
    @classmethod
    def _shares_of_one(cls, splits: dict[Split, float]) -> dict[Split, float]:
        if any(share < 0 for share in splits.values()) or abs(sum(splits.values()) - 1) > 1e-6:
            raise ValueError(f"shares must be ≥ 0 and sum to 1, they sum to {sum(splits.values()):g}")
        return splits

    @model_validator(mode="after")
    def _paths_are_absolute(self) -> Self:
        if not storage.can_rename(self.work_dir):
            raise ValueError(f"work_dir {self.work_dir!r}: must be a folder on this machine")
        located = _located(self.model_dump(include=set(_PATH_KEYS)), self.folder)
        for key, value in located.items():
            object.__setattr__(self, key, value)
        for key in ("publish_url", "work_dir"):
            if _read_as_rows(Path(self.manifest), Path(getattr(self, key))):
                raise ValueError(
                    f"{key} {getattr(self, key)!r}: lies in the manifest's folder; it would be read as rows"
                )
        return self

    @property
    def geometry(self) -> Geometry:
        return Geometry.of(self.resolution, self.fps)

    @property
    def work_path(self) -> Path:
        return storage.local_path(self.work_dir)

    def under_fallback(self, number: int) -> Definition:
        """This definition as it is for clips that ran out of memory ``number`` times; the last fallback goes on."""
        if number == 0 or not self.out_of_memory_fallbacks:
            return self
        fallback = self.out_of_memory_fallbacks[:number][-1]
        engine = self.engine.model_copy(update={"options": self.engine.options | fallback.options})
        chosen = fallback.model_dump(include={"processes_per_shard", "shards_at_once"}, exclude_none=True)
        return self.model_copy(update={"engine": engine, **chosen})


def _read_as_rows(manifest: Path, folder: Path) -> bool:
    """Whether ``folder`` lies in a manifest that is a folder, under no name that its reader passes over."""
    return folder.is_relative_to(manifest) and not any(
        part.startswith((".", "_")) for part in folder.relative_to(manifest).parts
    )


_PATH_KEYS = ("manifest", "allowed_inputs", "publish_url", "work_dir")


def _located(values: Mapping[str, Any], base: Path) -> dict[str, Any]:
    """The same values with relative paths made absolute from ``base``; values of a wrong type are left to pydantic."""
    located = dict(values)
    for key in _PATH_KEYS:
        match located.get(key):
            case str(path):
                located[key] = storage.resolve(path, base)
            case list(paths) | tuple(paths) if all(isinstance(path, str) for path in paths):
                located[key] = tuple(storage.resolve(path, base) for path in paths)
    for key, inner in (("engine", "script"), ("utility", "test")):
        parts = located.get(key)
        if isinstance(parts, dict) and isinstance(parts.get(inner), str):
            located[key] = parts | {inner: storage.resolve(parts[inner], base)}
    return located


class _Located(PydanticBaseSettingsSource):
    """Another source, its relative paths counted from ``base``."""

    def __init__(self, settings: type[BaseSettings], values: Any, base: Path) -> None:
        super().__init__(settings)
        self._values = values
        self._base = base

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002
        raise AssertionError("values come from __call__")

    def __call__(self) -> dict[str, Any]:
        values = self._values() if callable(self._values) else self._values
        return _located(values, self._base)


def is_definition(path: str | Path) -> bool:
    """Whether ``path`` is a definition's folder, or its file."""
    return (Path(path) / FILE_NAME).is_file() or (Path(path).name == FILE_NAME and Path(path).is_file())


def load(folder: str | Path, overrides: Mapping[str, Any] | None = None) -> Definition:
    """Reads ``folder/dataset.yaml`` (``folder`` may name the file itself) under the environment and ``overrides``.

    ``overrides`` maps keys, dotted for nested ones (``engine.name``), to values. Raises DefinitionError.
    """
    file = Path(folder)
    file = file if file.suffix in {".yaml", ".yml"} else file / FILE_NAME
    base = file.parent.resolve()
    written = _read_yaml(file)

    class Sources(Definition):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
            file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            here = Path.cwd()
            return (
                _Located(settings_cls, init_settings, here),
                _Located(settings_cls, env_settings, here),
                _Located(settings_cls, written, base),
            )

    try:
        return Sources(**{**nested(overrides or {}), "folder": base})
    except ValidationError as error:
        raise DefinitionError(explain(error, str(file), Definition)) from None
    except SettingsError as error:
        raise DefinitionError(f"environment: {error}; lists and keys with parts are written as JSON there") from None


def set_from_outside(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """What the environment (``ITS_KEY``) and a call's ``overrides`` set, as dotted keys, relative paths made absolute:
    as overrides they bring about the same definition in another environment and folder. Raises DefinitionError."""
    here = Path.cwd()
    try:
        environment = _located(EnvSettingsSource(Definition)(), here)
    except SettingsError as error:
        raise DefinitionError(f"environment: {error}; lists and keys with parts are written as JSON there") from None
    environment.pop("folder", None)
    return dotted(_merged(environment, _located(nested(overrides), here)))


def _merged(below: dict[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Both, as sources are merged when a definition is loaded: ``above`` wins, key by key within mappings."""
    merged = dict(below)
    for key, value in above.items():
        under = below.get(key)
        merged[key] = _merged(under, value) if isinstance(under, dict) and isinstance(value, dict) else value
    return merged


def variable(key: str) -> str:
    """The environment variable of a dotted key."""
    return "ITS_" + key.upper().replace(".", "__")


def find(folder: str | Path) -> list[Path]:
    """The folders of all definitions in ``folder``, or ``folder`` itself when it is one, sorted.

    Raises DefinitionError where there is none.
    """
    root = Path(folder)
    found = [root] if (root / FILE_NAME).is_file() else sorted(path.parent for path in root.glob(f"*/{FILE_NAME}"))
    if not found:
        raise DefinitionError(f"{root}: no dataset: neither {FILE_NAME} nor a folder with one lies there")
    return found


def _read_yaml(file: Path) -> dict[str, Any]:
    try:
        written = _joined(yaml.safe_load(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise DefinitionError(
            f"{file}: no such file; a dataset is a folder with a {FILE_NAME} (see datasets/quickstart)"
        ) from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DefinitionError(f"{file}: cannot be read as YAML: {' '.join(str(error).split())}") from None
    if not isinstance(written, dict):
        raise DefinitionError(f"{file}: must hold keys and values, like 'name: my-dataset'")
    if "folder" in written:
        raise DefinitionError(f"{file}: folder: not a key; the definition's folder is where the file lies")
    return written


def _joined(value: Any) -> Any:
    """The same with surrogates joined: PyYAML leaves the pairs of a file that was written as JSON apart. Raises
    UnicodeDecodeError where one has no other half."""
    match value:
        case str():
            return value.encode("utf-16", "surrogatepass").decode("utf-16")
        case dict():
            return {_joined(key): _joined(each) for key, each in value.items()}
        case list():
            return [_joined(each) for each in value]
    return value


def parse_override(text: str) -> tuple[str, Any]:
    """``key=value`` of the command line; the value is read as YAML. Raises DefinitionError."""
    key, separator, value = text.partition("=")
    if not separator or not key.strip():
        raise DefinitionError(f"--set {text!r}: must be key=value, like --set engine.name=cosmos")
    try:
        return key.strip(), yaml.safe_load(value)
    except yaml.YAMLError:
        raise DefinitionError(f"--set {key}: {value!r} cannot be read as a YAML value") from None


def nested(dotted: Mapping[str, Any]) -> dict[str, Any]:
    """``{"engine.name": x}`` as ``{"engine": {"name": x}}``."""
    result: dict[str, Any] = {}
    for key, value in dotted.items():
        *parents, last = key.split(".")
        level = result
        for parent in parents:
            level = level.setdefault(parent, {})
            if not isinstance(level, dict):
                raise DefinitionError(f"--set {key}: {parent} is also set to {level!r}; set it or its parts, not both")
        level[last] = value
    return result


def dotted(values: Mapping[str, Any], parents: str = "") -> dict[str, Any]:
    """``{"engine": {"name": x}}`` as ``{"engine.name": x}``, of which ``nested`` makes the same again: what is empty
    or has keys that are no names stays whole."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        has_names = isinstance(value, dict) and value and all(isinstance(k, str) and "." not in k for k in value)
        flat |= dotted(value, f"{parents}{key}.") if has_names else {f"{parents}{key}": value}
    return flat


def explain(error: ValidationError, where: str, model: type[BaseModel]) -> str:
    """A pydantic error of ``model`` as one line: where, which key, which value, what would be right."""
    problems = []
    for detail in error.errors(include_url=False):
        key = ".".join(str(part) for part in detail["loc"]) or "as a whole"
        message = detail["msg"].removeprefix("Value error, ")
        if detail["type"] == "extra_forbidden":
            message = f"no such key; the keys are {', '.join(_keys_beside(detail['loc'], model))}"
        elif detail["type"] != "missing" and detail["loc"]:
            message = f"{detail['input']!r}: {message}"
        problems.append(f"{key}: {message}")
    return f"{where}: " + "; ".join(problems)


def _keys_beside(location: tuple[int | str, ...], model: type[BaseModel]) -> list[str]:
    for part in location[:-1]:
        if isinstance(part, int):
            continue
        inner = _model_in(model.model_fields[part].annotation) if part in model.model_fields else None
        if inner is None:
            break
        model = inner
    return sorted(name for name, field in model.model_fields.items() if not field.exclude)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model that a field holds, itself or in a tuple."""
    for candidate in (annotation, *get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None
