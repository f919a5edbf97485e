"""A publisher in a process of its own: makes the sample clips, says that it is ready, waits for a line, publishes.

Arguments: the folder or ``s3://`` prefix to publish to, a folder for the clips, and how many of them. The last line
that it prints is how it ended.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from its_core import storage
from its_core.dataset.finished_clip import FinishedClip
from its_core.dataset.publish import publish
from tests.dataset import samples


def clips_in(work: Path, count: int) -> list[FinishedClip]:
    return [samples.finished(work, number, samples.truth()) for number in range(count)]


def run(publish_url: str, work: Path, clips: list[FinishedClip]) -> dict[str, Any]:
    target = samples.dataset(work, publish_url=publish_url)
    try:
        done = publish(clips, target, samples.rejected(work), samples.run_of(work), work)
    except storage.Busy as error:
        return {"busy": str(error)}
    return {"version": done.version, "was_there": done.was_there}


if __name__ == "__main__":
    folder = Path(sys.argv[2])
    made = clips_in(folder, int(sys.argv[3]))
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps(run(sys.argv[1], folder, made)))
