"""A launch over several machines: they agree on what is missing, notice when one is gone, and end together.

torchrun leaves that open. It does not miss an agent that was killed; and an agent whose ranks are done waits five
minutes for the others, then ends, and takes the store with it that theirs may still need.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import time
import uuid
from datetime import timedelta
from typing import TypeVar

START_UP_LIMIT_S = 300.0
_FAREWELL_LIMIT_S = 30.0
_POLL_S = 0.1
# A machine that loses its power says no goodbye: the kernel asks after 5 s of silence, every 5 s, three times.
_KEEP_ALIVE = {socket.TCP_KEEPIDLE: 5, socket.TCP_KEEPINTVL: 5, socket.TCP_KEEPCNT: 3}
_GOODBYE = b"."

T = TypeVar("T")


class Nodes:
    """This rank's line to the other machines: torchrun's own store, and a connection from each machine to the first.

    Nothing goes through the connections before the end; that one breaks is how an early end is noticed, at once and
    however busy the ranks are. Then this process ends too, and its agent with it. ``launch`` is the same on every rank.
    """

    def __init__(self) -> None:
        from torch.distributed import PrefixStore, TCPStore  # type: ignore[attr-defined]

        variables = os.environ
        self._rank, self._ranks = int(variables["RANK"]), int(variables["WORLD_SIZE"])
        self._ranks_here = int(variables["LOCAL_WORLD_SIZE"])
        self._node, self._nodes = int(variables["GROUP_RANK"]), int(variables["GROUP_WORLD_SIZE"])
        self.leads = variables["LOCAL_RANK"] == "0"
        address, limit = variables["MASTER_ADDR"], timedelta(seconds=START_UP_LIMIT_S)
        store = TCPStore(address, int(variables["MASTER_PORT"]), is_master=False, timeout=limit)
        self._store = PrefixStore(f"its/{variables.get('TORCHELASTIC_RESTART_COUNT', '0')}", store)
        self._questions = 0
        self._others: list[socket.socket] = []
        self.launch = self.agree(uuid.uuid4().hex[:12])
        if self.leads:
            self._others = self._await_others() if self._node == 0 else [self._call_first(address)]
            for other in self._others:
                threading.Thread(target=_end_with, args=(other,), daemon=True).start()

    def _await_others(self) -> list[socket.socket]:
        secret = uuid.uuid4().hex
        others: list[socket.socket] = []
        dual = socket.has_dualstack_ipv6()
        family = socket.AF_INET6 if dual else socket.AF_INET
        with socket.create_server(("", 0), family=family, dualstack_ipv6=dual) as server:
            server.settimeout(START_UP_LIMIT_S)
            self._store.set("address", json.dumps([server.getsockname()[1], secret]))
            while len(others) < self._nodes - 1:
                try:
                    caller, _ = server.accept()
                except TimeoutError:
                    missing = self._nodes - 1 - len(others)
                    raise ValueError(f"{missing} of {self._nodes} machines did not call: {_WHAT_IS_NEEDED}") from None
                if _knows(caller, secret):
                    others.append(_kept_alive(caller))
                else:
                    caller.close()
        return others

    def _call_first(self, address: str) -> socket.socket:
        port, secret = json.loads(self._store.get("address"))
        try:
            first = socket.create_connection((address, port), timeout=START_UP_LIMIT_S)
            first.sendall(secret.encode())
        except OSError as error:
            raise ValueError(f"{address}:{port} cannot be reached ({error}): {_WHAT_IS_NEEDED}") from None
        return _kept_alive(first)

    def agree(self, mine: T) -> T:
        """Rank 0's ``mine``, a JSON value, on every rank. All ranks must ask equally often."""
        self._questions += 1
        key = f"agreed/{self._questions}"
        if self._rank == 0:
            self._store.set(key, json.dumps(mine))
        agreed: T = json.loads(self._store.get(key))
        return agreed

    def end_together(self, report: list[str]) -> list[str]:
        """Waits until every rank has ended its share, and returns the lines of all their reports."""
        self._store.set(f"report/{self._rank}", json.dumps(report))
        self._store.add("ended", 1)
        while self._store.add("ended", 0) < self._ranks:
            time.sleep(_POLL_S)
        everything = [line for rank in range(self._ranks) for line in json.loads(self._store.get(f"report/{rank}"))]
        if self._node != 0:
            self._store.add("left", 1)
        else:  # the store ends with this machine's agent
            since = time.monotonic()
            while self._store.add("left", 0) < self._ranks - self._ranks_here:
                if time.monotonic() - since > _FAREWELL_LIMIT_S:
                    break
                time.sleep(_POLL_S)
        for other in self._others:
            other.sendall(_GOODBYE)
        return everything


_WHAT_IS_NEEDED = "machines of one launch must reach each other at any TCP port"
_WHAT_HELPS = "it may say why; what is made is kept: run the same commands again on every machine"


def join() -> Nodes | None:
    """The line to the other machines of this launch, None where there is but one machine.

    From then on this process ends when another machine does. Raises ValueError where machines cannot reach each other.
    """
    if int(os.environ.get("GROUP_WORLD_SIZE", "1")) == 1:
        return None
    from torch.distributed import DistError

    try:
        return Nodes()
    except DistError as error:  # torchrun's store does not answer, or another machine does not say what is awaited
        store = f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"
        reason = str(error).partition("\n")[0]
        raise ValueError(f"no answer from torchrun's store at {store} ({reason}): {_WHAT_IS_NEEDED}") from None


def _knows(caller: socket.socket, secret: str) -> bool:
    """Whether the caller is a machine of this launch, and no port scanner."""
    caller.settimeout(10)
    received = b""
    try:
        while len(received) < len(secret) and (more := caller.recv(len(secret) - len(received))):
            received += more
    except OSError:
        return False
    return received == secret.encode()


def _kept_alive(line: socket.socket) -> socket.socket:
    line.settimeout(None)
    line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _KEEP_ALIVE.items():
        line.setsockopt(socket.IPPROTO_TCP, option, value)
    return line


def _end_with(other: socket.socket) -> None:
    """Ends this process when the other end of the line is gone without a goodbye."""
    name = "which cannot be named any more"
    try:
        name = other.getpeername()[0].removeprefix("::ffff:")
        received = other.recv(1)
    except OSError:
        received = b""
    if received != _GOODBYE:
        print(
            f"error: another machine of this launch ({name}) has ended early; {_WHAT_HELPS}",
            file=sys.stderr,
            flush=True,
        )
        os._exit(1)
