"""The task ``judge-utility``: what detectors learn from a version that was just published, and from the latest."""

from __future__ import annotations

from its_tasks.steps import step

from its_core import storage
from its_core.dataset import reader
from its_core.definition import Definition
from its_core.evaluation import utility
from its_core.evaluation.utility import Verdict

FEATURES_FOLDER = "features"


@step(name="judge-utility", task_run_name="judge {new_url}")
def judge_utility(definition: Definition, new_url: str) -> Verdict | None:
    """What the definition's gate says of a version that was just published; None where there is no other to compare.

    The latest version is left as it is."""
    gate = definition.utility
    assert gate is not None
    root = storage.join(definition.publish_url, definition.name)
    try:
        latest = reader.latest(root)
    except reader.NotPublished:
        return None
    if latest.url == new_url:
        return None
    work = definition.work_path / "utility"
    return utility.judge(
        new_url,
        latest.url,
        score=gate.score,
        margin=gate.margin,
        test_url=gate.test,
        epochs=gate.epochs,
        folder=work / new_url.rpartition("/")[2],
        cache=work / FEATURES_FOLDER,
    )
