"""Runs a module or script that dies with its parent.

Usage: ``python -m its_core.shards.parent_death [-m MODULE | SCRIPT] ARGS…``

SIGKILL to torchrun, or to what started it, would orphan the ranks: torchrun puts each in a session of its own, so no
process group reaches them. The kernel's parent-death signal does (Linux, ``prctl(2)``); elsewhere this does nothing.
"""

from __future__ import annotations

import ctypes
import os
import runpy
import signal
import sys
from pathlib import Path

_PARENT = "ITS_PARENT_PID"
_PR_SET_PDEATHSIG = 1


def environment() -> dict[str, str]:
    """What a child that dies with this process must have in its environment."""
    return {_PARENT: str(os.getpid())}


def die_with_parent() -> None:
    """From now on this process is killed when its parent ends. Exits at once if the parent has already gone."""
    if os.environ.get(_PARENT) == str(os.getpid()):
        return  # done already, by the wrapper that ran this script
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
        parent = os.environ.get(_PARENT)
        if parent is not None and os.getppid() != int(parent):
            raise SystemExit("the process that started this one has ended")
    os.environ.update(environment())


def main() -> None:
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    die_with_parent()
    if sys.argv[1] == "-m":
        sys.argv = sys.argv[2:]
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    else:
        sys.argv = sys.argv[1:]
        sys.path.insert(0, str(Path(sys.argv[0]).resolve().parent))
        runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
