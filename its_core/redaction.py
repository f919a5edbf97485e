"""Passwords, tokens and keys struck out of what is written down."""

from __future__ import annotations

import re
from typing import Any

# Whole words: "token" and not "tokenizer" or "tokens", which text models count; "auth" and not "author".
_SECRET_KEY = re.compile(
    r"(?<![a-z])(secrets?|token|passwords?|passwd|passphrase|pwd|credentials?|creds|auth|authorization|bearer|cookies?"
    r"|(api|access|account|private|signing)[_-]?keys?)(?![a-z])",
    re.IGNORECASE,
)
_NEW_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")  # in camelCase, and in HFToken
# AWS' secrets hold slashes, so a name with a colon is taken for a user up to the last @; but not an access point's ARN.
USER_IN_URL = re.compile(r"(?<=://)(?:(?!arn:)[^/\s@:]*:\S*@|[^/\s]*@)")
_QUERY_IN_URL = re.compile(r"(://[^\s?]*\?)\S+")


def without_secrets(value: Any, key: str = "") -> Any:
    """The same JSON value with passwords, tokens and keys struck out, in URLs too.

    Everything below a telling key is struck out, whatever it is. ``key`` is the value's own, dotted where it lies deep.
    """
    if value is not None and _SECRET_KEY.search(_NEW_WORD.sub("_", key)):
        return "***"
    match value:
        case dict():
            return {name: without_secrets(each, str(name)) for name, each in value.items()}
        case list():
            return [without_secrets(each) for each in value]
        case tuple():
            return tuple(without_secrets(each) for each in value)
        case str():
            return _QUERY_IN_URL.sub(r"\1***", USER_IN_URL.sub("***@", value))
        case _:
            return value
