"""What can go wrong with stored data. Every message is one line that says what to do and holds no secret."""

from __future__ import annotations

from its_core.errors import FactoryError
from its_core.redaction import USER_IN_URL

_LONGEST_SHOWN = 300


def shown(url: str) -> str:
    """``url`` as a message may show it: without user names, passwords and signed queries, and not too long."""
    plain = USER_IN_URL.sub("…@", url)
    place, query, _ = plain.partition("?")
    plain = place + ("?…" if query else "")
    return plain if len(plain) <= _LONGEST_SHOWN else plain[:_LONGEST_SHOWN] + "…"


class StorageError(FactoryError, OSError):
    """Stored data could not be read or written. This class itself: for a reason that trying again will not mend."""

    default_code = "storage"


class UnusableUrl(StorageError, ValueError):
    """The URL is none that stored data can have, or not of a kind that is known here."""

    default_code = "storage.url"


class NotThere(StorageError, FileNotFoundError):
    """The object, or its bucket, does not exist."""

    default_code = "storage.not_there"


class Denied(StorageError, PermissionError):
    """The credentials are missing, wrong or not enough."""

    default_code = "storage.denied"


class NotAuthenticated(Denied):
    """The credentials are missing or wrong: they open nothing on this server."""

    default_code = "storage.not_authenticated"


class ExpiredCredentials(NotAuthenticated):
    """The credentials were good once."""

    default_code = "storage.expired_credentials"


class Unreachable(StorageError):
    """The server did not do it although it was asked several times."""

    default_code = "storage.unreachable"


class Changed(StorageError):
    """The object was replaced while it was being read."""

    default_code = "storage.changed"


class Damaged(StorageError):
    """What is stored, or what arrived, is not what was sent."""

    default_code = "storage.damaged"


class Unsupported(StorageError):
    """The server does not know the operation."""

    default_code = "storage.unsupported"


class ConditionalPutIgnored(Unsupported):
    """The server would let two publishers both believe that they claimed a name."""

    default_code = "storage.conditional_put_ignored"


class DiskFull(StorageError):
    """This machine's disk, or the quota on it, has no room for the file."""

    default_code = "storage.disk_full"
