"""What looks like a secret is struck out; what only sounds like one is kept."""

import pytest

from its_core.redaction import without_secrets
from its_core.storage.errors import StorageError, shown
from its_core.storage.preflight import check_writable


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ({"secret": "s3cr3t"}, {"secret": "***"}),
        ({"aws_secret_access_key": "s3cr3t", "region": "eu"}, {"aws_secret_access_key": "***", "region": "eu"}),
        ({"options": [{"api_key": "s3cr3t"}]}, {"options": [{"api_key": "***"}]}),
        ({"token": ["s3cr3t"]}, {"token": "***"}),
        ({"credentials": {"id": "a", "key": "s3cr3t"}, "fps": 16}, {"credentials": "***", "fps": 16}),
        ({"engine.options.token.value": "s3cr3t"}, {"engine.options.token.value": "***"}),
        ({"passwd": "s3cr3t", "pwd": 1234, "auth": ["s3cr3t"]}, {"passwd": "***", "pwd": "***", "auth": "***"}),
        ({"Proxy-Authorization": "s3cr3t", "x-api-key": "s3"}, {"Proxy-Authorization": "***", "x-api-key": "***"}),
        ({"clientSecret": "s3cr3t", "AUTH_TOKEN": "s3cr3t"}, {"clientSecret": "***", "AUTH_TOKEN": "***"}),
        ({"password": None, "inputs": ("a", "b")}, {"password": None, "inputs": ("a", "b")}),
        ("https://user:s3cr3t@host/path", "https://***@host/path"),
        ("s3://AKIA:s3/cr3t+x@bucket/path", "s3://***@bucket/path"),
        ("s3://AKIA:s3@cr3t@bucket/path", "s3://***@bucket/path"),
        ("s3://bucket/cam@1/frame.png", "s3://bucket/cam@1/frame.png"),
        ("s3://arn:aws:s3:eu:1:accesspoint/x/a@b", "s3://arn:aws:s3:eu:1:accesspoint/x/a@b"),
        ({"DBPassword": "s3cr3t", "HFToken": "s3cr3t"}, {"DBPassword": "***", "HFToken": "***"}),
        ({"api_keys": ["s3cr3t"], "LLMTokens": 5}, {"api_keys": "***", "LLMTokens": 5}),
        ("https://host/path?X-Amz-Signature=s3cr3t", "https://host/path?***"),
        ({"tokenizer": "T5", "keys": 3, "question": "why?"}, {"tokenizer": "T5", "keys": 3, "question": "why?"}),
        ({"author": "A", "authority": "B", "max_tokens": 5}, {"author": "A", "authority": "B", "max_tokens": 5}),
    ],
)
def test_secrets_are_struck_out(value: object, kept: object) -> None:
    assert without_secrets(value) == kept


@pytest.mark.parametrize("url", ["s3://AKIA:s3/cr3t@bucket/path", "s3://user:s3@cr3t@bucket/path"])
def test_no_message_shows_credentials_that_were_put_into_a_url(url: str) -> None:
    assert shown(url) == "s3://…@bucket/path"
    with pytest.raises(StorageError) as refused:
        check_writable("publish_url", url)
    assert "cr3t" not in str(refused.value)
