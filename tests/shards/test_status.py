"""What a work folder tells about its build: states, what is left, the estimate."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from its_core import storage
from its_core.clip import ClipRequest, Geometry, Outcome, Scene
from its_core.definition import DefinitionError
from its_core.shards import build
from its_core.shards.receipts import Attempt, TooFewClips, clip_files
from its_core.shards.status import BuildPhase, read_status


@contextmanager
def building(work: Path, clips: int) -> Iterator[build.BuildRecorder]:
    """A build whose plan asks for clips ``0``, ``1`` …, running inside."""
    work.mkdir(exist_ok=True)
    pq.write_table(pa.table({"clip_id": [f"{index:024x}" for index in range(clips)]}), work / "plan.parquet")
    with storage.exclusive(work / build.LOCK_FILE), build.recording(work, "datasets/small", {"fps": 10}) as record:
        record.planned(clips, clips)
        yield record


def ends(work: Path, index: int, outcome: Outcome, *, seconds_ago: float = 0, broke_rank: bool = False) -> None:
    """Gives a clip its receipt; the try took 2 s."""
    clip_id = f"{index:024x}"
    files = clip_files(work, clip_id)
    files.video.parent.mkdir(parents=True, exist_ok=True)
    sha256 = None
    if outcome.made_a_clip:
        files.video.write_bytes(b"clip")
        sha256 = storage.sha256_file(files.video)
    began = (datetime.now(UTC) - timedelta(seconds=seconds_ago)).isoformat(timespec="milliseconds")
    attempt = Attempt(
        outcome=outcome,
        reason="" if outcome.made_a_clip else "because",
        started_at=began,
        duration_s=2.0,
        rank=0,
        launch="one",
        code_version="1",
        broke_rank=broke_rank,
    )
    request = ClipRequest(clip_id, f"s{index}", 0, 1, "", "", 7.0, Geometry(64, 48, 16, 5), Scene("cam"))
    files.add_attempt(request, attempt, clip_sha256=sha256)


def test_where_nothing_was_built_there_is_nothing_to_tell(tmp_path):
    assert read_status(tmp_path).phase is BuildPhase.NEVER_BUILT


def test_a_running_build_names_its_process_and_guesses_its_end(tmp_path):
    ends(tmp_path, 0, Outcome.GENERATED, seconds_ago=3600)  # by an earlier build
    with building(tmp_path, clips=6):
        before = read_status(tmp_path)
        ends(tmp_path, 1, Outcome.GENERATED)
        ends(tmp_path, 2, Outcome.GUARDRAIL_TEXT)
        ends(tmp_path, 3, Outcome.TIMED_OUT)
        now = read_status(tmp_path)
    assert (now.phase, now.process) == (BuildPhase.RUNNING, f"{os.getpid()} on {os.uname().nodename}")
    assert (now.made, now.left, len(now.failed)) == (2, 3, 2)
    assert before.ends_in_s == 5 * 2.0  # at the pace of the clip that is there
    assert now.ends_in_s is not None and 0 < now.ends_in_s < 60


@pytest.mark.parametrize(
    ("ending", "state", "phase"),
    [
        (DefinitionError("fps: 12"), build.BuildState.WRONG_INPUT, BuildPhase.WRONG_INPUT),
        (RuntimeError("a fault\nand its traceback"), build.BuildState.FAILED, BuildPhase.UNFINISHED),
        (KeyboardInterrupt(), build.BuildState.CANCELLED, BuildPhase.UNFINISHED),
        (TooFewClips("1 of 2 clips"), build.BuildState.TOO_FEW_CLIPS, BuildPhase.UNFINISHED),
    ],
)
def test_how_a_build_ended_is_kept(tmp_path, ending, state, phase):
    with pytest.raises(type(ending)), building(tmp_path, clips=2):
        ends(tmp_path, 0, Outcome.GENERATED)
        ends(tmp_path, 1, Outcome.ENGINE_ERROR)
        raise ending
    now = read_status(tmp_path)
    assert (now.build.state, now.phase, now.left) == (state, phase, 1)
    assert "\n" not in now.reason
    assert now.build.overrides == {"fps": 10}


def test_too_few_clips_are_beyond_help_once_none_is_left_that_another_try_may_bring(tmp_path):
    with pytest.raises(TooFewClips), building(tmp_path, clips=2):
        ends(tmp_path, 0, Outcome.GUARDRAIL_VIDEO)
        for _ in range(3):
            ends(tmp_path, 1, Outcome.ENGINE_ERROR, broke_rank=True)
        raise TooFewClips("2 of 2 clips")
    assert read_status(tmp_path).phase is BuildPhase.NOT_RETRIABLE
    assert not clip_files(tmp_path, f"{1:024x}").read_receipt().can_be_retried


def test_a_build_that_was_killed_says_nothing_and_is_found(tmp_path):
    with building(tmp_path, clips=1):
        pass  # neither published nor ended by an error: as a killed process leaves it
    now = read_status(tmp_path)
    assert (now.phase, now.left) == (BuildPhase.UNFINISHED, 1)
    assert now.reason == "ended without a report: killed, or its machine went down"


def test_a_published_version_that_vanished_is_unfinished_again(tmp_path):
    marker = tmp_path / "published" / "marker"
    marker.parent.mkdir()
    marker.touch()
    with building(tmp_path / "work", clips=1) as record:
        ends(tmp_path / "work", 0, Outcome.GENERATED)
        record.published("published", str(marker), {Outcome.GENERATED: 1})
    assert read_status(tmp_path / "work").phase is BuildPhase.PUBLISHED
    marker.unlink()
    assert read_status(tmp_path / "work").phase is BuildPhase.UNFINISHED


def test_a_state_file_that_cannot_be_read_is_none(tmp_path):
    (tmp_path / build.FILE).write_text('{"state": ')
    assert read_status(tmp_path).phase is BuildPhase.NEVER_BUILT


def test_two_datasets_of_one_name_do_not_share_a_work_folder(tmp_path):
    """Both say ``work_dir: scratch``, outside of their own folders."""
    folders = [tmp_path / place / "crossings" for place in ("a", "b")]
    for folder in folders:
        folder.mkdir(parents=True)
        (folder / "dataset.yaml").write_text("name: crossings\n")
    work = tmp_path / "scratch" / "crossings"
    work.mkdir(parents=True)
    with build.recording(work, str(folders[0]), {}):
        pass
    assert read_status(work, folder=folders[0]).phase is BuildPhase.UNFINISHED
    with pytest.raises(DefinitionError, match=str(folders[0])) as raised:
        read_status(work, folder=folders[1])
    assert raised.value.code == "definition.work_dir"
    with pytest.raises(DefinitionError), build.recording(work, str(folders[1]), {}):
        pass
    assert build.read(work).dataset == str(folders[0])
    (tmp_path / "a").rename(tmp_path / "moved")
    assert read_status(work, folder=tmp_path / "moved" / "crossings").phase is BuildPhase.UNFINISHED
