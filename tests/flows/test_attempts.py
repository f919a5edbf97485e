"""How clips are tried again, and that a build does not go before its shards."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from its_flows import attempts
from its_flows.attempts import ClipMaking, retry_delay_s
from its_tasks.clip_table import ClipTable
from its_tasks.executors.base import Executor, ShardRun
from its_tasks.reporting.progress import Progress
from its_tasks.steps import OnEnd, Steps
from rich.console import Console

from its_core import definition as definitions
from its_core.clip import EngineIdentity, Geometry, Scene
from its_core.definition import Definition
from its_core.scenarios.scenario import Batch, Scenario
from its_core.shards import plan as planning
from its_core.shards.batch import EngineSettings
from its_core.shards.launcher import Launch, LaunchError, OnReceipt
from its_core.taxonomy import IncidentType, Split

LAUNCH = Launch(EngineSettings("simulator", {}, "480", 10), 1, 900.0)


def define(folder: Path, **keys: object) -> Definition:
    (folder / "dataset.yaml").write_text("name: small\n")
    return definitions.load(folder, keys)


@pytest.mark.parametrize(
    ("delay_s", "waits_s"),
    [(0, [0, 0, 0]), (1, [1, 2, 4]), (200, [200, 300, 300]), (3600, [3600, 3600, 3600])],
)
def test_the_wait_doubles_up_to_five_minutes_or_what_was_asked_for(
    tmp_path: Path, delay_s: float, waits_s: list[float]
):
    definition = define(tmp_path, retry_delay_s=delay_s, retries=20)
    assert [retry_delay_s(definition, attempt) for attempt in (1, 2, 3)] == waits_s
    assert retry_delay_s(definition, 20) <= 3600


class Slow(Executor):
    """Of two shards the first fails; the other ends only some time after it was cancelled."""

    def __init__(self) -> None:
        self.cancelled = threading.Event()
        self.ended: list[str] = []

    def launches(self, definition: Definition, engine: Any) -> list[Launch]:  # noqa: ARG002
        return [LAUNCH, LAUNCH]

    def submit(self, run: ShardRun, launch: Launch, on_receipt: OnReceipt, on_end: OnEnd) -> None:  # noqa: ARG002
        def work() -> None:
            if run.jobs[0].request.scenario_id == "s0":
                on_end(LaunchError("no GPU"))
                return
            self.cancelled.wait(30)
            threading.Event().wait(0.5)  # a rank that takes its time to end
            self.ended.append(run.shard_id)
            on_end(InterruptedError("cancelled"))

        threading.Thread(target=work).start()

    def cancel(self) -> None:
        self.cancelled.set()


def making(folder: Path, executor: Executor) -> ClipMaking:
    definition = define(folder, shard_size=1, resolution="480", fps=10)
    work = definition.work_path
    work.mkdir()
    rows = [
        Scenario(
            i, f"s{i}", Scene("c", IncidentType.NORMAL_TRAFFIC), "P", "", i, 1, 7.0, None, None, None, None, None, {}
        )
        for i in range(2)
    ]
    engine = EngineIdentity("simulator", "1", None, frozenset({"scene"}))
    splits = [Split.TRAIN] * 2
    plan = planning.make(work, [Batch(rows, [])], engine, Geometry.of("480", 10), lambda *_: splits)
    resolved: Any = None
    progress = Progress(Console(quiet=True))
    return ClipMaking(
        executor, definition, [resolved], plan, ClipTable(work, plan), progress, Steps(False, progress.say)
    )


def test_a_build_that_fails_waits_until_its_other_shards_have_ended(tmp_path: Path):
    executor = Slow()
    with pytest.raises(LaunchError, match="no GPU"):
        making(tmp_path, executor).run()
    assert len(executor.ended) == 1


def test_it_does_not_wait_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(attempts, "CANCEL_LIMIT_S", 0.1)
    executor = Slow()
    with pytest.raises(LaunchError, match="no GPU"):
        making(tmp_path, executor).run()
    assert executor.cancelled.is_set()
