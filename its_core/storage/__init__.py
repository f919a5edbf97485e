"""Every path a URL: local files and ``s3://`` behind the same few verbs.

S3 is reached through s3fs, which reads the usual AWS variables (``AWS_ENDPOINT_URL``, ``AWS_PROFILE``, ``AWS_REGION``,
``AWS_CA_BUNDLE`` …).
"""

from its_core.storage.atomic import link_or_copy, replacing, room_for, sha256_file
from its_core.storage.errors import (
    Changed,
    ConditionalPutIgnored,
    Damaged,
    Denied,
    DiskFull,
    ExpiredCredentials,
    NotAuthenticated,
    NotThere,
    StorageError,
    Unreachable,
)
from its_core.storage.locks import Busy, exclusive, holder
from its_core.storage.transfers import download, upload, upload_many
from its_core.storage.urls import is_local, join, local_path, resolve
from its_core.storage.verbs import create, exists, list_folder, read_bytes, remove_tree, sizes_bytes, write_bytes

__all__ = [
    "Busy",
    "Changed",
    "ConditionalPutIgnored",
    "Damaged",
    "Denied",
    "DiskFull",
    "ExpiredCredentials",
    "NotAuthenticated",
    "NotThere",
    "StorageError",
    "Unreachable",
    "create",
    "download",
    "exclusive",
    "exists",
    "holder",
    "is_local",
    "join",
    "link_or_copy",
    "list_folder",
    "local_path",
    "read_bytes",
    "remove_tree",
    "replacing",
    "resolve",
    "room_for",
    "sha256_file",
    "sizes_bytes",
    "upload",
    "upload_many",
    "write_bytes",
]
