"""A post-training as OpenLineage run events, by the official client: ``START``, then ``COMPLETE`` or ``FAIL``.

What a training read: published versions (as a build names them), the base weights, the training set. What it made: the
model, and the engine's weights under the name and version that a build's events give as their input.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import attr
from openlineage.client import event_v2 as ol
from openlineage.client.facet_v2 import DatasetFacet, dataset_version_dataset, error_message_run, job_type_job

from its_core import __version__, storage
from its_core.dataset.lineage.emit import emit
from its_core.dataset.lineage.events import NAMESPACE
from its_core.dataset.privacy import without_local_paths
from its_core.redaction import without_secrets
from its_core.shards.receipts import utc_now

_PRODUCER = f"urn:{NAMESPACE}:{__version__}"


@attr.define
class ModelDatasetFacet(DatasetFacet):
    """What ``model.json`` says of a model: LoRA, base, recipe, training set, evaluation, code."""

    model: dict[str, Any] = attr.field(factory=dict)

    @staticmethod
    def _get_schema() -> str:
        return f"urn:{NAMESPACE}:facets:ModelDatasetFacet:1"


@dataclass(slots=True)
class Report:
    """``model``: the content of ``model.json``, once there is one. ``publish_url``: where its parts are published."""

    publish_url: str
    model: Mapping[str, Any] = field(default_factory=dict)


@contextmanager
def reported(name: str, publish_url: str, work: Path) -> Iterator[Report]:
    """Emits START, then COMPLETE with the model that the block puts into the report, or FAIL when the block raises."""
    run_id, report = str(uuid.uuid4()), Report(publish_url)
    emit(_event(ol.RunState.START, run_id, name), work)
    try:
        yield report
    except BaseException as error:
        message = str(error).partition("\n")[0] or type(error).__name__
        plain = str(without_local_paths(without_secrets(message)))
        facet = error_message_run.ErrorMessageRunFacet(message=plain, programmingLanguage="python", producer=_PRODUCER)
        emit(_event(ol.RunState.FAIL, run_id, name, ol.Run(run_id, {"errorMessage": facet})), work)
        raise
    emit(_complete(run_id, name, report), work)


def _complete(run_id: str, name: str, report: Report) -> ol.RunEvent:
    model = report.model
    base, training_set = model["base"], model["training_set"]
    inputs = [_published(each, report.publish_url) for each in training_set["datasets"]]
    inputs.append(_input(f"weights/{base['file']}", base["sha256"]))
    inputs.append(_input(f"training-set/{name}", training_set["sha256"]))
    outputs = [
        ol.OutputDataset(
            namespace=NAMESPACE,
            name=f"model/{name}",
            facets={
                "version": _version(model["version"]),
                "its_model": ModelDatasetFacet(dict(model), producer=_PRODUCER),
            },
        )
    ]
    outputs += [
        ol.OutputDataset(namespace=NAMESPACE, name="weights/cosmos", facets={"version": _version(digest)})
        for digest in model["weights_sha256"].values()
    ]
    event = _event(ol.RunState.COMPLETE, run_id, name)
    event.inputs, event.outputs = inputs, outputs
    return event


def _event(state: ol.RunState, run_id: str, name: str, run: ol.Run | None = None) -> ol.RunEvent:
    kind = job_type_job.JobTypeJobFacet(processingType="BATCH", integration="ITS", jobType="TRAIN", producer=_PRODUCER)
    return ol.RunEvent(
        eventType=state,
        eventTime=utc_now(),
        producer=_PRODUCER,
        run=run or ol.Run(run_id, {}),
        job=ol.Job(NAMESPACE, f"post-train.{name}", {"jobType": kind}),
    )


def _published(named: str, publish_url: str) -> ol.InputDataset:
    """A published version ``DATASET@VERSION``, named as its build's COMPLETE event names it."""
    dataset, _, version = named.rpartition("@")
    facets: dict[str, DatasetFacet] = {"version": _version(version)}
    if (kind := storage.scheme(publish_url)) == "file":
        return ol.InputDataset(namespace="file", name=dataset, facets=facets)
    url = str(without_secrets(storage.join(publish_url, dataset, version)))
    bucket, _, key = url.partition("://")[2].partition("/")
    return ol.InputDataset(namespace=f"{kind}://{bucket}", name=key, facets=facets)


def _input(name: str, version: str) -> ol.InputDataset:
    return ol.InputDataset(namespace=NAMESPACE, name=name, facets={"version": _version(version)})


def _version(version: str) -> DatasetFacet:
    return dataset_version_dataset.DatasetVersionDatasetFacet(version, producer=_PRODUCER)
