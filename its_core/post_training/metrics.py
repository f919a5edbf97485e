"""How a run stands, from what it wrote: for a table, and for Prometheus."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from its_core.post_training.run_folder import RunFolder

_LATELY = 20  # iterations that a figure of now is a mean of


@dataclass(frozen=True, slots=True)
class Progress:
    """``iterations`` of ``of`` are done; figures are of the last iterations, None before there are any.

    ``validation`` is the last mean loss on the validation clips, ``by_sigma`` the same at each noise level, ``base``
    the base model's.
    """

    iterations: int
    of: int
    loss: float | None
    learning_rate: float | None
    gradient_norm: float | None
    seconds: float | None
    memory_bytes: int | None
    validation: float | None
    base: float | None
    by_sigma: dict[str, float]
    ended: bool

    @property
    def seconds_left(self) -> float | None:
        return None if self.seconds is None else self.seconds * (self.of - self.iterations)


def progress_of(run: RunFolder) -> Progress:
    """Raises PostTrainingError where nothing was ordered."""
    lines = read_lines(run.metrics)
    steps = [line for line in lines if "loss" in line][-_LATELY:]
    validations = [line["validation"] for line in lines if "validation" in line]
    last: dict[str, Any] = steps[-1] if steps else {}
    memory = [line["memory_bytes"] for line in steps if line.get("memory_bytes")]
    return Progress(
        iterations=last.get("iteration", 0),
        of=run.read_orders().recipe.iterations,
        loss=_mean(steps, "loss"),
        learning_rate=last.get("learning_rate"),
        gradient_norm=_mean(steps, "gradient_norm"),
        seconds=_mean(steps, "seconds"),
        memory_bytes=max(memory, default=None),
        validation=validations[-1]["loss"] if validations else None,
        base=validations[0]["loss"] if validations else None,
        by_sigma=validations[-1]["by_sigma"] if validations else {},
        ended=run.read_result() is not None,
    )


def _mean(lines: list[dict[str, Any]], name: str) -> float | None:
    return sum(line[name] for line in lines) / len(lines) if lines else None


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The whole lines of ``metrics.jsonl``, oldest first; none where there is no such file."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    lines = []
    for line in text.splitlines():
        try:
            lines.append(json.loads(line))
        except ValueError:
            continue
    return lines


class RunsCollector(Collector):
    """The runs of a post-training, looked at a scrape."""

    def __init__(self, name: str, runs: dict[str, RunFolder]) -> None:
        self._name, self._runs = name, runs

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        families = {
            name: GaugeMetricFamily(f"its_post_training_{name}", text, labels=("model", "run"))
            for name, text in _FAMILIES.items()
        }
        by_sigma = GaugeMetricFamily(
            "its_post_training_validation_loss_by_sigma",
            "Validation loss at a noise level.",
            labels=("model", "run", "sigma"),
        )
        for run, folder in self._runs.items():
            if not folder.orders.is_file():
                continue
            now = progress_of(folder)
            values = {
                "iterations": now.iterations,
                "iterations_planned": now.of,
                "loss": now.loss,
                "learning_rate": now.learning_rate,
                "gradient_norm": now.gradient_norm,
                "seconds_per_iteration": now.seconds,
                "memory_bytes": now.memory_bytes,
                "validation_loss": now.validation,
            }
            for name, value in values.items():
                if value is not None:
                    families[name].add_metric((self._name, run), value)
            for sigma, loss in now.by_sigma.items():
                by_sigma.add_metric((self._name, run, sigma), loss)
        yield from families.values()
        yield by_sigma


_FAMILIES = {
    "iterations": "Iterations that are done.",
    "iterations_planned": "Iterations that the run is to make.",
    "loss": f"Training loss, mean of the last {_LATELY} iterations.",
    "learning_rate": "Learning rate of the last iteration.",
    "gradient_norm": f"Norm of the gradients before clipping, mean of the last {_LATELY} iterations.",
    "seconds_per_iteration": f"Seconds an iteration, mean of the last {_LATELY}.",
    "memory_bytes": f"Most GPU memory in use in the last {_LATELY} iterations.",
    "validation_loss": "Validation loss, mean over clips and noise levels.",
}
