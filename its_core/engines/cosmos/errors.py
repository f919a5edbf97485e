"""What is wrong with a checkpoint."""

from __future__ import annotations


class CheckpointError(ValueError):
    """Weights that cannot be used; the message names the file, the keys and what would be right."""
