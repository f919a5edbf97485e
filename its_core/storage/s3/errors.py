"""What an S3 server's or client's error means: whether trying again can help, and what to tell the person.

Messages are made of our own words, the error's code and the operation. Text of the server or of botocore never gets
into them: it can hold keys, tokens, signatures and proxies' passwords.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any

from its_core.storage.errors import (
    Changed,
    Denied,
    ExpiredCredentials,
    NotAuthenticated,
    NotThere,
    StorageError,
    Unreachable,
    Unsupported,
    shown,
)


@dataclass(frozen=True, slots=True)
class Fault:
    """A failed request.

    ``transient``: the same request may succeed later. ``reason_withheld``: the answer had no body, as every answer to
    a HEAD, so that the server could not say why.
    """

    error: StorageError
    transient: bool = False
    reason_withheld: bool = False


class Truncated(Exception):
    """An answer's body was shorter or longer than it should be."""


_TRANSIENT_CODES = {
    "BadDigest",
    "ConditionalRequestConflict",
    "IncompleteBody",
    "InternalError",
    "OperationAborted",
    "RequestTimeout",
    "ServiceUnavailable",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyRequests",
    "XAmzContentSHA256Mismatch",
}
_TRANSIENT_STATUSES = {408, 429, 500, 502, 503, 504}

_RENEW = "the session token has expired: renew the credentials ({source}) and run again"
_REFUSED = "refused: the credentials ({source}) may not {action} here"
_NO_BUCKET = "the bucket does not exist: check its name, AWS_REGION and AWS_ENDPOINT_URL"
_REGION = "the bucket is in another region: set AWS_REGION to it"
_NO_NAME = "does not exist: no object can have this name"
_NO_ROOM = "the server has no room left, or the bucket's quota is used up"

_BY_CODE: dict[str, tuple[type[StorageError], str]] = {
    "AccessDenied": (Denied, _REFUSED),
    "AllAccessDisabled": (Denied, _REFUSED),
    "AuthorizationHeaderMalformed": (StorageError, _REGION),
    "ExpiredToken": (ExpiredCredentials, _RENEW),
    "ExpiredTokenException": (ExpiredCredentials, _RENEW),
    "IllegalLocationConstraintException": (StorageError, _REGION),
    "InvalidAccessKeyId": (
        NotAuthenticated,
        "the server does not know the access key: check {source} and AWS_ENDPOINT_URL",
    ),
    "InvalidBucketName": (StorageError, "no bucket can have this name"),
    "InvalidToken": (NotAuthenticated, "the session token is not valid: renew the credentials ({source})"),
    "InvalidURI": (NotThere, _NO_NAME),
    "KeyTooLongError": (NotThere, _NO_NAME),
    "NoSuchBucket": (NotThere, _NO_BUCKET),
    "NoSuchKey": (NotThere, "does not exist"),
    "NotImplemented": (Unsupported, "the server does not know how to {action}"),
    "PermanentRedirect": (StorageError, _REGION),
    "PreconditionFailed": (Changed, "was replaced while it was being read: run again"),
    "QuotaExceeded": (StorageError, _NO_ROOM),
    "RequestExpired": (ExpiredCredentials, _RENEW),
    "RequestTimeTooSkewed": (StorageError, "this machine's clock differs too much from the server's: set it right"),
    "SignatureDoesNotMatch": (
        NotAuthenticated,
        "the secret key does not belong to the access key: check {source}",
    ),
    "TokenRefreshRequired": (ExpiredCredentials, _RENEW),
    "XMinioInvalidObjectName": (NotThere, _NO_NAME),
    "XMinioStorageFull": (StorageError, _NO_ROOM),
}
_BY_STATUS: dict[int, tuple[type[StorageError], str]] = {
    301: _BY_CODE["PermanentRedirect"],
    401: _BY_CODE["AccessDenied"],
    403: _BY_CODE["AccessDenied"],
    404: (NotThere, "does not exist, or its bucket does not"),
    412: _BY_CODE["PreconditionFailed"],
    507: (StorageError, _NO_ROOM),
}
_ACTIONS = {
    "complete_multipart_upload": "write (s3:PutObject)",
    "create_multipart_upload": "write (s3:PutObject)",
    "delete_objects": "delete (s3:DeleteObject)",
    "get_object": "read (s3:GetObject; to be told what is missing, s3:ListBucket)",
    "head_object": "read (s3:GetObject; to be told what is missing, s3:ListBucket)",
    "list_objects_v2": "list (s3:ListBucket)",
    "put_object": "write (s3:PutObject)",
    "upload_part": "write (s3:PutObject)",
}


def diagnose(error: Exception, operation: str, url: str) -> Fault | None:
    """The fault that ``error`` stands for; None for a mistake in our own code."""
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        return _answered(response, operation, url)
    if isinstance(error, ImportError):
        return None
    from botocore import exceptions  # here, because local files need no botocore

    kind = type(error).__name__
    broken_connection = (
        exceptions.ConnectionError,
        exceptions.HTTPClientError,
        exceptions.IncompleteReadError,
        exceptions.FlexibleChecksumError,
        ConnectionError,
        Truncated,
    )
    if isinstance(error, exceptions.SSLError):
        advice = "the server's certificate is not trusted: name its authority's file in AWS_CA_BUNDLE"
        return Fault(StorageError(f"{shown(url)}: {advice}"))
    if isinstance(error, broken_connection):
        return Fault(Unreachable(f"{shown(url)}: {_connection_advice(error)} ({kind})"), transient=True)
    found = _before_asking(error, kind)
    return Fault(found[0](f"{shown(url)}: {_filled(found[1], operation)}")) if found else None


def _answered(response: dict[str, Any], operation: str, url: str) -> Fault:
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    given = response.get("Error", {}).get("Code")
    code = given if isinstance(given, str) and re.fullmatch(r"[A-Za-z0-9.]{1,64}", given) else str(status)
    if code in _TRANSIENT_CODES or (status in _TRANSIENT_STATUSES and code not in _BY_CODE):
        return Fault(Unreachable(f"{shown(url)}: the server is out of order or busy ({code})"), transient=True)
    default: tuple[type[StorageError], str] = (StorageError, f"the server refused to {operation} ({code})")
    error, text = _BY_CODE.get(code) or _BY_STATUS.get(status, default)
    withheld = operation == "head_object" and status in (400, 403)
    return Fault(error(f"{shown(url)}: {_filled(text, operation)}"), reason_withheld=withheld)


def _before_asking(error: Exception, kind: str) -> tuple[type[StorageError], str] | None:
    """Errors of the client's own settings, found before anything is sent."""
    from botocore import exceptions

    if isinstance(error, exceptions.NoCredentialsError | exceptions.PartialCredentialsError):
        return NotAuthenticated, "no credentials found: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    if isinstance(error, exceptions.SSOError | exceptions.LoginError | exceptions.TokenRetrievalError):
        return ExpiredCredentials, "the login has expired: log in again (aws sso login) with {source}"
    if isinstance(error, exceptions.CredentialRetrievalError | exceptions.MetadataRetrievalError):
        return NotAuthenticated, f"the credentials could not be fetched ({kind}): check {{source}}"
    if isinstance(error, exceptions.ProfileNotFound):
        return NotAuthenticated, "{source} is not in the AWS configuration files"
    if isinstance(error, exceptions.BotoCoreError):
        return StorageError, f"the S3 client refuses its settings ({kind}): check the AWS_ variables and the URL"
    if isinstance(error, ValueError) and str(error).startswith("Invalid endpoint"):
        return StorageError, "the endpoint is not a URL: check AWS_ENDPOINT_URL"
    return None


def _connection_advice(error: Exception) -> str:
    from botocore import exceptions

    if isinstance(error, exceptions.ProxyConnectionError):
        return "the proxy does not answer: check HTTPS_PROXY and NO_PROXY"
    if isinstance(error, exceptions.ConnectionError) and not isinstance(error, exceptions.HTTPClientError):
        return "the server cannot be reached: check the network and AWS_ENDPOINT_URL"
    return "the connection broke or the answer did not come"


def _filled(text: str, operation: str) -> str:
    profile = os.environ.get("AWS_PROFILE") or os.environ.get("AWS_DEFAULT_PROFILE")
    if os.environ.get("AWS_ACCESS_KEY_ID") and not profile:
        source = "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN"
    else:
        source = f"profile {profile!r}" if profile else "the default profile or the machine's role"
    return text.replace("{source}", source).replace("{action}", _ACTIONS.get(operation, operation))
