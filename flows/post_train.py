"""The flow ``post-train``: prepare → overfit gate → train → evaluate → register."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from its_flows.markdown import markdown_list, markdown_table, stage_rows
from its_flows.redacted_flow import redacted_flow
from its_flows.run_flow import ignore_end, run_flow
from its_tasks.post_train.machines import Machine, machine
from its_tasks.post_train.prepare import prepare
from its_tasks.post_train.register import register
from its_tasks.post_train.train import train
from its_tasks.reporting.run_page import RunPage
from its_tasks.steps import Steps, recorded
from prefect.context import FlowRunContext

from its_core import logs, storage
from its_core.post_training import planning, runs
from its_core.post_training.data.training_set import TrainingSet
from its_core.post_training.metrics import progress_of
from its_core.post_training.registry.events import reported
from its_core.post_training.registry.register import Registered, read_model
from its_core.post_training.run_folder import RunFolder
from its_core.post_training.settings import PostTraining, load
from its_core.storage.preflight import check_writable
from its_core.text import markdown_cell

LOCK_FILE = "post_train.lock"
_REPORT_EVERY_S = 10.0
_MOST_NAMED = 20  # clips that were left out


@dataclass(frozen=True, slots=True)
class PostTrained:
    """What a post-training came to. ``evaluation`` has the validation of base, trained weights and their average."""

    registered: Registered
    counts: dict[str, int]
    evaluation: dict[str, Any]


@redacted_flow("post-train", "post-train {definition}")
@recorded
def post_train(definition: str, overrides: dict[str, Any] | None = None) -> PostTrained:
    """Trains a LoRA on clips and registers it; what an earlier call did is not done again.

    ``definition`` is a folder with ``post_train.yaml``; ``overrides`` maps its keys (dotted: ``training.seed``) to
    other values. Raises DefinitionError, PostTrainingError and NotPublished for what the user can mend, NotTrained
    when training must not go on, Busy when the same post-training runs on this machine.
    """
    settings = load(definition, overrides)
    logs.configure(sys.stderr)
    check_writable("work_dir", settings.work_dir)
    with (
        storage.exclusive(settings.work_path / LOCK_FILE),
        reported(settings.name, settings.publish_url, settings.work_path) as report,
        machine(settings) as where,
    ):
        steps = Steps(FlowRunContext.get() is not None, _say)
        with RunPage(steps) as page:
            done = _post_train(settings, where, steps, page)
            report.model = read_model(done.registered)
            return done


def post_train_with_or_without_prefect(definition: str, overrides: dict[str, Any], with_prefect: bool) -> PostTrained:
    """The flow, also where Prefect's server is lost before its end. Raises what the flow itself raises."""
    return run_flow(post_train, with_prefect, _say, ignore_end, definition, overrides)


def _post_train(settings: PostTraining, where: Machine, steps: Steps, page: RunPage) -> PostTrained:
    def say(text: str) -> None:
        _say(text)
        page.log(text)

    check_writable("models_url", settings.models_url)
    if settings.executor == "local":
        planning.check_packages()
    weights = planning.hash_weights(settings)
    prepared = steps.run(prepare, settings, weights, where, _clip_reporter(say))
    _say_prepared(prepared, settings, say)
    gate = None
    if not settings.overfit_gate.skip:
        gate_run = runs.order_gate(settings, weights, prepared)
        steps.run(train, "overfit gate", gate_run, where, _iteration_reporter("overfit gate", gate_run, say))
        gate = runs.check_gate(settings, gate_run)
        say(f"overfit gate: the loss fell to {gate['ratio']:.3f} of the base model's")
    run = runs.order_run(settings, weights, prepared)
    steps.run(train, "training", run, where, _iteration_reporter("training", run, say))
    found = runs.evaluation(run) | {"gate": gate}
    registered = steps.run(register, settings, run, found)
    say(f"registered {registered.url}")
    page.table(_validation_table(found), key="validation", description=registered.url)
    page.markdown(_summary(registered, prepared, steps), key="post-training", description=registered.url)
    return PostTrained(registered, prepared.counts(), found)


def _summary(registered: Registered, prepared: TrainingSet, steps: Steps) -> str:
    word = "Already registered" if registered.was_there else "Registered"
    counts = [(what, str(count)) for what, count in prepared.counts().items()]
    refused = [(receipt.name, receipt.reason) for receipt in prepared.refused[:_MOST_NAMED]]
    parts = [
        f"# {word}: {markdown_cell(registered.name)}@{registered.version}",
        f"`{storage.shown(registered.url)}`",
        markdown_table(("clips", "count"), counts),
        markdown_table(("stage", "seconds"), stage_rows(steps.clock.seconds)),
    ]
    if refused:
        parts += ["## Clips that were left out", markdown_list(refused)]
    return "\n\n".join(parts)


def _say(text: str) -> None:
    print(text, flush=True)


def _say_prepared(prepared: TrainingSet, settings: PostTraining, say: Callable[[str], None]) -> None:
    say("clips: " + ", ".join(f"{count:,} {what}" for what, count in prepared.counts().items()))
    for line in prepared.adapted(settings.geometry):
        say(line)
    for receipt in prepared.refused[:_MOST_NAMED]:
        say(f"left out: {receipt.name}: {receipt.reason}")


def _clip_reporter(say: Callable[[str], None]) -> Callable[[int, int], None]:
    is_due = _every(_REPORT_EVERY_S)

    def watch(done: int, clips: int) -> None:
        if is_due():
            say(f"prepared {done:,} of {clips:,} clips")

    return watch


def _iteration_reporter(what: str, run: RunFolder, say: Callable[[str], None]) -> Callable[[], None]:
    is_due = _every(_REPORT_EVERY_S)

    def watch() -> None:
        if not is_due():
            return
        now = progress_of(run)
        if now.loss is None or now.seconds is None:
            return
        left = f", {now.seconds_left / 60:.0f} min left" if now.seconds_left else ""
        say(
            f"{what}: iteration {now.iterations:,} of {now.of:,}, loss {now.loss:.4g}, "
            f"{now.seconds:.2f} s an iteration{left}"
        )

    return watch


def _every(seconds: float) -> Callable[[], bool]:
    last = [time.monotonic()]

    def due() -> bool:
        if time.monotonic() - last[0] < seconds:
            return False
        last[0] = time.monotonic()
        return True

    return due


def _validation_table(found: dict[str, Any]) -> list[dict[str, str]]:
    if found["base"] is None:
        return [{"noise level": "no clips for validation"}]
    rows = [("all", *(found[each]["loss"] for each in ("base", "trained", "average")))]
    for sigma in found["base"]["by_sigma"]:
        rows.append((sigma, *(found[each]["by_sigma"][sigma] for each in ("base", "trained", "average"))))
    names = ("noise level", "base", "trained", "average")
    return [dict(zip(names, (sigma, *(f"{loss:.4g}" for loss in losses)), strict=True)) for sigma, *losses in rows]
