"""Memory that was freed but that the C library keeps."""

from __future__ import annotations

import ctypes
import sys


def hand_back() -> None:
    """Gives the system back what this process has freed: glibc keeps holes between what is still in use, and tens of MB
    at the end. Elsewhere than on Linux, and with other C libraries, nothing is done."""
    if not sys.platform.startswith("linux"):
        return
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
