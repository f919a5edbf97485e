"""The task ``check``: every clip that was made is decoded and measured; what fails is to be made again."""

from __future__ import annotations


class ClipsInvalid(RuntimeError):
    """Some clips are not what was asked for; the message says which and why."""
