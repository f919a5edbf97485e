"""Two processes publish the same version at once, and a reader looks on."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from its_core import storage
from its_core.dataset import reader
from its_core.dataset.finished_clip import FinishedClip
from tests.dataset.publishing import publisher
from tests.storage.server import S3

ROOT = Path(__file__).parents[3]


def start(place: str, work: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.dataset.publishing.publisher", place, str(work), "2"]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


@pytest.mark.parametrize("where", ["disk", "S3"])
def test_a_reader_sees_the_old_version_or_the_new_one_whole(where: str, tmp_path: Path, s3: S3) -> None:
    place = str(tmp_path / "published") if where == "disk" else f"{s3.bucket}/datasets"
    root = f"{place}/sample"
    other = start(place, tmp_path / "other")
    ours: list[FinishedClip] = publisher.clips_in(tmp_path / "ours", 2)
    old = publisher.run(place, tmp_path / "old", ours[:1])["version"]
    s3.proxy.delay(0.02, times=10_000, methods=("PUT",))
    assert other.stdout and other.stdout.readline() == "ready\n"

    seen = []
    with ThreadPoolExecutor(1) as pool:
        mine = pool.submit(publisher.run, place, tmp_path / "ours", ours)
        assert other.stdin
        other.stdin.write("go\n")
        other.stdin.flush()
        while not mine.done() or other.poll() is None:
            latest = reader.latest(root)
            assert latest.damaged() == []
            seen.append(latest.version)
            time.sleep(0.05)

    out, err = other.communicate()
    assert other.returncode == 0, err[-2000:]
    ends = [mine.result(), json.loads(out.splitlines()[-1])]
    (published,) = [end for end in ends if end.get("was_there") is False]
    new = published["version"]
    assert all("busy" in end or end == {"version": new, "was_there": True} for end in ends if end is not published)
    assert seen[0] == old and sorted(seen, key=[old, new].index) == seen
    assert [version.damaged() for version in reader.versions(root)] == [[], []]
    assert reader.latest(root).version == new
    assert not any(Path(name).name.startswith(".") for name in storage.find(f"{root}/{new}"))
