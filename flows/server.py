"""A standing Prefect server on PostgreSQL: ``python -m its_flows.server FOLDER [--port N]``, or ``make server``.

PostgreSQL's data lie in ``FOLDER``; it listens on no network, only on a socket that its own user can reach. SIGINT or
SIGTERM ends both. PostgreSQL refuses to run as root: root runs it as the user ``postgres`` of Debian's package.
"""

from __future__ import annotations

import argparse
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from its_core import storage

_DEBIAN = Path("/usr/lib/postgresql")
_INSTALL = "PostgreSQL is not installed: apt-get install postgresql (Debian, Ubuntu), or put initdb and pg_ctl on PATH"


def programs() -> Path:
    """The folder of PostgreSQL's server programs, the newest version of Debian's packages or the one on PATH."""
    found = sorted(_DEBIAN.glob("*/bin/pg_ctl"), key=lambda path: int(path.parent.parent.name))
    if found:
        return found[-1].parent
    if on_path := shutil.which("pg_ctl"):
        return Path(on_path).resolve().parent
    sys.exit(f"error: {_INSTALL}")


def _account() -> dict[str, Any]:
    """The user that PostgreSQL runs as, for subprocess; empty for the one who asks."""
    if os.geteuid() != 0:
        return {}
    try:
        entry = pwd.getpwnam("postgres")
    except KeyError:
        sys.exit("error: PostgreSQL does not run as root, and there is no user postgres: run this as another user")
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


@contextmanager
def postgresql(data: Path) -> Iterator[str]:
    """Runs PostgreSQL on the cluster in ``data``, which is made when it is not there; yields its URL for Prefect.

    A PostgreSQL that a killed server left behind is ended first.
    """
    bin_folder, account = programs(), _account()
    sockets = Path(tempfile.mkdtemp(prefix="its-postgresql-"))  # a socket's path must be short
    _own(sockets, account)

    def run(program: str, *arguments: str, may_fail: bool = False) -> None:
        command = [str(bin_folder / program), "-D", str(data), *arguments]
        done = subprocess.run(command, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **account)
        if done.returncode and not may_fail:
            sys.exit(f"error: {program} -D {data}: {done.stdout.strip()}")

    try:
        if not (data / "PG_VERSION").exists():
            data.mkdir(parents=True, exist_ok=True)
            _own(data, account)
            run("initdb", "--username=prefect", "--auth=trust", "--encoding=UTF8", "--no-locale")
        # Nobody else can enter the socket's folder, so whoever connects is trusted.
        run("pg_ctl", "stop", "--wait", "--mode=fast", may_fail=True)
        options = f"-k {sockets} -c listen_addresses='' -c unix_socket_permissions=0700"
        run("pg_ctl", "start", "--wait", "--log", str(data / "server.log"), "-o", options)
        try:
            yield f"postgresql+asyncpg://prefect@/postgres?host={sockets}"
        finally:
            run("pg_ctl", "stop", "--wait", "--mode=fast")
    finally:
        shutil.rmtree(sockets)


def _own(folder: Path, account: dict[str, Any]) -> None:
    folder.chmod(0o700)
    if account:
        os.chown(folder, account["user"], account["group"])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m its_flows.server", description=__doc__)
    parser.add_argument("folder", type=Path, help="where PostgreSQL's data lie; made when it is not there")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=4200)
    arguments = parser.parse_args()
    data = arguments.folder.resolve()
    with storage.exclusive(data.parent / f"{data.name}.lock"), postgresql(data) as url:
        # The server listens to its own environment; what it tells others is not the database's business.
        told = {"PREFECT_SERVER_DATABASE_CONNECTION_URL": url}
        command = [sys.executable, "-m", "prefect", "server", "start"]
        command += ["--host", arguments.host, "--port", str(arguments.port)]
        print(f"export PREFECT_API_URL=http://{arguments.host}:{arguments.port}/api", flush=True)
        server = subprocess.Popen(command, env={**os.environ, **told})

        def stop(number: int, _: FrameType | None) -> None:
            server.send_signal(number)

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, lambda *_: None)  # a terminal's Ctrl-C reaches the server by itself
        status = server.wait()
    sys.exit(status)


if __name__ == "__main__":
    main()
