"""What a step hands over to Prefect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from its_tasks.steps import Steps
from prefect.utilities.engine import collect_task_run_inputs_sync

looks: list[str] = []


@dataclass(frozen=True)
class Clip:
    clip_id: str

    def __getattribute__(self, name: str) -> Any:
        if name == "clip_id":
            looks.append(name)
        return object.__getattribute__(self, name)


class LookedThrough:
    """Stands for a task: looks for other tasks' results in its arguments, by the function with which Prefect does."""

    name = "plan"

    def __call__(self, *args: Any, **kwargs: Any) -> int:
        for argument in (*args, *kwargs.values()):
            collect_task_run_inputs_sync(argument)
        return self.fn(*args, **kwargs)

    @staticmethod
    def fn(*_args: Any, **_kwargs: Any) -> int:
        return 1


@pytest.mark.parametrize("named", [False, True])
def test_prefect_does_not_walk_through_the_clips_of_a_plan(named: bool) -> None:
    clips = [Clip(str(number)) for number in range(50)]
    step: Any = LookedThrough()
    looks.clear()
    Steps(with_prefect=True, say=print).run(step, **{"plan": clips}) if named else Steps(True, print).run(step, clips)
    assert looks == []
    step(clips)  # as it would be without the quotes
    assert len(looks) >= 50
