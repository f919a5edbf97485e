"""A standing Prefect server on PostgreSQL: ``python -m its_flows.server FOLDER [--port N]``, or ``make server``.

PostgreSQL's data lie in ``FOLDER``. It listens on no network, only on a socket that its own user can reach. SIGINT or
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
from its_core.errors import FactoryError

_DEBIAN = Path("/usr/lib/postgresql")
_INSTALL = "PostgreSQL is not installed: apt-get install postgresql (Debian, Ubuntu), or put initdb and pg_ctl on PATH"


class ServerError(FactoryError, RuntimeError):
    """PostgreSQL cannot be run here; the message says what would help."""

    default_code = "server"


def programs() -> Path:
    """The folder of PostgreSQL's server programs, the newest version of Debian's packages or the one on PATH.

    Raises ServerError.
    """
    packaged = sorted(_DEBIAN.glob("*/bin/pg_ctl"), key=lambda path: int(path.parent.parent.name))
    if packaged:
        return packaged[-1].parent
    if on_path := shutil.which("pg_ctl"):
        return Path(on_path).resolve().parent
    raise ServerError(_INSTALL, code="server.not_installed")


def _account() -> dict[str, Any]:
    """The user that PostgreSQL runs as, for subprocess; empty for the one who asks."""
    if os.geteuid() != 0:
        return {}
    try:
        entry = pwd.getpwnam("postgres")
    except KeyError:
        raise ServerError(
            "PostgreSQL does not run as root, and there is no user postgres: run this as another user",
            code="server.root",
        ) from None
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


@contextmanager
def postgresql(data: Path) -> Iterator[str]:
    """Runs PostgreSQL on the cluster in ``data``, which is made when it is not there; yields its URL for Prefect.

    A PostgreSQL that a killed server left behind is ended first. Raises ServerError.
    """
    bin_folder, account = programs(), _account()
    sockets = Path(tempfile.mkdtemp(prefix="its-postgresql-"))  # a socket's path must be short
    _own(sockets, account)

    def run(program: str, folder: Path, *arguments: str, may_fail: bool = False) -> None:
        command = [str(bin_folder / program), "-D", str(folder), *arguments]
        done = subprocess.run(command, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **account)
        if done.returncode and not may_fail:
            raise ServerError(f"{program} -D {folder}: {done.stdout.strip()}", code=f"server.{program}")

    try:
        if not (data / "PG_VERSION").exists():
            # Made aside and renamed: initdb that was killed leaves a folder that neither works nor can be made again.
            made = data.with_name(f"{data.name}.new")
            shutil.rmtree(made, ignore_errors=True)
            made.mkdir(parents=True)
            _own(made, account)
            run("initdb", made, "--username=prefect", "--auth=trust", "--encoding=UTF8", "--no-locale")
            made.replace(data)
        # Nobody else can enter the socket's folder, so every connection is trusted.
        run("pg_ctl", data, "stop", "--wait", "--mode=fast", may_fail=True)
        options = f"-k {sockets} -c listen_addresses='' -c unix_socket_permissions=0700"
        run("pg_ctl", data, "start", "--wait", "--log", str(data / "server.log"), "-o", options)
        try:
            yield f"postgresql+asyncpg://prefect@/postgres?host={sockets}"
        finally:
            run("pg_ctl", data, "stop", "--wait", "--mode=fast")
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
    try:
        sys.exit(_serve(data, arguments.host, arguments.port))
    except (ServerError, storage.Busy, OSError) as error:
        sys.exit(f"error: {error}")


def _serve(data: Path, host: str, port: int) -> int:
    """Runs both until the server ends; returns its exit status."""
    with storage.exclusive(data.parent / f"{data.name}.lock"), postgresql(data) as url:
        command = [sys.executable, "-m", "prefect", "server", "start", "--host", host, "--port", str(port)]
        print(f"export PREFECT_API_URL=http://{host}:{port}/api", flush=True)
        server = subprocess.Popen(command, env=_environment(url))

        def stop(number: int, _: FrameType | None) -> None:
            server.send_signal(number)

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, lambda *_: None)  # a terminal's Ctrl-C reaches the server by itself
        return server.wait()


def _environment(database_url: str) -> dict[str, str]:
    """The page asks the server that it comes from, whatever port, host or proxy that is, and whichever other server
    the environment or a profile names. Nothing is sent anywhere else: Prefect's second interface loads a third
    party's analytics even where they are switched off, so its first is shown unless the environment says otherwise."""
    return {
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_UI_V2_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        **os.environ,
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": database_url,
        "PREFECT_SERVER_UI_API_URL": "/api",
    }


if __name__ == "__main__":
    main()
