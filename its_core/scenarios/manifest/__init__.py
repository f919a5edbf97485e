"""Scenario manifests: Parquet rows in, checked scenarios and rejections out."""

from its_core.scenarios.manifest.parquet import base_folder
from its_core.scenarios.manifest.rows import read, write_rejections
from its_core.scenarios.scenario import Batch, ManifestError, Rejection, Remark, Scenario

__all__ = ["Batch", "ManifestError", "Rejection", "Remark", "Scenario", "base_folder", "read", "write_rejections"]
