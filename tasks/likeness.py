"""The task ``judge-likeness``: a version that was just published beside the one that its definition names."""

from __future__ import annotations

from its_tasks.steps import step

from its_core.dataset import reader
from its_core.definition import Definition
from its_core.evaluation.likeness import floors
from its_core.evaluation.likeness.floors import Verdict
from its_core.shards import processors


@step(name="judge-likeness", task_run_name="compare {new_url}")
def judge_likeness(definition: Definition, new_url: str) -> Verdict:
    """What the definition's floors say of the version. Raises NotPublished where there is none to compare with, and
    NothingInCommon where it has other scenarios."""
    gate = definition.likeness
    assert gate is not None
    against = reader.version_or_latest(gate.against)
    return floors.judge(reader.open_version(new_url), against, gate.floors, gate.clips, threads=processors.available())
