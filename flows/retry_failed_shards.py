"""The flow ``retry-failed-shards``: finds builds that were not finished and finishes them with only what is missing."""

from __future__ import annotations

from its_flows.build_dataset import build_with_or_without_prefect
from its_flows.redacted_flow import redacted_flow
from prefect import get_run_logger
from prefect.artifacts import create_table_artifact

from its_core import definition as definitions
from its_core import storage
from its_core.errors import FactoryError
from its_core.shards.status import BuildPhase, BuildStatus, read_status


class StillUnfinished(FactoryError, RuntimeError):
    """Builds that were tried again and did not finish; the message says which and why."""

    default_code = "build.unfinished"


@redacted_flow("retry-failed-shards", "retry what is unfinished in {datasets}")
def retry_failed_shards(datasets: str = "datasets") -> dict[str, str]:
    """Goes on with every unfinished build in a folder of definitions; returns what became of each dataset.

    Unfinished is what crashed, was cancelled, lost its machine or its published version, or made too few clips while
    some may still be made. What runs, was never built or waits for a person is left alone. Raises StillUnfinished once
    all were tried, DefinitionError when the folder holds no definition.
    """
    became = {str(folder): _finish(str(folder)) for folder in definitions.find(datasets)}
    create_table_artifact(
        [{"dataset": dataset, "outcome": outcome} for dataset, outcome in became.items()], key="retried-builds"
    )
    failed = [f"{dataset}: {outcome}" for dataset, outcome in became.items() if outcome.startswith(_FAILED)]
    if failed:
        raise StillUnfinished("\n".join(failed))
    return became


_FAILED = "not finished: "


def _finish(dataset: str) -> str:
    """Finishes one build if it is unfinished. Its failure must not keep the others from being tried."""
    log = get_run_logger()
    try:
        definition = definitions.load(dataset)
        now = read_status(definition.work_path, folder=definition.folder)
        if now.phase is not BuildPhase.UNFINISHED or now.build is None:
            return f"left alone: {_phase_and_reason(now)}"
        if missing := now.build.withheld and set(now.build.withheld) - definitions.set_from_outside({}).keys():
            names = ", ".join(definitions.variable(key) for key in sorted(missing))
            return f"left alone: it was built with values that may be secrets and are not kept: set {names} here too"
        log.info("%s goes on: %s; %d clips are made, %d left", dataset, now.reason, now.made, now.left)
        built = build_with_or_without_prefect(dataset, now.build.overrides, True, log.warning)
    except storage.Busy as error:
        return f"left alone: {error}"
    except Exception as error:
        log.error("%s: %s", dataset, error)
        return f"{_FAILED}{type(error).__name__}: {error}"
    return f"finished: {built.published.url}"


def _phase_and_reason(now: BuildStatus) -> str:
    return f"{now.phase.words}: {now.reason}" if now.reason else now.phase.words
