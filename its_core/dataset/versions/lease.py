"""A lease on a version's folder on S3: one publisher holds it at a time, and a publisher that died loses it.

A lease is an object ``.lease-1`` in the folder, created on the condition that it does not exist. Its holder renews it
every minute. When it was not renewed for an hour, by the server's clock, another publisher creates ``.lease-2`` in the
same way, and from then on that one counts. No two publishers write the same lease object, so the server only needs to
support ``If-None-Match``.
"""

from __future__ import annotations

import re
import socket
import time
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

from its_core import storage
from its_core.shards.receipts import utc_now
from its_core.storage.errors import Changed, NotThere, StorageError, shown

RENEW_EVERY_S = 60.0
LEASE_TTL_S = 3600.0
_READS = 100  # of the newest lease, while others take and release leases
_NAME = re.compile(r"\.lease-([1-9][0-9]{0,8})")


class _Content(BaseModel):
    """What a lease object holds. The holder keeps a copy on its disk, to recognise its lease after it was killed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str
    holder: str
    host: str
    started_at: str

    @classmethod
    def read(cls, content: bytes) -> Self | None:
        try:
            return cls.model_validate_json(content)
        except ValidationError:
            return None


class Lease:
    """The right to fill a version's folder."""

    def __init__(self, url: str, local_copy: Path) -> None:
        """Takes the lease, or recognises it as this publisher's own by ``local_copy``.

        Raises:
            storage.Busy: another publisher holds it; the message names host and time.
            ConditionalPutIgnored: the server would give it to several publishers.
        """
        self._url = url
        self._local_copy = local_copy
        content = _Content.read(local_copy.read_bytes()) if local_copy.exists() else None
        if content is None or content.url != url:
            content = _Content(url=url, holder=uuid.uuid4().hex, host=socket.gethostname(), started_at=utc_now())
            storage.write_bytes(str(local_copy), content.model_dump_json().encode())
        self._content = content
        self._number = self._acquire()
        self.renew()

    def renew(self) -> None:
        """Raises Busy when the lease was lost."""
        self._refuse_loss()
        began_s = _now_s()
        storage.write_bytes(self._object_url(self._number), self._encoded)
        self._renewed_at_s = began_s  # the server's clock may have been read at once
        # A publisher that takes over checks the lease once more afterwards, so one of the two sees the other.
        self._refuse_loss()

    def renew_when_due(self) -> None:
        """Renews once a minute, however often it is called."""
        if _now_s() - self._renewed_at_s >= RENEW_EVERY_S:
            self.renew()

    def _refuse_loss(self) -> None:
        number, content = self._newest()
        if number != self._number or content is None or content.holder != self._content.holder:
            raise storage.Busy(
                f"{shown(self._url)}: another publisher has taken this version over, because this one did not renew "
                f"its lease for {LEASE_TTL_S / 60:.0f} minutes, or because the lease was deleted: build again",
                code="lease.lost",
            )

    def release(self) -> None:
        """Removes the lease after the version is published. A lease that stays does no harm."""
        with suppress(StorageError):
            for number in range(1, self._number + 1):
                storage.remove_tree(self._object_url(number))
        self._local_copy.unlink(missing_ok=True)

    def _acquire(self) -> int:
        while True:
            number, content = self._newest()
            if number and content and content.holder == self._content.holder:
                return number
            if number:
                try:
                    self._refuse_unexpired(self._object_url(number), content)
                except NotThere:  # released just now
                    continue
            if storage.create(self._object_url(number + 1), self._encoded):
                if number:
                    self._yield_to_late_renewal(number, content)
                return number + 1

    def _yield_to_late_renewal(self, number: int, content: _Content | None) -> None:
        """The former holder may have renewed at the last moment."""
        try:
            self._refuse_unexpired(self._object_url(number), content)
        except NotThere:
            return
        except storage.Busy:
            storage.remove_tree(self._object_url(number + 1))
            raise

    @property
    def _encoded(self) -> bytes:
        return self._content.model_dump_json().encode()

    def _refuse_unexpired(self, lease_url: str, content: _Content | None) -> None:
        age_s = storage.age_s(lease_url)
        if age_s < LEASE_TTL_S:
            who = f"{content.host} since {content.started_at}" if content else "another publisher"
            raise storage.Busy(
                f"{shown(self._url)}: is being published by {who}, its lease was renewed {max(age_s, 0):.0f} s ago: "
                f"wait until it is done, and build again. {LEASE_TTL_S / 60:.0f} minutes after the last renewal "
                "another build takes over; if that publisher is known to be gone, delete "
                f"{shown(lease_url)} and build again at once",
                code="lease.held",
            )

    def _newest(self) -> tuple[int, _Content | None]:
        """The number of the lease that counts, 0 where there is none, and its content, None where it is damaged."""
        for _ in range(_READS):
            names = storage.list_folder(self._url)
            number = max((int(match[1]) for name in names if (match := _NAME.fullmatch(name))), default=0)
            if not number:
                return 0, None
            with suppress(NotThere):  # released between the two requests
                return number, _Content.read(storage.read_bytes(self._object_url(number)))
        raise Changed(
            f"{shown(self._url)}: its leases are listed but cannot be read, {_READS} times in a row: check the server",
            code="lease.unreadable",
        )

    def _object_url(self, number: int) -> str:
        return storage.join(self._url, f".lease-{number}")


def release_stale_lease(url: str, local_copy: Path) -> None:
    """Releases the lease on ``url`` in ``local_copy``, if any: its holder was killed before it released it."""
    content = _Content.read(local_copy.read_bytes()) if local_copy.exists() else None
    if content is not None and content.url == url:
        with suppress(storage.Busy, StorageError):  # another publisher's by now, or it stays until the next build
            Lease(url, local_copy).release()


def _now_s() -> float:
    """A clock that nobody sets and that goes on while the machine sleeps (where the system has one)."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
