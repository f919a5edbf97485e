"""Fixtures of the manifest tests."""

from tests.storage.conftest import proxy, s3, server_url  # noqa: F401 (fixtures)
