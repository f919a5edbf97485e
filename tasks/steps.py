"""Prefect tasks whose work does not depend on Prefect's server.

A build reports to Prefect, and never waits for it. Where its server cannot be reached any more, what was running ends
as it would have ended, and the rest of the build runs without Prefect.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar, copy_context
from dataclasses import dataclass
from typing import Any, Generic, ParamSpec, TypeVar

from its_tasks.stage_clock import StageClock
from prefect import Task
from prefect.cache_policies import NO_CACHE
from prefect.futures import PrefectFuture
from prefect.utilities.annotations import quote

P = ParamSpec("P")
R = TypeVar("R")
OnEnd = Callable[[BaseException | None], None]  # is called, from any thread, with what a step raised
_MOST_AT_ONCE = 1024


def _ignore(_: object) -> None:
    return


@dataclass(slots=True)
class _Call(Generic[R]):
    """How a function ended, whatever Prefect made of it. ``on_end`` is called with its result or error."""

    on_end: Callable[[Any], None] = _ignore
    ended: bool = False
    result: R | None = None
    error: BaseException | None = None

    def value(self) -> R:
        if self.error is not None:
            raise self.error
        return self.result  # type: ignore[return-value]


_current: ContextVar[_Call[Any] | None] = ContextVar("the call that a recorded function is", default=None)


def recorded(function: Callable[P, R]) -> Callable[P, R]:
    """The same function; ``despite_prefect`` learns how it ended.

    Ray pickles it. So it names nothing but a function of this module: ``_current`` cannot be pickled.
    """

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        return _record(lambda: function(*args, **kwargs))

    return run


def _record(function: Callable[[], R]) -> R:
    call = _current.get()
    token = _current.set(None)  # what it calls in turn is another call
    try:
        result = function()
    except BaseException as error:
        if call is not None:
            call.ended, call.error = True, error
            call.on_end(error)
        raise
    finally:
        _current.reset(token)
    if call is not None:
        call.ended, call.result = True, result
        call.on_end(result)
    return result


def step(*, name: str, task_run_name: str) -> Callable[[Callable[P, R]], Task[P, R]]:
    """Makes a function a Prefect task that ``Steps`` can run."""

    def decorate(function: Callable[P, R]) -> Task[P, R]:
        return Task(recorded(function), name=name, task_run_name=task_run_name, cache_policy=NO_CACHE)

    return decorate


def despite_prefect(
    through: Callable[[], R],
    plain: Callable[[], R],
    on_loss: Callable[[Exception], None],
    on_end: Callable[[R | BaseException], None] = _ignore,
) -> R:
    """Calls a recorded function ``through`` Prefect, and returns or raises what the function itself did.

    An error of Prefect's own goes to ``on_loss``. If the function was never begun, it is called ``plain`` then.
    ``on_end`` is called with what the function did, before Prefect records it.
    """
    call = _Call[R](on_end)
    token = _current.set(call)
    try:
        return through()
    except Exception as error:
        if error is call.error:
            raise
        on_loss(error)
    finally:
        _current.reset(token)
    return call.value() if call.ended else plain()


class Steps:
    """Runs steps, as Prefect tasks while ``with_prefect``. ``say`` prints a line for the person who waits. ``clock``
    has the seconds of every step by its name."""

    def __init__(self, with_prefect: bool, say: Callable[[str], None]) -> None:
        self.with_prefect = with_prefect
        self.clock = StageClock()
        self._say = say
        self._pool = ThreadPoolExecutor(_MOST_AT_ONCE, thread_name_prefix="step")

    def run(self, step: Task[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """The step's result, or the error that it raised."""
        with self.clock.running(step.name):
            return self._run(step, *args, **kwargs)

    def _run(self, step: Task[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        if not self.with_prefect:
            return step.fn(*args, **kwargs)
        # Quoted, because Prefect would look through every clip of a plan for the results of other tasks.
        quoted: Any = [quote(each) for each in args]
        named: Any = {key: quote(value) for key, value in kwargs.items()}

        def through() -> R:
            result: R = step(*quoted, **named)
            return result

        return despite_prefect(through, lambda: step.fn(*args, **kwargs), self.lose)

    def submit(self, step: Task[..., Any], on_end: OnEnd, *args: Any) -> None:
        """Starts a step in a thread of its own; ``on_end`` is called when it has ended."""
        self.clock.begin(step.name)

        def timed(error: BaseException | None) -> None:
            self.clock.end(step.name)
            on_end(error)

        self._submit(step, timed, args)

    def _submit(self, step: Task[..., Any], on_end: OnEnd, args: tuple[Any, ...]) -> None:
        if not self.with_prefect:
            self._start(step, on_end, args)
            return
        call = _Call[Any]()
        token = _current.set(call)
        try:
            future = step.submit(*[quote(each) for each in args])
        except Exception as error:
            self.lose(error)
            self._start(step, on_end, args)
            return
        finally:
            _current.reset(token)

        def ended(_: PrefectFuture[Any]) -> None:
            if call.ended:
                on_end(call.error)
            else:  # Prefect failed before the step was begun
                self._start(step, on_end, args)

        future.add_done_callback(ended)

    def _start(self, step: Task[..., Any], on_end: OnEnd, args: tuple[Any, ...]) -> None:
        def run() -> None:
            try:
                step.fn(*args)
            except BaseException as error:
                on_end(error)
            else:
                on_end(None)

        self._pool.submit(copy_context().run, run)

    def lose(self, error: Exception) -> None:
        """From now on steps run without Prefect, whose server failed with ``error``."""
        if self.with_prefect:
            self.with_prefect = False
            self._say(f"Prefect's server is lost ({first_line(error)}): the build goes on without it")


def first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0] or type(error).__name__
