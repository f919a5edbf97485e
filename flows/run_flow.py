"""Calls a flow so that its work does not depend on Prefect's server."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from its_flows.redacted_flow import RedactedFlow
from its_tasks.steps import despite_prefect, first_line

P = ParamSpec("P")
R = TypeVar("R")


def run_flow(
    flow: RedactedFlow[P, R],
    with_prefect: bool,
    say: Callable[[str], None],
    on_end: Callable[[R | BaseException], None],
    *args: P.args,
    **kwargs: P.kwargs,
) -> R:
    """The flow of a ``recorded`` function, also where Prefect's server is lost before its end.

    Raises what the function raises. ``say`` prints a line; ``on_end`` is called with what the function came to, before
    Prefect records it.
    """
    if not with_prefect:
        return flow.fn(*args, **kwargs)

    def through() -> R:
        result: R = flow(*args, **kwargs)
        return result

    return despite_prefect(
        through,
        lambda: flow.fn(*args, **kwargs),
        lambda error: say(f"Prefect's server did not record this run ({first_line(error)})"),
        on_end,
    )


def ignore_end(_: object) -> None:
    """For a flow at whose end nothing else is to be done."""
