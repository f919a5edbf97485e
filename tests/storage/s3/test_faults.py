"""Between client and server something goes wrong: patience where it helps, one clear line at once where it does not."""

import logging
import traceback

import pytest

from its_core import storage
from its_core.storage.s3 import client as s3_client
from its_core.storage.s3 import objects


def test_a_busy_server_is_asked_again(s3):
    for status, code in [
        (500, "InternalError"),
        (503, "SlowDown"),
        (503, "ServiceUnavailable"),
        (400, "RequestTimeout"),
    ]:
        s3.proxy.answer(status, code, times=1)
    storage.write_bytes(f"{s3.bucket}/x", b"there")
    assert s3.proxy.count("PUT") == 5
    assert storage.read_bytes(f"{s3.bucket}/x") == b"there"


@pytest.mark.parametrize("fault", ["drop", "drop_answer"])
def test_a_broken_connection_is_made_again(s3, fault):
    getattr(s3.proxy, fault)(times=2, methods=("PUT",))
    storage.write_bytes(f"{s3.bucket}/x", b"there")
    getattr(s3.proxy, fault)(times=2, methods=("GET",))
    assert storage.read_bytes(f"{s3.bucket}/x") == b"there"


def test_a_slow_answer_is_not_waited_for(s3, monkeypatch):
    monkeypatch.setattr(s3_client, "READ_TIMEOUT_S", 0.2)
    monkeypatch.setenv("AWS_REGION", "us-west-1")  # another connection than the one that has the longer timeout
    s3.proxy.delay(2, methods=("PUT",))
    storage.write_bytes(f"{s3.bucket}/x", b"there")
    assert s3.proxy.count("PUT") == 2


def test_a_truncated_download_is_fetched_again(s3, tmp_path):
    storage.write_bytes(f"{s3.bucket}/x", b"0123456789" * 1000)
    s3.proxy.truncate(times=2)
    storage.download(f"{s3.bucket}/x", tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == b"0123456789" * 1000
    assert s3.proxy.count("GET") == 3


def test_a_damaged_download_is_not_kept(s3, tmp_path):
    storage.write_bytes(f"{s3.bucket}/x", b"0123456789")
    s3.proxy.corrupt(methods=("GET",))
    with pytest.raises(storage.Damaged, match="what arrived is not what the server says it has"):
        storage.download(f"{s3.bucket}/x", tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


def test_an_object_that_changes_while_it_is_read_is_not_mixed(s3, tmp_path, monkeypatch):
    monkeypatch.setattr("its_core.storage.s3.objects.PART_BYTES", 10)
    storage.write_bytes(f"{s3.bucket}/x", b"a" * 20)
    found = objects.head(f"{s3.bucket}/x")
    storage.write_bytes(f"{s3.bucket}/x", b"b" * 20)
    with pytest.raises(storage.Changed, match="was replaced while it was being read: run again"):
        storage.download(f"{s3.bucket}/x", tmp_path / "x", found)
    assert list(tmp_path.iterdir()) == []


def test_patience_ends(s3, caplog):
    s3.proxy.answer(503, "SlowDown")
    with pytest.raises(storage.Unreachable, match=r"/x: the server is out of order or busy \(SlowDown\)$"):
        storage.write_bytes(f"{s3.bucket}/x", b"")
    assert s3.proxy.count("PUT") == s3_client.ATTEMPTS
    told = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(told) == s3_client.ATTEMPTS - 1
    assert all("trying again in" in each for each in told)


def test_a_server_that_is_not_there(s3, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(storage.Unreachable, match="cannot be reached: check the network and AWS_ENDPOINT_URL"):
        storage.read_bytes(f"{s3.bucket}/x")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "no url")
    with pytest.raises(storage.StorageError, match="the endpoint is not a URL: check AWS_ENDPOINT_URL"):
        storage.read_bytes(f"{s3.bucket}/x")


PERMANENT = [
    (400, "ExpiredToken", storage.ExpiredCredentials, "the session token has expired: renew the credentials"),
    (403, "AccessDenied", storage.Denied, r"refused: the credentials .* may not write \(s3:PutObject\) here"),
    (403, "InvalidAccessKeyId", storage.Denied, "the server does not know the access key: check AWS_ACCESS_KEY_ID"),
    (403, "SignatureDoesNotMatch", storage.Denied, "the secret key does not belong to the access key"),
    (403, "RequestTimeTooSkewed", storage.StorageError, "this machine's clock differs too much"),
    (404, "NoSuchBucket", FileNotFoundError, "the bucket does not exist"),
    (507, "XMinioStorageFull", storage.StorageError, "the server has no room left"),
    (400, "MetadataTooLarge", storage.StorageError, r"the server refused to put_object \(MetadataTooLarge\)"),
]


@pytest.mark.parametrize(("status", "code", "kind", "told"), PERMANENT)
def test_what_will_not_mend_is_told_at_once(s3, status, code, kind, told):
    s3.proxy.answer(status, code)
    with pytest.raises(kind, match=f"^{s3.bucket}/x: {told}"):
        storage.write_bytes(f"{s3.bucket}/x", b"")
    assert s3.proxy.count("PUT") == 1


def test_a_look_that_is_refused_without_a_reason_is_explained(s3):
    s3.proxy.answer(400, "ExpiredToken")
    with pytest.raises(storage.ExpiredCredentials, match="session token has expired"):
        storage.exists(f"{s3.bucket}/x")
    assert s3.proxy.requests[-1].method == "GET"


def test_renewed_credentials_of_a_profile_are_read(s3, monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_PROFILE", "team")
    keys = tmp_path / "aws-credentials"
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(keys))
    keys.write_text("[team]\naws_access_key_id = old\naws_secret_access_key = x\naws_session_token = old\n")
    s3.proxy.answer(400, "ExpiredToken", times=1)
    with pytest.raises(storage.ExpiredCredentials, match="renew the credentials \\(profile 'team'\\)"):
        storage.write_bytes(f"{s3.bucket}/x", b"")
    keys.write_text("[team]\naws_access_key_id = renewed\naws_secret_access_key = x\n")
    storage.write_bytes(f"{s3.bucket}/x", b"")
    assert "Credential=renewed/" in s3.proxy.requests[-1].headers["Authorization"]


FAULTS = [
    lambda s3, _: s3.proxy.answer(400, "ExpiredToken"),
    lambda s3, _: s3.proxy.answer(403, "AccessDenied"),
    lambda s3, _: s3.proxy.answer(503, "SlowDown"),
    lambda s3, _: s3.proxy.drop(times=1000),
    lambda _, patch: patch.setenv("AWS_ENDPOINT_URL", "http://planted-user:planted-password@127.0.0.1:1"),
    lambda _, patch: patch.setenv("AWS_ENDPOINT_URL", "planted-user:planted-password@127.0.0.1:1"),
    lambda _, patch: patch.setenv("HTTP_PROXY", "http://planted-user:planted-password@127.0.0.1:1"),
]


@pytest.mark.parametrize("fault", FAULTS)
def test_no_secret_is_told(s3, monkeypatch, caplog, fault):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "planted-key-id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "planted-secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "planted-token")
    monkeypatch.setattr(s3_client, "ATTEMPTS", 2)
    caplog.set_level(logging.DEBUG)
    fault(s3, monkeypatch)
    for url in (f"{s3.bucket}/x", f"{s3.bucket}/x?X-Amz-Signature=planted-signature", "s3://planted-user:planted@b/x"):
        with pytest.raises(storage.StorageError) as told:
            storage.read_bytes(url)
        assert "planted" not in "".join(traceback.format_exception(told.value))
        assert told.value.__context__ is told.value.__cause__ is None
        assert "\n" not in str(told.value)
    assert "planted" not in caplog.text
