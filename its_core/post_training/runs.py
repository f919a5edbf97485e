"""The runs of a definition: the overfit gate and the training itself, ordered, started, and judged."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from its_core.engines.cosmos.weights import WeightsIdentity
from its_core.post_training.data import training_set
from its_core.post_training.data.training_set import TrainingSet
from its_core.post_training.errors import GateClosed, PostTrainingError
from its_core.post_training.metrics import read_lines
from its_core.post_training.presets import Recipe
from its_core.post_training.run_folder import Orders, RunFolder
from its_core.post_training.settings import PostTraining
from its_core.post_training.torchrun import Launch, Program

GATE, RUN = "gate", "run"
TRAIN_MODULE = "its_core.post_training.training.worker"


def order_run(settings: PostTraining, weights: WeightsIdentity, prepared: TrainingSet) -> RunFolder:
    """The run that the definition asks for. Raises DiskFull."""
    return _ordered(settings, weights, prepared, settings.recipe, RUN)


def order_gate(settings: PostTraining, weights: WeightsIdentity, prepared: TrainingSet) -> RunFolder:
    """The overfit run on a few of the training clips, of every kind that the mixture draws from."""
    kinds = [kind for kind, weight in settings.mixture.items() if weight > 0]
    by_kind = {kind: [clip.name for clip in prepared.used("train") if clip.kind == kind] for kind in kinds}
    chosen: list[str] = []
    while len(chosen) < settings.overfit_gate.clips and any(by_kind.values()):
        for kind in kinds:
            if by_kind[kind] and len(chosen) < settings.overfit_gate.clips:
                chosen.append(by_kind[kind].pop(0))
    few = prepared.named(chosen)
    recipe = settings.gate_recipe.model_copy(update={"validation_clips": len(few.clips)})
    return _ordered(settings, weights, few, recipe, GATE, validate_on_training=True)


def _ordered(
    settings: PostTraining,
    weights: WeightsIdentity,
    prepared: TrainingSet,
    recipe: Recipe,
    what: str,
    validate_on_training: bool = False,
) -> RunFolder:
    run = RunFolder(settings.work_path / what)
    set_path = run.path / training_set.FILE_NAME
    training_set.write(set_path, prepared)
    options = settings.base_options
    kinds = {clip.kind for clip in prepared.used("train")}
    orders = Orders(
        name=settings.name,
        recipe=recipe,
        mixture={kind: weight for kind, weight in settings.mixture.items() if kind in kinds},
        model_size=settings.model_size,
        resolution=settings.resolution,
        fps=settings.fps,
        base_path=Path(options.dit_path) if options.dit_path else options.folders.base.absolute(),
        base_sha256=weights.by_role["network"],
        vae_path=options.folders.vae.absolute(),
        vae_sha256=weights.by_role["vae"],
        text_encoder_sha256=weights.by_role["text_encoder"],
        training_set=set_path,
        training_set_sha256=prepared.sha256,
        validate_on="train" if validate_on_training else "validate",
        context_parallel=settings.context_parallel,
        shard_network=settings.shard_network,
        activations=settings.activations,
    )
    if run.fingerprint.is_file() and json.loads(run.fingerprint.read_bytes()) != orders.fingerprint():
        if what == GATE:  # nothing is lost with it
            shutil.rmtree(run.path)
            training_set.write(set_path, prepared)
        run.result.unlink(missing_ok=True)  # the worker says what differs, from the state
    run.write_orders(orders)
    return run


def train(run: RunFolder, processes: int, launch: Launch, watch: Callable[[], None]) -> None:
    """Runs a run to its end, unless it has ended already; ``watch`` is called all the time meanwhile.

    Raises ProgramRefused, ProgramFailed, and PostTrainingError.
    """
    if run.read_result() is not None:
        return
    pointer = run.checkpoints / "latest_checkpoint.txt"

    def progress() -> object:
        return pointer.read_text(encoding="utf-8") if pointer.is_file() else None

    launch(Program(TRAIN_MODULE, ("--run_folder", str(run.path)), processes, run.logs, progress, watch))
    if run.read_result() is None:
        raise PostTrainingError(f"{run.path}: training ended without a result", code="post_training.failed")


def gate_verdict(run: RunFolder) -> dict[str, float]:
    """The losses of an ended overfit run on its clips: the base model's, the trained one's and their ratio."""
    found = [line["validation"]["loss"] for line in read_lines(run.metrics) if "validation" in line]
    return {"base_loss": found[0], "loss": found[-1], "ratio": found[-1] / found[0]}


def evaluation(run: RunFolder) -> dict[str, Any]:
    """What an ended run came to: the validation of base, trained weights and their average (None without validation
    clips), the guards' losses, and seconds an iteration."""
    lines = read_lines(run.metrics)
    validations = [line["validation"] for line in lines if "validation" in line]
    averages = [line["validation_average"] for line in lines if "validation_average" in line]
    seconds = sorted(line["seconds"] for line in lines if "seconds" in line)
    result = run.read_result() or {}
    return {
        "base": validations[0] if validations else None,
        "trained": validations[-1] if validations else None,
        "average": averages[-1] if averages else None,
        "start_guard": result.get("start"),
        "end_guard": result.get("end"),
        "seconds_an_iteration": seconds[len(seconds) // 2] if seconds else None,
        "iterations": result.get("iterations"),
        "processes": result.get("processes"),
        "device": result.get("device"),
    }


def check_gate(settings: PostTraining, run: RunFolder) -> dict[str, float]:
    """Raises GateClosed where the overfit run's loss did not fall as far as it must."""
    verdict = gate_verdict(run)
    if verdict["ratio"] > settings.overfit_gate.loss_ratio:
        raise GateClosed(
            f"overfit_gate: after {settings.gate_recipe.iterations} iterations on {settings.overfit_gate.clips} clips "
            f"the loss is {verdict['loss']:.4g}, {verdict['ratio']:.2f} of the base model's; it must fall below "
            f"{settings.overfit_gate.loss_ratio:g} of it: look at {run.path}, raise overfit_gate.training.iterations, "
            "or set overfit_gate.skip"
        )
    return verdict
