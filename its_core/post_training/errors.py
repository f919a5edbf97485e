"""What can go wrong in post-training and a person can mend."""

from __future__ import annotations

from its_core.errors import FactoryError


class PostTrainingError(FactoryError, ValueError):
    """A training set, a setting or a state that cannot be used; the message says which and what would be right."""

    default_code = "post_training"


class TrainingStopped(FactoryError, RuntimeError):
    """Training ended itself because going on would make a useless checkpoint; the message names the clips."""

    default_code = "post_training.stopped"
