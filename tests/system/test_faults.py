"""Machines that freeze, files that are cut off, folders that vanish, clocks that jump: nothing is lost by it.

Every build that goes on afterwards must publish what a build without any trouble publishes, to the byte.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from its_flows.build_dataset import build_dataset

from its_core.clip import Outcome
from its_core.dataset import reader
from its_core.engines.simulator.options import VERSION
from its_core.shards import build, status
from its_core.shards.receipts import TooFewClips
from tests.system.conftest import contents, receipts, small, tries

pytestmark = pytest.mark.usefixtures("prefect_server")


def test_a_rank_that_freezes_costs_time_and_nothing_else(tmp_path, trouble, calm):
    folder = small(tmp_path, clip_timeout_s=10)
    trouble(s1="freeze")  # SIGSTOP: as a machine that swaps itself to death, or is suspended
    with pytest.raises(TooFewClips, match=r"s1 v0 \(.*\): timed_out: no clip within 10 s"):
        build_dataset(str(folder))
    assert tries(folder) == {"s0": ["generated"], "s1": ["timed_out"], "s2": ["generated"]}
    trouble()
    assert contents(build_dataset(str(folder))) == calm[1]


def test_a_work_folder_that_is_removed_ends_the_build_in_a_line_and_the_next_one_starts_anew(tmp_path, trouble, calm):
    folder = small(tmp_path)
    trouble(s1=f"remove {folder / '.its'}")
    with pytest.raises(FileNotFoundError, match=r"\.its.*: was removed during the build; build again, and it starts"):
        build_dataset(str(folder))
    assert not (tmp_path / "published" / "small").exists()
    trouble()
    assert contents(build_dataset(str(folder))) == calm[1]


def cut(share: float) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])


@pytest.mark.parametrize("damage", [cut(0.5), cut(0)], ids=["half of each", "nothing of each"])
def test_state_that_a_power_cut_left_cut_off_is_mended_by_the_next_build(finished, calm, damage):
    work = finished / ".its"
    clip_id = receipts(finished)["s1"]["clip_id"]
    for name in ("build.json", "plan.parquet", "rejected.parquet", f"clips/{clip_id[:2]}/{clip_id}.receipt.json"):
        damage(work / name)
    for path in [*work.glob("clips/*/*.measures.json"), *work.glob("shards/*/*/*.json")]:
        damage(path)
    damage(finished.parent.parent / "published" / "small" / "latest.json")
    assert "build.json cannot be read; build again" in status.read_status(work).reason
    built = build_dataset(str(finished))
    assert contents(built) == calm[1]
    assert built.published.was_there
    assert reader.latest(str(Path(built.published.url).parent)).version == built.published.version
    assert status.read_status(work).phase is status.BuildPhase.PUBLISHED


def test_a_plan_that_was_cut_off_does_not_keep_the_status_from_being_told(finished):
    cut(0.5)(finished / ".its" / "plan.parquet")
    now = status.read_status(finished / ".its")
    assert (now.phase, now.made) == (status.BuildPhase.PUBLISHED, 0)


def clip_gone(version: Path) -> None:
    next(version.glob("*/*/*.mp4")).unlink()


def clip_cut_off(version: Path) -> None:
    path = next(version.glob("*/*/*.mp4"))
    content = path.read_bytes()
    path.unlink()  # it may be a link of the work folder's clip, which is another test
    path.write_bytes(content[:1000])


def clip_cut_off_in_place(version: Path) -> None:
    cut(0.5)(next(version.glob("*/*/*.mp4")))


def rows_gone(version: Path) -> None:
    next(version.glob("*/metadata.parquet")).unlink()


def marker_cut_off(version: Path) -> None:
    cut(0.5)(version / "_SUCCESS.json")


DAMAGES = [clip_gone, clip_cut_off, clip_cut_off_in_place, rows_gone, marker_cut_off]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_published_version_that_was_damaged_is_published_again_under_its_name(finished, calm, damage):
    version = next((finished.parent.parent / "published" / "small").glob("*/_SUCCESS.json")).parent
    before = set(reader.open_version(str(version)).damaged())
    damage(version)
    if damage is not marker_cut_off:
        (named,) = set(reader.open_version(str(version)).damaged()) - before
        assert named.endswith((".mp4", "metadata.parquet"))
    built = build_dataset(str(finished))
    assert (built.published.url, built.published.was_there) == (str(version), False)
    assert contents(built) == calm[1]


CLOCK = '''
import datetime, os, time
_real, _begun = time.time, time.monotonic()

def _jump():
    """Five hours ahead, then five hours back, by turns of a fifth of a second."""
    return 18_000.0 * (1 if int(time.monotonic() * 5) % 2 else -1)

time.time = lambda: _real() + _jump()

class _Jumping(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return datetime.datetime.fromtimestamp(_real() + _jump(), tz)

if "ITS_LAUNCH" in os.environ:
    import its_core.shards.receipts
    its_core.shards.receipts.datetime = _Jumping
'''


def test_a_clock_that_jumps_by_hours_times_nothing_out_and_forgets_no_attempt(tmp_path, trouble, calm, monkeypatch):
    (tmp_path / "clock").mkdir()
    (tmp_path / "clock" / "sitecustomize.py").write_text(CLOCK)  # for torchrun and the ranks
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "clock"))
    folder = small(tmp_path, clip_timeout_s=60)
    trouble(s1="raise", s2="slow 1")
    with pytest.raises(TooFewClips):
        build_dataset(str(folder))
    first = {name: receipt["attempts"] for name, receipt in receipts(folder).items()}
    assert {name: attempts[0]["outcome"] for name, attempts in first.items()} == {
        "s0": "generated",
        "s1": "engine_error",
        "s2": "generated",
    }
    assert 1 <= first["s2"][0]["duration_s"] < 60  # measured by a clock that does not jump
    now = status.read_status(folder / ".its")
    assert (now.made, now.left, now.phase) == (2, 1, status.BuildPhase.UNFINISHED)
    trouble()
    assert contents(build_dataset(str(folder))) == calm[1]
    again = {name: receipt["attempts"] for name, receipt in receipts(folder).items()}
    assert {name: attempts[: len(first[name])] for name, attempts in again.items()} == first
    assert again["s1"][1]["outcome"] == Outcome.GENERATED


@pytest.fixture
def another_code(tmp_path, monkeypatch) -> Callable[[str, str, str], None]:
    """Lets shards run a copy of our code in which a file says something else, as on a machine of another state."""

    def change(file: str, old: str, new: str) -> None:
        copied = tmp_path / "other" / "its_core"
        shutil.copytree(Path(build.__file__).parent.parent, copied, ignore=shutil.ignore_patterns("__pycache__"))
        text = (copied / file).read_text()
        assert old in text
        (copied / file).write_text(text.replace(old, new))
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("PYTHONPATH", str(copied.parent))

    return change


def test_shards_of_another_code_with_the_same_engine_go_on_and_say_which(tmp_path, calm, another_code):
    folder = small(tmp_path)
    another_code("__init__.py", '__version__ = "0.1.0"', '__version__ = "0.1.9"')
    assert contents(build_dataset(str(folder))) == calm[1]
    versions = {attempt["code_version"] for receipt in receipts(folder).values() for attempt in receipt["attempts"]}
    assert versions == {"0.1.9"}


def test_shards_of_another_engine_make_nothing_under_the_planned_names(tmp_path, another_code):
    folder = small(tmp_path, engine={"name": "simulator"})
    another_code("engines/simulator/options.py", f'VERSION = "{VERSION}"', 'VERSION = "0"')
    said = rf"planned for the engine simulator {VERSION} \(\w+\), .* has simulator 0 \(\w+\)"
    with pytest.raises(RuntimeError, match=said):
        build_dataset(str(folder))
    assert receipts(folder) == {}
    assert build.read(folder / ".its").state is build.BuildState.FAILED
    assert not (tmp_path / "published").exists()
