"""What the flow's machine and the others do around a shard on a Ray cluster (tests/system/test_ray.py has one)."""

import socket
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from its_tasks.executors.base import ShardRun
from its_tasks.executors.ray_cluster import connection, remote_task, running_shard
from its_tasks.executors.ray_cluster.connection import ray_cluster
from its_tasks.executors.ray_cluster.running_shard import RunningShard
from its_tasks.render import ShardIncomplete

from its_core.clip import ClipRequest, Geometry, Outcome, Scene
from its_core.shards import build
from its_core.shards.batch import EngineSettings, Job
from its_core.shards.launcher import Launch, LaunchError
from its_core.shards.receipts import Receipt, clip_files, synthetic_attempt
from tests.system.conftest import TROUBLED_WORKER

pytestmark = pytest.mark.system

LAUNCH = Launch(EngineSettings("simulator", {}, "480", 10), 1, 900.0)


def jobs(work: Path, count: int) -> list[Job]:
    made = []
    for number in range(count):
        clip_id = f"{number:024x}"
        request = ClipRequest(clip_id, f"s{number}", 0, 1, "any", "", 7.0, Geometry.of("480", 10), Scene("c"))
        made.append(Job(request, clip_files(work, clip_id)))
    return made


@pytest.fixture
def run(tmp_path: Path) -> ShardRun:
    (tmp_path / "shards" / "one").mkdir(parents=True)
    return ShardRun("one", jobs(tmp_path, 2), 1, tmp_path)


@pytest.fixture
def under_way(run: ShardRun) -> tuple[RunningShard, list[Receipt]]:
    told: list[Receipt] = []
    starts = run.work / "shards" / "one" / "a.starts"
    starts.touch()
    return RunningShard(run, {"CPU": 1}, starts, told.append, None), told


def fail(job: Job) -> None:
    job.files.add_attempt(job.request, synthetic_attempt(Outcome.ENGINE_ERROR, "broken", "test"))


def test_each_try_is_told_once_wherever_it_was_made(run: ShardRun, under_way):
    looking, told = under_way
    looking.look()
    assert told == []
    fail(run.jobs[0])
    looking.look()
    looking.look()
    assert [receipt.clip_id for receipt in told] == [run.jobs[0].request.clip_id]
    fail(run.jobs[0])  # the shard was started elsewhere, and the clip failed there too
    looking.look()
    assert [len(receipt.attempts) for receipt in told] == [1, 2]


def test_a_lost_shards_silent_clips_get_a_receipt_and_are_told_once(run: ShardRun, under_way):
    looking, told = under_way
    fail(run.jobs[0])
    looking.look()
    failure = looking.lost("lost with its machine")
    looking.look()
    assert str(failure) == "1 clips: lost with its machine"
    assert [receipt.reason for receipt in told] == ["broken", "lost with its machine"]
    assert told[1].can_be_retried


def test_a_receipt_that_is_never_seen_is_a_failure_of_the_disk(
    run: ShardRun, under_way, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(running_shard, "RECEIPT_DELAY_S", 0.0)
    looking, told = under_way
    fail(run.jobs[0])
    settled, failure = looking.settle()
    assert settled and "work_dir's disk shows late" in str(failure)
    assert looking.settle() == (True, None)
    assert len(told) == 2


@pytest.fixture
def on_cluster(run: ShardRun) -> Callable[[], None]:
    """The task as it runs on some machine."""
    starts = run.work / "shards" / "one" / "a.starts"
    with build.recording(run.work, "dataset", {}) as record:
        of_this_build = {"build_id": record.build.id, "starts": starts}
        return partial(remote_task.render_on_cluster.fn, shard_id="one", attempt=1, work=run.work, **of_this_build)


def test_a_shard_that_is_lost_again_and_again_is_not_started_for_ever(run: ShardRun, on_cluster):
    starts = run.work / "shards" / "one" / "a.starts"
    starts.write_bytes(b"." * (remote_task.LOST_MACHINES + 1))  # Ray starts without end what it killed for its memory
    with pytest.raises(ShardIncomplete, match="started 6 times"):
        on_cluster(jobs=run.jobs, launch=LAUNCH)
    receipts = [job.files.read_receipt() for job in run.jobs]
    assert all(receipt is not None and receipt.outcome is Outcome.ENGINE_ERROR for receipt in receipts)


def test_a_machine_that_refuses_is_named(run: ShardRun, on_cluster):
    asked = [replace(job, request=replace(job.request, prompt="refuse")) for job in run.jobs]
    with pytest.raises(LaunchError, match=f"{socket.gethostname()}: the checkpoint is not one"):
        on_cluster(jobs=asked, launch=replace(LAUNCH, script=str(TROUBLED_WORKER)))


def test_a_machine_with_another_work_folder_is_refused(tmp_path: Path):
    with pytest.raises(LaunchError, match=r"not the folder that the build works in.*share"):
        remote_task.render_on_cluster.fn("one", [], 1, tmp_path, LAUNCH, "another build", tmp_path / "a.starts")


def refusal(address: str) -> str:
    with pytest.raises(LaunchError) as refused, ray_cluster(address, "build", print):
        pass
    return str(refused.value)


def test_an_address_where_no_cluster_answers_is_told_at_once():
    told = refusal("127.0.0.1:9")
    assert told.startswith("ray_address 127.0.0.1:9: no Ray cluster answers there") and "ray start --head" in told
    assert "must be host:port" in refusal("somewhere")


def test_an_address_where_something_else_answers_is_told(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(connection, "PROBE_LIMIT_S", 1.0)
    with ThreadingHTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        assert "what listens there is not Ray" in refusal(f"127.0.0.1:{server.server_port}")
        server.shutdown()
