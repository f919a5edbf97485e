"""What can go wrong in post-training and a person can mend."""

from __future__ import annotations

from its_core.errors import FactoryError


class PostTrainingError(FactoryError, ValueError):
    """A training set, a setting or a state that cannot be used; the message says which and what would be right."""

    default_code = "post_training"


class TrainingStopped(FactoryError, RuntimeError):
    """Training ended itself because going on would make a useless checkpoint; the message names the clips."""

    default_code = "post_training.stopped"


class NotTrained(FactoryError, RuntimeError):
    """Training did not come to its end."""

    default_code = "post_training.not_trained"


class ProgramRefused(NotTrained):
    """A program said why it cannot go on; the code and the message are its own."""

    default_code = "post_training.refused"


class ProgramFailed(NotTrained):
    """A program ended early again and again; the message says how, and where its logs are."""

    default_code = "post_training.failed"


class GateClosed(NotTrained):
    """The overfit run did not learn its clips by heart."""

    default_code = "post_training.gate"
