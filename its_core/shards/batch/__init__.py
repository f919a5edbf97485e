"""The batch file of a shard: the guide's JSON array, with our keys beside its own."""

from its_core.shards.batch.batch_file import read, write
from its_core.shards.batch.entries import Defaults, job_of_entry
from its_core.shards.batch.jobs import BatchError, EngineSettings, Job
from its_core.shards.batch.outputs import refuse_overwriting

__all__ = [
    "BatchError",
    "Defaults",
    "EngineSettings",
    "Job",
    "job_of_entry",
    "read",
    "refuse_overwriting",
    "write",
]
