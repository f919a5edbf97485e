"""Weights on S3: brought into this machine's cache, so that everything else finds them on the disk."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from its_core import storage
from its_core.engines.cosmos.errors import CheckpointError
from its_core.engines.cosmos.options import CheckpointFolders, CosmosOptions
from its_core.engines.cosmos.weights import network_files
from its_core.storage import input_cache
from its_core.storage.errors import NotThere, shown
from its_core.storage.input_cache import InputCache

# Where NVIDIA's trainer leaves a checkpoint; the run's folder also holds its settings.
_TRAINED = re.compile(r"(.+)/(checkpoints/model/[^/]+)")
_TRAINING_SETTINGS = "config.yaml"


@contextmanager
def localized(options: CosmosOptions) -> Iterator[CosmosOptions]:
    """The same options with weights on this disk in place of those on S3, which stay there while the block runs.

    What is in the machine's cache already is not fetched; where several processes want it at once, one fetches.

    Raises:
        CheckpointError: a part is not there.
        StorageError: S3 does not give it, or it does not fit.
    """
    with input_cache.of_this_machine() as cache:
        yield _fetched(options, cache)


def _fetched(options: CosmosOptions, cache: InputCache) -> CosmosOptions:
    changes = {key: _network(cache, getattr(options, key)) for key in ("dit_path", "base_path")}
    root = options.checkpoints_dir
    folders = options.relative_folders
    for part in _parts(options, folders):
        changes["checkpoints_dir"] = _below(cache, root, part.as_posix())
    try:
        cache.fetch_below(root, (folders.model / "vae").as_posix())
    except NotThere:
        _below(cache, root, (folders.model / "tokenizer" / "tokenizer.pth").as_posix())
    local = options.model_copy(update=changes)
    if Path(local.checkpoints_dir) == Path(root):
        return local  # on this disk, where nothing needs to be fetched
    if not options.dit_path or (not options.base_path and "base" in network_files(local)):
        _below(cache, root, folders.base.as_posix())
    return local


def _parts(options: CosmosOptions, folders: CheckpointFolders) -> list[Path]:
    """What is needed of ``checkpoints_dir`` beside the network and the VAE."""
    tiny = options.model_size == "tiny"
    needed = [folders.text_encoder]
    if not options.disable_guardrail:
        needed += [folders.guardrail] if tiny else [folders.guardrail, folders.text_guard]
    if not options.disable_prompt_refiner and not tiny:
        needed.append(folders.refiner)
    return needed


def _network(cache: InputCache, url: str) -> str:
    """The local path of a network's checkpoint: a file, or a folder with a LoRA alone. Empty where none is named."""
    if not url:
        return url
    url = url.rstrip("/")
    trained = _TRAINED.fullmatch(url)
    if not trained:
        root, part = storage.split(url)
        return str(Path(_below(cache, root, part)) / part)
    root, part = trained.groups()
    with suppress(NotThere):
        cache.fetch_below(root, _TRAINING_SETTINGS)
    return str(Path(_below(cache, root, part)) / part)


def _below(cache: InputCache, root: str, part: str) -> str:
    try:
        return str(cache.fetch_below(root, part))
    except NotThere:
        missing = f"{shown(storage.join(root, part))}: no such checkpoint file or folder"
    raise CheckpointError(missing)
