"""The Typer application, its consoles, and how errors become one line and an exit status.

Exit statuses: 0 done; 1 something could not be made, or (``check``) rows were rejected; 2 the definition, the manifest
or the command line is wrong; 3 another build of the same dataset is running; 130 interrupted.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from its_core import __version__, storage
from its_core.dataset import reader
from its_core.dataset.errors import PublishError
from its_core.dataset.versions.ownership import NameTaken
from its_core.errors import FactoryError
from its_core.post_training.errors import NotTrained
from its_core.shards.launcher import LaunchError
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
INTERRUPTED_STATUS = 130
_INTERRUPT_GRACE_S = 10.0
# Packages that only some commands need, and the extra that brings each.
_EXTRAS = {
    **dict.fromkeys(
        ("accelerate", "diffusers", "einops", "peft", "safetensors", "tokenizers", "transformers"), ".[cosmos]"
    ),
    "cv2": ".[evaluation]",
    "norfair": ".[annotation]",
    **dict.fromkeys(("grpc", "prefect_ray", "ray"), ".[ray]"),
    "c2pa": ".[signing]",
    "tensorboard": ".[training]",
}


def end_soon_when_interrupted() -> None:
    """Ctrl-C ends a build within seconds, even where Prefect would wait for minutes for its server's answer. By then
    the shards are ended, and the watchdog ends what is left."""

    def leave() -> None:
        err.print(INTERRUPTED)
        os._exit(INTERRUPTED_STATUS)

    def interrupted(*_: object) -> None:
        timer = threading.Timer(_INTERRUPT_GRACE_S, leave)
        timer.daemon = True
        timer.start()
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupted)


def exit_status(error: BaseException) -> int | None:
    """The exit status of an error that the user can act on; None for any other, which is a fault of ours."""
    match error:
        case storage.Busy():
            return 3
        case TooFewClips() | LaunchError() | NotTrained() | PublishError() | NameTaken() | reader.NotPublished():
            return 1
        case OSError():  # a disk that is full or cannot be written, S3 that denies or cannot be reached
            return 1
        case FactoryError():  # what was given to a command: a definition, a manifest, predictions, a version
            return 2
        case ModuleNotFoundError() if _package(error) in _EXTRAS:
            return 1
        case KeyboardInterrupt():
            return INTERRUPTED_STATUS
    return None


def _package(error: ModuleNotFoundError) -> str:
    return (error.name or "").partition(".")[0]


def _message(error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError) and (extra := _EXTRAS.get(_package(error))):
        return f"{_package(error)} is not installed: pip install -c constraints.txt -e '{extra}' brings it"
    return str(error)


def print_error(error: BaseException, *, verbose: bool = False) -> None:
    """An error in a line; its traceback too where that is asked for, or where it is a fault of ours."""
    if isinstance(error, KeyboardInterrupt):
        err.print(INTERRUPTED)
        return
    if verbose or exit_status(error) is None:
        traceback.print_exception(error)
    if exit_status(error) is not None:
        lines = "\n  ".join(one_line(line) for line in _message(error).splitlines())
        err.print(f"[red]error:[/red] {escape(lines)}", highlight=False, soft_wrap=True)


@contextmanager
def errors_in_a_line(verbose: bool = False) -> Iterator[None]:
    """Turns what the user can act on into a line and an exit status; any other error passes, with its traceback."""
    try:
        yield
    except (Exception, KeyboardInterrupt) as error:
        status = exit_status(error)
        if status is None:
            raise
        print_error(error, verbose=verbose)
        raise typer.Exit(status) from None


def say(line: str) -> None:
    """A line for the person who waits."""
    err.print(line, highlight=False, markup=False, soft_wrap=True)


@app.callback(invoke_without_command=True)
def _main(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.", is_eager=True)] = False,
) -> None:
    if version:
        out.print(__version__)
        raise typer.Exit
