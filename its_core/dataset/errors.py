"""Why a version is not published. Imports nothing heavy: every command knows this error."""

from __future__ import annotations

from its_core.errors import FactoryError


class PublishError(FactoryError, RuntimeError):
    """A version that must not be published; the message names the clips and the reasons."""

    default_code = "publish"
