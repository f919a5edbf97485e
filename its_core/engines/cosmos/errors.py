"""What is wrong with a checkpoint."""

from __future__ import annotations

from its_core.errors import FactoryError


class CheckpointError(FactoryError, ValueError):
    """Weights that cannot be used; the message names the file, the keys and what would be right."""

    default_code = "checkpoint"
