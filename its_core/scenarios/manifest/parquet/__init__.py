"""A manifest's rows: Parquet in a file, a folder or a glob, local or on S3, batch by batch."""

from its_core.scenarios.manifest.parquet.listing import Listing, base_folder, list_files
from its_core.scenarios.manifest.parquet.source import File, Rows, files, rows

__all__ = ["File", "Listing", "Rows", "base_folder", "files", "list_files", "rows"]
