"""Which files a clip's weights come from, and their hashes. Imports no torch unless a LoRA must be looked into."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from its_core import storage
from its_core.engines.cosmos.errors import CheckpointError
from its_core.engines.cosmos.options import CosmosOptions


@dataclass(frozen=True, slots=True)
class WeightsIdentity:
    """Hash by role. The text encoder's (45 GB) is of its files' names and sizes and its configuration."""

    by_role: dict[str, str]

    @property
    def sha256(self) -> str:
        """One hash for all of them."""
        text = "\n".join(f"{role} {digest}" for role, digest in sorted(self.by_role.items()))
        return hashlib.sha256(text.encode()).hexdigest()


def network_files(options: CosmosOptions) -> dict[str, Path]:
    """The network's checkpoint, and the base checkpoint that a LoRA alone goes on.

    Raises CheckpointError, also for a LoRA whose rank or alpha are not those that ``options`` say.
    """
    path = Path(options.dit_path) if options.dit_path else options.folders.base
    files = {"network": path}
    if options.use_lora:
        from its_core.engines.cosmos.model.checkpoint import check_lora_settings, read_network

        weights = read_network(path)
        check_lora_settings(options, weights)
        if not weights.base:
            files["base"] = Path(options.base_path) if options.base_path else options.folders.base
    return files


def weights_of(options: CosmosOptions) -> WeightsIdentity:
    """Hashes the weights that ``options`` name. Raises CheckpointError for one that is not there."""
    files = network_files(options) | {"vae": options.folders.vae}
    hashes = {role: sha256_of(path) for role, path in files.items()}
    hashes["text_encoder"] = _listing_sha256(options.folders.text_encoder)
    return WeightsIdentity(hashes)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, or of a folder: its files' names and hashes in order. Raises CheckpointError."""
    if path.is_file():
        return storage.sha256_remembered(path)
    digest = hashlib.sha256()
    for file in _files_in(path):
        digest.update(f"{file.relative_to(path).as_posix()}\0{sha256_of(file)}\n".encode())
    return digest.hexdigest()


def _listing_sha256(folder: Path) -> str:
    digest = hashlib.sha256()
    for file in _files_in(folder):
        digest.update(f"{file.relative_to(folder).as_posix()}\0{file.stat().st_size}\n".encode())
        if file.suffix == ".json":
            digest.update(file.read_bytes())
    return digest.hexdigest()


def _files_in(folder: Path) -> list[Path]:
    files = sorted(p for p in folder.rglob("*") if p.is_file()) if folder.is_dir() else []
    if not files:
        raise CheckpointError(f"{folder}: no such checkpoint file or folder")
    return files
