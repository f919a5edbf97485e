"""Scenario manifests: Parquet rows in, checked scenarios and rejections out."""

from its_core.scenarios.manifest.parquet_source import base_folder
from its_core.scenarios.manifest.rows import Batch, read, write_rejections
from its_core.scenarios.scenario import ManifestError, Rejection, Scenario

__all__ = ["Batch", "ManifestError", "Rejection", "Scenario", "base_folder", "read", "write_rejections"]
