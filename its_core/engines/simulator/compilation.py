"""Functions compiled by Numba, typed as what they are to their callers.

Compiled code is kept between processes, in a folder named by a digest of all the simulator's source: Numba itself looks
only at the file that a function stands in, and would go on using what it once compiled in from others. Fast-math stays
off: results follow the source's order of operations on every processor.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., Any])

_FOLDER = "its-simulator-kernels"
_KEPT = 4  # digests whose code is kept: a few checkouts may take turns


def kernel(function: Function) -> Function:
    """Compiled at its first call, for the types it is called with."""
    return cast(Function, numba.njit(cache=IS_KEPT, nogil=True, error_model="numpy")(function))


def inline(function: Function) -> Function:
    """Compiled into the kernels that call it, always: LLVM by itself leaves large ones to calls, whose arguments take a
    sixth of the rasteriser's time."""
    return cast(Function, numba.njit(error_model="numpy", forceinline=True)(function))


def elementwise(function: Function) -> Any:
    """A NumPy universal function of a function of numbers."""
    vectorise: Any = numba.vectorize
    return vectorise(nopython=True, cache=IS_KEPT)(function)


def _source_digest() -> str:
    digest = hashlib.sha256()
    here = Path(__file__).parent
    for path in sorted(here.rglob("*.py")):
        digest.update(str(path.relative_to(here)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def kept_in() -> Path:
    """Under ``NUMBA_CACHE_DIR`` where that is set, else beside the source where one may write, else in the user's
    cache."""
    given = os.environ.get("NUMBA_CACHE_DIR")
    beside = Path(__file__).parent / "__pycache__"
    if given:
        base = Path(given)
    elif os.access(beside if beside.exists() else beside.parent, os.W_OK):
        base = beside
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / _FOLDER / _source_digest()


def _keep_compiled_code() -> bool:
    """Whether what is compiled can be kept."""
    folder = kept_in()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        os.utime(folder)
    except OSError:
        return False
    settings: Any = numba.config
    settings.CACHE_DIR = str(folder)
    with suppress(OSError):  # another process was faster
        known = sorted(folder.parent.iterdir(), key=lambda each: each.stat().st_mtime, reverse=True)
        for old in known[_KEPT:]:
            for root, folders, files in os.walk(old, topdown=False):
                for name in files:
                    Path(root, name).unlink(missing_ok=True)
                for name in folders:
                    Path(root, name).rmdir()
            old.rmdir()
    return True


IS_KEPT = _keep_compiled_code()  # where it cannot be, each process compiles anew
