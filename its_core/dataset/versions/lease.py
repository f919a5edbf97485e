"""The right to fill a version's folder on S3: one publisher has it at a time, and one that died loses it.

A claim is an object ``.claim-1`` in the folder, put there on condition that there is none. Its publisher writes it anew
every minute as a sign of life. After an hour without one, by the server's own clock, another publisher puts
``.claim-2`` there in the same way, and from then on that one counts. No claim is ever written by two, so the server
needs to know no other condition than If-None-Match.
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
from its_core.storage.errors import NotThere, StorageError, shown
from its_core.storage.s3 import objects

SIGN_EVERY_S = 60.0
SILENCE_S = 3600.0
_NAME = re.compile(r"\.claim-([1-9][0-9]{0,8})")


class _Note(BaseModel):
    """What a claim says, and what its publisher keeps of it on its own disk, to know it again after it was killed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str
    claimant: str
    host: str
    started_at: str

    @classmethod
    def read(cls, content: bytes) -> Self | None:
        try:
            return cls.model_validate_json(content)
        except ValidationError:
            return None


class Claim:
    """A version's folder that this publisher may fill."""

    def __init__(self, url: str, kept: Path) -> None:
        """Takes the claim, or finds it again. ``kept`` is a local file of this publisher's own.

        Raises:
            storage.Busy: somebody else has it; the message says who, since when and what to do.
            ConditionalPutIgnored: the server would give it to several.
        """
        self._url = url
        self._kept = kept
        note = _Note.read(kept.read_bytes()) if kept.exists() else None
        if note is None or note.url != url:
            note = _Note(url=url, claimant=uuid.uuid4().hex, host=socket.gethostname(), started_at=utc_now())
            storage.write_bytes(str(kept), note.model_dump_json().encode())
        self._note = note
        self._number = self._take()
        self.sign()

    def sign(self) -> None:
        """Gives a sign of life. Raises Busy when the claim was lost."""
        self._refuse_loss()
        began_s = _now_s()
        storage.write_bytes(self._object(self._number), self._content)
        self._signed_at_s = began_s  # the server's clock may have read it at once
        # Who takes over looks for signs once more afterwards: one of the two sees the other.
        self._refuse_loss()

    def sign_when_due(self) -> None:
        """The same once a minute, for whoever calls often."""
        if _now_s() - self._signed_at_s >= SIGN_EVERY_S:
            self.sign()

    def _refuse_loss(self) -> None:
        number, note = self._newest()
        if number != self._number or note is None or note.claimant != self._note.claimant:
            raise storage.Busy(
                f"{shown(self._url)}: another publisher has taken this version over, because for {SILENCE_S / 60:.0f} "
                "minutes nothing was heard of this one, or because its claim was deleted: build again"
            )

    def release(self) -> None:
        """The version is published: nothing of the claim is needed any more, nor does it matter if it stays."""
        with suppress(StorageError):
            for number in range(1, self._number + 1):
                storage.remove_tree(self._object(number))
        self._kept.unlink(missing_ok=True)

    def _take(self) -> int:
        while True:
            number, note = self._newest()
            if number and note and note.claimant == self._note.claimant:
                return number
            if number:
                try:
                    self._refuse_living(self._object(number), note)
                except NotThere:  # released just now
                    continue
            if storage.create(self._object(number + 1), self._content):
                if number:
                    self._withdraw_from_the_living(number, note)
                return number + 1

    def _withdraw_from_the_living(self, number: int, note: _Note | None) -> None:
        """Whoever is taken over may have given a sign of life at the last moment."""
        try:
            self._refuse_living(self._object(number), note)
        except NotThere:
            return
        except storage.Busy:
            storage.remove_tree(self._object(number + 1))
            raise

    @property
    def _content(self) -> bytes:
        return self._note.model_dump_json().encode()

    def _refuse_living(self, claim: str, note: _Note | None) -> None:
        silent_s = objects.silent_s(claim)
        if silent_s < SILENCE_S:
            who = f"{note.host} since {note.started_at}" if note else "somebody"
            raise storage.Busy(
                f"{shown(self._url)}: is being published by {who}, last heard of {max(silent_s, 0):.0f} s ago: wait "
                f"until it is done, and build again. After {SILENCE_S / 60:.0f} minutes of silence a build takes over; "
                f"if that publisher is known to be gone, delete {shown(claim)} and build again at once"
            )

    def _newest(self) -> tuple[int, _Note | None]:
        """The number of the claim that counts, 0 where there is none, and what it says, None where it is illegible."""
        found = [int(match[1]) for name in storage.list_folder(self._url) if (match := _NAME.fullmatch(name))]
        number = max(found, default=0)
        with suppress(NotThere):
            return number, _Note.read(storage.read_bytes(self._object(number))) if number else None
        return self._newest()

    def _object(self, number: int) -> str:
        return storage.join(self._url, f".claim-{number}")


def release_left_over(url: str, kept: Path) -> None:
    """Releases the claim that ``kept`` tells of, if it is one on ``url``: its publisher was killed before it did."""
    note = _Note.read(kept.read_bytes()) if kept.exists() else None
    if note is not None and note.url == url:
        with suppress(storage.Busy, StorageError):  # somebody else's by now, or it stays until the next build
            Claim(url, kept).release()


def _now_s() -> float:
    """A clock that nobody sets and that does not stand still while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
