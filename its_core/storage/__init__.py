"""Every path a URL: local files and ``s3://`` behind the same few verbs.

Only this package asks whether a URL is local. S3 is reached through botocore, which reads the usual AWS variables
(``AWS_ENDPOINT_URL``, ``AWS_PROFILE``, ``AWS_REGION``, ``AWS_CA_BUNDLE`` …).
"""

from its_core.storage.atomic import link_or_copy, replacing, room_for, sha256_file
from its_core.storage.digests import sha256_remembered
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
    UnusableUrl,
    shown,
)
from its_core.storage.listing import Stat, exists, find, glob, is_folder, is_glob, list_folder, split_glob, stat
from its_core.storage.locks import Busy, exclusive, holder
from its_core.storage.preflight import check_writable
from its_core.storage.transfers import download, upload, upload_many
from its_core.storage.urls import can_rename, contains, is_absolute, join, local_path, resolve, scheme, split
from its_core.storage.verbs import age_s, create, open_input, read_bytes, remove_tree, sha256, write_bytes

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
    "Stat",
    "StorageError",
    "Unreachable",
    "UnusableUrl",
    "age_s",
    "can_rename",
    "check_writable",
    "contains",
    "create",
    "download",
    "exclusive",
    "exists",
    "find",
    "glob",
    "holder",
    "is_absolute",
    "is_folder",
    "is_glob",
    "join",
    "link_or_copy",
    "list_folder",
    "local_path",
    "open_input",
    "read_bytes",
    "remove_tree",
    "replacing",
    "resolve",
    "room_for",
    "scheme",
    "sha256",
    "sha256_file",
    "sha256_remembered",
    "shown",
    "split",
    "split_glob",
    "stat",
    "upload",
    "upload_many",
    "write_bytes",
]
