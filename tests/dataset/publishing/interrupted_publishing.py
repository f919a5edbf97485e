"""Publishes a first version, then kills publishers of a second one, each a little later, and looks what readers see.

Run as a program by ``test_interrupted.py``, in a process of its own because it forks. Prints a line a kill.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from its_core.dataset import reader
from its_core.dataset.finished_clip import FinishedClip
from its_core.dataset.publish import publish
from tests.dataset import samples

_CHANGES = {"os.rename", "os.link", "os.mkdir", "os.remove", "os.rmdir"}
_LAST = 5  # changes at the end (marker, name, latest.json) each of which gets a kill


def _publish(folder: Path, work: Path, clips: list[FinishedClip]) -> str:
    return publish(clips, samples.dataset(folder), samples.rejected(work), samples.run_of(work), work).version


def _watch_changes(folder: Path, on_change: Callable[[int], None]) -> None:
    """Calls back just before this process changes anything in the folder, with the number of changes before."""
    count = 0

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal count
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if (event in _CHANGES or writes) and any(str(folder) in str(each) for each in arguments):
            on_change(count)
            count += 1

    sys.addaudithook(watch)


def _in_a_child(folder: Path, work: Path, clips: list[FinishedClip], on_change: Callable[[int], None]) -> int:
    """Publishes in a child that calls back before every change; its exit code, negative for a signal."""
    child = os.fork()
    if child == 0:
        _watch_changes(folder, on_change)
        _publish(folder, work, clips)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _changes(folder: Path, work: Path, clips: list[FinishedClip]) -> int:
    """How many changes a publication makes."""
    tally = work / "tally"
    assert _in_a_child(folder, work, clips, lambda number: tally.write_bytes(b"%d" % (number + 1)) and None) == 0
    return int(tally.read_text())


def _kill_before(number: int) -> Callable[[int], None]:
    def kill(count: int) -> None:
        if count == number:
            os.kill(os.getpid(), signal.SIGKILL)

    return kill


def _look(folder: Path, known: set[str]) -> str:
    """The latest version's name, after every version in sight was found whole and known."""
    root = str(folder / "sample")
    in_sight = reader.versions(root)
    names = {path.name for path in (folder / "sample").iterdir() if path.is_dir() and not path.name.startswith(".")}
    assert names == {version.version for version in in_sight} <= known, names
    assert all(version.damaged() == [] for version in in_sight)
    return reader.latest(root).version


def main(folder: Path, kills: int) -> None:
    work = folder / "work"
    clips = [samples.finished(work, number, samples.truth()) for number in range(2)]
    old = _publish(folder / "old", work, clips[:1])
    shutil.copytree(folder / "old", folder / "counted")
    count = _changes(folder / "counted", work, clips)
    new = reader.latest(str(folder / "counted" / "sample")).version
    for turn, point in enumerate(sorted({*range(0, count, count // kills), *range(count - _LAST, count)})):
        trial = folder / f"killed-{point}"
        shutil.copytree(folder / "old", trial)
        assert _in_a_child(trial, work, clips, _kill_before(point)) == -signal.SIGKILL
        assert _look(trial, {old, new}) == old or point == count - 1  # after latest.json only tidying is left
        print(f"killed before change {point} of {count}", flush=True)
        if turn % 6 == 3 or point == count - 1:
            assert _publish(trial, work, clips) == new
            assert _look(trial, {old, new}) == new
            assert not (trial / "sample" / ".staging").exists()
    print("finished", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
