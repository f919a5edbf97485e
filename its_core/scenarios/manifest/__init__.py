"""Scenario manifests: Parquet rows in, checked scenarios and rejections out."""

from its_core.scenarios.manifest.rows import Batch, read, write_rejections
from its_core.scenarios.scenario import ManifestError, Rejection, Scenario

__all__ = ["Batch", "ManifestError", "Rejection", "Scenario", "read", "write_rejections"]
