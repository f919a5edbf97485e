"""What a run of the Cosmos engine needs to be installed and on the disk, looked for by name. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from its_core import storage
from its_core.engines.cosmos.errors import CheckpointError
from its_core.engines.cosmos.options import CosmosOptions

PACKAGES = ("accelerate", "diffusers", "einops", "peft", "safetensors", "tokenizers", "transformers")


def missing_parts(options: CosmosOptions) -> list[str]:
    """Packages and weights that these options need and that are not there, a line each with the place and what helps.

    Weights may lie on S3. Raises StorageError as S3 says, and CheckpointError for a LoRA that cannot be read.
    """
    return [*_missing_packages(), *_missing_weights(options)]


def refuse_missing(options: CosmosOptions, *others: str) -> None:
    """Raises CheckpointError that names everything that is missing, after what else stands in the way: ``others``."""
    if missing := missing_parts(options):
        raise CheckpointError("; ".join([*others, *missing]), code="checkpoint.missing")


def refuse_missing_packages() -> None:
    """Raises CheckpointError that names them; to be called before any of them is imported."""
    if missing := _missing_packages():
        raise CheckpointError(*missing, code="checkpoint.missing")


def _missing_packages() -> list[str]:
    absent = [name for name in PACKAGES if find_spec(name) is None]
    plural = "s" if len(absent) > 1 else ""
    return [f"package{plural} {', '.join(absent)} not installed: pip install '.[cosmos]'"] if absent else []


def _missing_weights(options: CosmosOptions) -> Iterator[str]:
    for what, path, source in _wanted(options):
        url = storage.join(options.checkpoints_dir, path) if source else path
        if not storage.exists(url):
            yield f"{what}: {url} is missing{_hint(options, source)}"
    folder = storage.join(options.checkpoints_dir, _siglip_parent(options))
    if _checks_frames(options) and not any("siglip" in name for name in storage.list_folder(folder)):
        siglip = storage.join(folder, "models--google--siglip-so400m-patch14-384")
        yield f"frame classifier's encoder: {siglip} is missing{_hint(options, _hub_guardrail(options))}"


def _hint(options: CosmosOptions, source: str) -> str:
    if source and options.model_size == "tiny":
        return f" (its make-tiny-checkpoint {options.checkpoints_dir})"
    return f" (Hugging Face: {source})" if source else ""


def _hub_guardrail(options: CosmosOptions) -> str:
    return f"nvidia/{options.folders.guardrail.name}, or --disable_guardrail"


def _wanted(options: CosmosOptions) -> Iterator[tuple[str, str, str]]:
    """What is needed, its path below ``checkpoints_dir``, and where it comes from or what renders without it; an empty
    source means that the path is the user's own."""
    folders = options.relative_folders
    model = f"nvidia/{folders.model.name}"
    if options.dit_path:
        yield "network (dit_path)", options.dit_path, ""
    if options.base_path:
        yield "base network (base_path)", options.base_path, ""
    elif not options.dit_path or _lora_wants_base(options):
        yield "base network", folders.base.as_posix(), model
    vae = folders.model / "vae"
    if not storage.exists(storage.join(options.checkpoints_dir, vae.as_posix())):
        yield "video autoencoder", (folders.model / "tokenizer" / "tokenizer.pth").as_posix(), model
    yield "T5 text encoder", f"{folders.text_encoder.as_posix()}/config.json", "google-t5/t5-11b"
    if not options.disable_guardrail:
        yield "guardrail's word list", (folders.guardrail / "blocklist").as_posix(), _hub_guardrail(options)
    if _checks_frames(options):
        guardrail, guard = _hub_guardrail(options), f"Qwen/{folders.text_guard.name}, or --disable_guardrail"
        yield "frame classifier", f"{_siglip_parent(options)}/safety_filter.pt", guardrail
        yield "face blur", (folders.guardrail / "face_blur_filter" / "Resnet50_Final.pth").as_posix(), guardrail
        yield "prompt guard", f"{folders.text_guard.as_posix()}/config.json", guard
    if not options.disable_prompt_refiner and options.model_size != "tiny":
        refiner = f"nvidia/{folders.refiner.name}, or --disable_prompt_refiner"
        yield "prompt refiner", f"{folders.refiner.as_posix()}/config.json", refiner


def _checks_frames(options: CosmosOptions) -> bool:
    return not options.disable_guardrail and options.model_size != "tiny"


def _siglip_parent(options: CosmosOptions) -> str:
    return (options.relative_folders.guardrail / "video_content_safety_filter").as_posix()


def _lora_wants_base(options: CosmosOptions) -> bool:
    """Whether the LoRA comes without the network under it. The file is looked into only where the base is not there."""
    base = storage.join(options.checkpoints_dir, options.relative_folders.base.as_posix())
    if not options.use_lora or storage.exists(base) or not Path(options.dit_path).exists():
        return False  # a network on S3 is looked into once it is fetched
    from its_core.engines.cosmos.model.checkpoint import read_network

    return not read_network(Path(options.dit_path)).base
