"""From a definition to a prepared training set: its clips, the weights that they are prepared with, their artefacts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from its_core import storage
from its_core.engines.cosmos.errors import CheckpointError
from its_core.engines.cosmos.requirements import PACKAGES
from its_core.engines.cosmos.weights import WeightsIdentity, weights_of
from its_core.post_training.data import receipts, training_set
from its_core.post_training.data.clips import Refusal, SourceClip
from its_core.post_training.data.orders import PrepareOrders, clip_as_json
from its_core.post_training.data.part_models import PublishedPart
from its_core.post_training.data.parts import open_published, read_part
from its_core.post_training.data.receipts import ClipReceipt
from its_core.post_training.data.training_set import TrainingSet
from its_core.post_training.errors import PostTrainingError
from its_core.post_training.settings import PostTraining
from its_core.post_training.torchrun import Launch, Program
from its_core.scenarios.prompts.compose import DEFAULT_NEGATIVE_PROMPT
from its_core.storage import input_cache

PREPARE_MODULE = "its_core.post_training.data.worker"


@dataclass(frozen=True, slots=True)
class Sources:
    """The clips that a definition names, those refused at sight, and the definition with its versions pinned."""

    clips: list[SourceClip]
    refusals: list[Refusal]
    pinned: list[str]


def read_sources(settings: PostTraining) -> Sources:
    """Raises PostTrainingError, NotPublished or StorageError when a part cannot be read at all."""
    clips: list[SourceClip] = []
    refusals: list[Refusal] = []
    pinned: list[str] = []
    with input_cache.of_this_machine() as cache:
        for number, part in enumerate(settings.parts):
            if isinstance(part, PublishedPart):
                version = open_published(part, settings.publish_url)
                pinned.append(f"{version.dataset}@{version.version}")
                part = part.model_copy(update={"version": version.version})
            for found in read_part(part, number, settings.publish_url, settings.validation_share, cache):
                (clips if isinstance(found, SourceClip) else refusals).append(found)  # type: ignore[arg-type]
    twice = [name for name, count in Counter(clip.name for clip in clips).items() if count > 1]
    if twice:
        raise PostTrainingError(f"parts: {twice[0]} comes twice; name each part once", code="post_training.part.twice")
    if not clips:
        raise PostTrainingError(
            f"parts: no clip can be used; {len(refusals)} are refused, the first: {_first(refusals)}",
            code="post_training.nothing_to_train_on",
        )
    return Sources(clips, refusals, pinned)


def _first(refusals: list[Refusal]) -> str:
    return f"{refusals[0].name}: {refusals[0].reason}" if refusals else "there is none"


def check_packages() -> None:
    """Raises PostTrainingError that names the packages which training needs and this environment lacks."""
    if absent := [name for name in (*PACKAGES, "tensorboard") if find_spec(name) is None]:
        raise PostTrainingError(
            f"not installed: {', '.join(absent)}; pip install -c constraints.txt -e '.[cosmos,training]' brings them",
            code="post_training.packages",
        )


def hash_weights(settings: PostTraining) -> WeightsIdentity:
    """The digests of base, VAE and text encoder. Raises PostTrainingError where one is missing."""
    try:
        return weights_of(settings.base_options)
    except CheckpointError as error:
        raise PostTrainingError(str(error), code="post_training.weights") from None


def prepare(
    settings: PostTraining,
    sources: Sources,
    weights: WeightsIdentity,
    processes: int,
    launch: Launch,
    watch: Callable[[int, int], None],
) -> TrainingSet:
    """Computes what is missing of latents and texts, and writes the training set.

    ``watch`` is given how many clips have their receipt, and how many there are. Raises ProgramRefused, ProgramFailed,
    and PostTrainingError where nothing is left to train on.
    """
    work = settings.work_path
    orders = _prepare_orders(settings, sources, weights)
    file = work / "prepare.json"
    with storage.replacing(file) as part:
        part.write_text(orders.model_dump_json(), encoding="utf-8")
    paths = [receipts.path_of(orders.receipts, clip.name) for clip in sources.clips]
    for path in paths:
        path.unlink(missing_ok=True)  # of an earlier time; what it tells of is found by its content again

    def done() -> int:
        return sum(path.exists() for path in paths)

    program = Program(
        PREPARE_MODULE,
        ("--orders", str(file)),
        processes=min(processes, len(sources.clips)),
        logs=work / "logs" / "prepare",
        progress=done,
        watch=lambda: watch(done(), len(paths)),
    )
    launch(program)
    prepared = [_receipt(orders.receipts, clip.name) for clip in sources.clips]
    made = training_set.of_receipts(sources.clips, prepared, sources.refusals, orders.store(), DEFAULT_NEGATIVE_PROMPT)
    check_drawable(settings, made)
    training_set.write(work / training_set.FILE_NAME, made)
    return made


def _prepare_orders(settings: PostTraining, sources: Sources, weights: WeightsIdentity) -> PrepareOrders:
    return PrepareOrders(
        model_size=settings.model_size,
        resolution=settings.resolution,
        fps=settings.fps,
        checkpoints_dir=settings.checkpoints_dir,
        artefacts=settings.artefacts_path,
        receipts=settings.work_path / "receipts",
        vae_sha256=weights.by_role["vae"],
        text_encoder_sha256=weights.by_role["text_encoder"],
        negative_prompt=DEFAULT_NEGATIVE_PROMPT,
        clips=tuple(clip_as_json(clip) for clip in sources.clips),
    )


def _receipt(folder: Path, name: str) -> ClipReceipt:
    receipt = receipts.read(folder, name)
    if receipt is None:
        raise PostTrainingError(f"{name}: ended without a receipt", code="post_training.failed")
    return receipt


def check_drawable(settings: PostTraining, prepared: TrainingSet) -> None:
    """Raises PostTrainingError where the mixture draws from a kind of which no clip is left."""
    kinds = {clip.kind for clip in prepared.used("train")}
    for kind, weight in settings.mixture.items():
        if weight > 0 and kind not in kinds:
            why = f"; the first refused: {prepared.refused[0].reason}" if prepared.refused else ""
            raise PostTrainingError(
                f"mixture.{kind} {weight:g}: no {kind} clip is left to train on ({_counted(prepared)}){why}",
                code="post_training.nothing_to_train_on",
            )


def _counted(prepared: TrainingSet) -> str:
    return ", ".join(f"{count} {what}" for what, count in prepared.counts().items()) or "no clips at all"
