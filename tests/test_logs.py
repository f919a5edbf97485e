"""Structured log lines, as a process writes them."""

import json
import subprocess
import sys

PROGRAM = """
import logging, sys
from its_core import logs
log = logging.getLogger("its_core.somewhere")
log.info("before")
logs.configure(sys.stdout, "[rank 3] %(message)s", rank=3)
with logs.about(build="b"):
    with logs.about(shard="s"):
        log.info("clip %s ended", "c", extra={"clip": "c", "shard": "another"})
        child = logs.environment()
    log.info("outside")
print(child["ITS_LOG_ABOUT"])
"""


def lines(**environment: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, env=environment)
    assert not done.stderr
    return done.stdout.splitlines()


def test_json_lines_say_what_they_are_about():
    inside, outside, handed_on = map(json.loads, lines(ITS_LOG_FORMAT="json"))
    assert inside.pop("time").endswith("+00:00")
    assert inside == {
        "level": "INFO",
        "name": "its_core.somewhere",
        "message": "clip c ended",
        "build": "b",
        "shard": "another",  # what a line says itself comes first
        "clip": "c",
        "rank": 3,
    }
    assert "shard" not in outside and outside["build"] == "b"
    assert handed_on == {"build": "b", "shard": "s"}


def test_a_process_goes_on_from_what_its_parent_knew():
    inside, *_ = lines(ITS_LOG_FORMAT="json", ITS_LOG_ABOUT='{"launch": "l"}')
    assert json.loads(inside)["launch"] == "l"


def test_otherwise_lines_are_text():
    assert lines()[:2] == ["[rank 3] clip c ended", "[rank 3] outside"]
