"""The Typer application, its consoles, and how errors become one line and an exit status.

Exit statuses: 0 done; 1 something could not be made, or (``check``) rows were rejected; 2 the definition, the manifest
or the command line is wrong; 3 another build of the same dataset is running; 130 interrupted.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

# Before anything imports Prefect: nothing is sent anywhere, and the console belongs to the build's own lines.
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("DO_NOT_TRACK", "1")
# Its own short-lived server may be slow to start on a busy machine; that is no reason to give up a build.
os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "180")

import typer
from rich.console import Console
from rich.markup import escape

from its_core import __version__, storage
from its_core.dataset import reader
from its_core.dataset.publish import PublishError
from its_core.dataset.versions.ownership import NameTaken
from its_core.errors import FactoryError
from its_core.shards.launcher import LaunchRefused
from its_core.shards.receipts import TooFewClips
from its_core.text import one_line

app = typer.Typer(
    name="its",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Builds labelled synthetic traffic-accident datasets from scenario manifests.",
    epilog="Exit statuses: 0 done · 1 not made, or rows rejected · 2 wrong input · 3 already running · 130 interrupted",
)
# Into a pipe or a file, tables are as wide as they need to be, not 80 columns.
out = Console(width=None if sys.stdout.isatty() else 160)
err = Console(stderr=True)


INTERRUPTED = "interrupted: nothing is lost, the same command goes on where it stopped"
_INTERRUPT_GRACE_S = 10.0


def end_soon_when_interrupted() -> None:
    """Ctrl-C ends a build within seconds. A terminal sends it to Prefect's own server too, and Prefect would wait for
    minutes for an answer from there; by then the shards are ended, and the watchdog ends what is left."""

    def leave() -> None:
        err.print(INTERRUPTED)
        os._exit(130)

    def interrupted(*_: object) -> None:
        timer = threading.Timer(_INTERRUPT_GRACE_S, leave)
        timer.daemon = True
        timer.start()
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupted)


@contextmanager
def errors_in_a_line() -> Iterator[None]:
    """Turns what the user can act on into a line and an exit status; any other error is a fault, with its traceback."""
    problem: Exception
    try:
        yield
    except (TooFewClips, LaunchRefused, PublishError, NameTaken, reader.NotPublished) as error:
        status, problem = 1, error
    except storage.Busy as error:
        status, problem = 3, error
    except OSError as error:  # a disk that is full or cannot be written, S3 that denies or cannot be reached
        status, problem = 1, error
    except FactoryError as error:  # what was given to a command: a definition, a manifest, predictions, a version
        status, problem = 2, error
    except KeyboardInterrupt:
        err.print(INTERRUPTED)
        raise typer.Exit(130) from None
    else:
        return
    told = "\n  ".join(one_line(line) for line in str(problem).splitlines())
    err.print(f"[red]error:[/red] {escape(told)}", highlight=False, soft_wrap=True)
    raise typer.Exit(status)


@app.callback(invoke_without_command=True)
def _main(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.", is_eager=True)] = False,
) -> None:
    if version:
        out.print(__version__)
        raise typer.Exit
