"""A build as OpenLineage run events (https://openlineage.io/spec/2-0-2/OpenLineage.json), by the official client.

``START`` when a build begins, then ``COMPLETE`` with inputs, outputs, schema, statistics and checks, or ``FAIL``.
"""

from __future__ import annotations

import getpass
import os
import platform
import re
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import metadata
from typing import Any, cast

import attr
import pyarrow as pa
from openlineage.client import event_v2 as ol
from openlineage.client.facet_v2 import (
    DatasetFacet,
    JobFacet,
    RunFacet,
    data_quality_assertions_dataset,
    dataset_version_dataset,
    error_message_run,
    input_statistics_input_dataset,
    job_type_job,
    nominal_time_run,
    output_statistics_output_dataset,
    parent_run,
    processing_engine_run,
    schema_dataset,
)
from openlineage.client.serde import Serde

from its_core import __version__
from its_core.dataset.lineage.run import Run
from its_core.dataset.privacy import without_local_paths
from its_core.provenance import code_version, package_versions
from its_core.redaction import without_secrets
from its_core.scenarios.manifest.snapshot import ManifestFile
from its_core.shards.receipts import utc_now
from its_core.storage import scheme

NAMESPACE = "its-accident-factory"
PARENT_VARIABLE = "OPENLINEAGE_PARENT_ID"
_PRODUCER = f"urn:{NAMESPACE}:{__version__}"
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_PACKAGES = ("av", "great_expectations", "numpy", "panda3d", "pandas", "prefect", "pyarrow", "torch")


@attr.define
class CodeRunFacet(RunFacet):
    """Versions of the code, of Python and of the packages; host and login only where asked for."""

    version: str = ""
    python: str = ""
    packages: dict[str, str] = attr.field(factory=dict)
    host: str | None = None
    user: str | None = None

    @staticmethod
    def _get_schema() -> str:
        return f"urn:{NAMESPACE}:facets:CodeRunFacet:1"


@attr.define
class ConfigurationJobFacet(JobFacet):
    """The resolved definition and the engine's identity, without secrets."""

    definition: dict[str, Any] = attr.field(factory=dict)
    engine: dict[str, Any] = attr.field(factory=dict)

    @staticmethod
    def _get_schema() -> str:
        return f"urn:{NAMESPACE}:facets:ConfigurationJobFacet:1"


@attr.define
class CountsDatasetFacet(DatasetFacet):
    """Clips by split, rejected rows and failed clips."""

    counts: dict[str, int] = attr.field(factory=dict)

    @staticmethod
    def _get_schema() -> str:
        return f"urn:{NAMESPACE}:facets:CountsDatasetFacet:1"


@dataclass(frozen=True, slots=True)
class Output:
    """A published version, for the COMPLETE event.

    ``checks`` are Great Expectations' results; ``counts`` clips by split, rejected rows and failed clips.
    """

    dataset: str
    version: str
    url: str
    columns: pa.Schema
    clips: int
    size_bytes: int
    counts: Mapping[str, int]
    checks: Mapping[str, Any]


def start(run_id: str, dataset: str) -> ol.RunEvent:
    return ol.RunEvent(
        eventType=ol.RunState.START,
        eventTime=utc_now(),
        producer=_PRODUCER,
        run=_run(run_id, {"its_code": _code(names_machine=False), "processing_engine": _engine_facet()}),
        job=_job(dataset),
    )


def fail(run_id: str, dataset: str, message: str) -> ol.RunEvent:
    plain = str(without_local_paths(without_secrets(message)))
    error = error_message_run.ErrorMessageRunFacet(message=plain, programmingLanguage="python", producer=_PRODUCER)
    return ol.RunEvent(
        eventType=ol.RunState.FAIL,
        eventTime=utc_now(),
        producer=_PRODUCER,
        run=_run(run_id, {"errorMessage": error, "its_code": _code(names_machine=False)}),
        job=_job(dataset),
    )


def complete(run: Run, output: Output) -> ol.RunEvent:
    engine = asdict(run.engine) | {"reads": sorted(run.engine.reads)}
    definition, engine = without_secrets(dict(run.config)), without_secrets(engine)
    if not run.names_machine:
        definition, engine = without_local_paths(definition), without_local_paths(engine)
    times = nominal_time_run.NominalTimeRunFacet(
        nominalStartTime=run.started_at.replace(" ", "T"), nominalEndTime=utc_now(), producer=_PRODUCER
    )
    inputs = [_manifest(file, run.names_machine) for file in run.manifest]
    if run.engine.weights_sha256 is not None:
        version = dataset_version_dataset.DatasetVersionDatasetFacet(run.engine.weights_sha256, producer=_PRODUCER)
        inputs.append(
            ol.InputDataset(namespace=NAMESPACE, name=f"weights/{run.engine.name}", facets={"version": version})
        )
    return ol.RunEvent(
        eventType=ol.RunState.COMPLETE,
        eventTime=utc_now(),
        producer=_PRODUCER,
        run=_run(
            run.run_id,
            {"nominalTime": times, "processing_engine": _engine_facet(), "its_code": _code(run.names_machine)},
        ),
        job=_job(output.dataset, {"its_configuration": ConfigurationJobFacet(definition, engine, producer=_PRODUCER)}),
        inputs=inputs,
        outputs=[_output(output, run.names_machine)],
    )


def as_dict(event: ol.RunEvent) -> dict[str, Any]:
    """The event as JSON values."""
    return Serde.to_dict(event)


def _run(run_id: str, facets: Mapping[str, RunFacet]) -> ol.Run:
    """The run, with the parent that ``OPENLINEAGE_PARENT_ID`` (``namespace/job/run id``) names."""
    namespace, _, job_and_run = os.environ.get(PARENT_VARIABLE, "").partition("/")
    job, _, parent_id = job_and_run.rpartition("/")
    if not (namespace and job and _UUID.fullmatch(parent_id)):
        return ol.Run(run_id, dict(facets))
    parent = parent_run.ParentRunFacet(
        run=parent_run.Run(runId=parent_id), job=parent_run.Job(namespace=namespace, name=job), producer=_PRODUCER
    )
    return ol.Run(run_id, {**facets, "parent": parent})


def _job(dataset: str, facets: Mapping[str, JobFacet] | None = None) -> ol.Job:
    kind = job_type_job.JobTypeJobFacet(processingType="BATCH", integration="ITS", jobType="BUILD", producer=_PRODUCER)
    return ol.Job(NAMESPACE, f"build-dataset.{dataset}", {"jobType": kind, **(facets or {})})


def _engine_facet() -> RunFacet:
    return processing_engine_run.ProcessingEngineRunFacet(
        version=__version__,
        name=NAMESPACE,
        openlineageAdapterVersion=metadata.version("openlineage-python"),
        producer=_PRODUCER,
    )


def _code(names_machine: bool) -> CodeRunFacet:
    return CodeRunFacet(
        version=code_version(),
        python=platform.python_version(),
        packages=package_versions(_PACKAGES),
        host=socket.gethostname() if names_machine else None,
        user=_user() if names_machine else None,
        producer=_PRODUCER,
    )


def _manifest(file: ManifestFile, names_machine: bool) -> ol.InputDataset:
    namespace, name = _named(file.url, names_machine)
    return ol.InputDataset(
        namespace=namespace,
        name=name,
        facets={"version": dataset_version_dataset.DatasetVersionDatasetFacet(file.sha256, producer=_PRODUCER)},
        inputFacets={
            "inputStatistics": input_statistics_input_dataset.InputStatisticsInputDatasetFacet(
                size=file.size_bytes, fileCount=1, producer=_PRODUCER
            )
        },
    )


def _output(output: Output, names_machine: bool) -> ol.OutputDataset:
    namespace, name = _named(output.url, names_machine)
    if namespace == "file" and not names_machine:
        name = output.dataset
    fields = [
        schema_dataset.SchemaDatasetFacetFields(
            name=column.name,
            type=str(column.type),
            description=str((column.metadata or {}).get(b"description", b""), "utf-8"),
        )
        for column in output.columns
    ]
    return ol.OutputDataset(
        namespace=namespace,
        name=name,
        facets={
            "schema": schema_dataset.SchemaDatasetFacet(fields=fields, producer=_PRODUCER),
            "version": dataset_version_dataset.DatasetVersionDatasetFacet(output.version, producer=_PRODUCER),
            "dataQualityAssertions": _assertions(output.checks),
            "its_counts": CountsDatasetFacet(dict(output.counts), producer=_PRODUCER),
        },
        outputFacets={
            "outputStatistics": output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
                rowCount=output.clips, size=output.size_bytes, fileCount=output.clips, producer=_PRODUCER
            )
        },
    )


def _assertions(checks: Mapping[str, Any]) -> DatasetFacet:
    """The specification has this facet for inputs; a dataset may carry any facet."""
    made = [
        data_quality_assertions_dataset.Assertion(
            assertion=result["expectation_config"]["type"],
            success=bool(result["success"]),
            column=result["expectation_config"]["kwargs"].get("column"),
        )
        for result in checks.get("results", ())
    ]
    facet = data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet(assertions=made, producer=_PRODUCER)
    return cast(DatasetFacet, facet)


def _named(url: str, names_machine: bool) -> tuple[str, str]:
    """OpenLineage's namespace and name of a file: ``s3://bucket`` and the key, or ``file`` and the path."""
    plain = str(without_secrets(url))
    if (kind := scheme(url)) != "file":
        bucket, _, key = plain.partition("://")[2].rpartition("@")[2].partition("/")
        return f"{kind}://{bucket}", key
    return "file", plain if names_machine else plain.replace("\\", "/").rpartition("/")[2]


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return "unknown"
