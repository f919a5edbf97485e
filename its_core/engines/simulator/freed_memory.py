"""Memory that was freed but that the C library keeps."""

from __future__ import annotations

import ctypes


def hand_back() -> None:
    """Gives the system back what this process has freed: glibc keeps holes between what is still in use, and tens of MB
    at the end. Other C libraries are left alone."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
