"""Ends what a killed build leaves behind, Prefect's own short-lived server too: nothing of a build outlives it.

A small process of its own holds the reading end of a pipe; when the build's end closes, for whatever reason, every
process that has the build's mark in its environment is killed.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import uuid

import psutil

_MARK = "ITS_BUILD"


def watch() -> None:
    """From now on whatever this process starts ends with it, however it ends."""
    mark = uuid.uuid4().hex
    os.environ[_MARK] = mark
    watcher = subprocess.Popen(
        [sys.executable, "-m", __name__, mark],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # so that a Ctrl-C in the terminal does not end it
    )
    _watchers.append(watcher)


_watchers: list[subprocess.Popen[bytes]] = []  # keeps the pipe open for as long as this process lives


def main() -> None:
    mark = sys.argv[1]
    sys.stdin.buffer.read()
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.pid != os.getpid() and process.environ().get(_MARK) == mark:
                process.kill()


if __name__ == "__main__":
    main()
