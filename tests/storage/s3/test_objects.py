"""The verbs on S3, and the AWS variables that lead there."""

import datetime
import ipaddress
import os
import ssl
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from its_core import storage
from its_core.dataset.versions.lease import Lease
from tests.storage.fault_proxy import FaultProxy


def test_bytes_files_and_folders(s3, tmp_path):
    url = f"{s3.bucket}/a/b c/ü.txt"
    assert not storage.exists(url)
    storage.write_bytes(url, b"old")
    storage.write_bytes(url, b"new")
    assert storage.read_bytes(url) == b"new"
    storage.download(url, tmp_path / "deep" / "copy")
    assert (tmp_path / "deep" / "copy").read_bytes() == b"new"
    storage.upload(tmp_path / "deep" / "copy", f"{s3.bucket}/a/copy")
    assert storage.list_folder(f"{s3.bucket}/a") == storage.list_folder(f"{s3.bucket}/a/") == ["b c", "copy"]
    assert storage.list_folder(s3.bucket) == ["a"]
    assert storage.list_folder(f"{s3.bucket}/nothing") == []
    assert all(map(storage.exists, [url, f"{s3.bucket}/a", f"{s3.bucket}/a/", s3.bucket]))
    assert not storage.exists(f"{s3.bucket}/a/b")


def test_a_system_without_linuxs_own_calls_reads_and_leases(s3, tmp_path, monkeypatch):
    """macOS has neither."""
    monkeypatch.delattr(os, "posix_fallocate")
    monkeypatch.delattr(time, "CLOCK_BOOTTIME")
    storage.write_bytes(f"{s3.bucket}/clip", b"clip")
    storage.download(f"{s3.bucket}/clip", tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"clip"
    lease = Lease(f"{s3.bucket}/version", tmp_path / "lease")
    lease.renew()
    lease.release()


def test_removing_a_tree_leaves_its_neighbours(s3):
    for name in ("v1/x", "v1/deep/y", "v10/x", "v1.json"):
        storage.write_bytes(f"{s3.bucket}/{name}", b"")
    storage.remove_tree(f"{s3.bucket}/v1")
    storage.remove_tree(f"{s3.bucket}/v1.json")
    storage.remove_tree(f"{s3.bucket}/nothing")
    assert storage.list_folder(s3.bucket) == ["v10"]
    with pytest.raises(storage.StorageError, match="whole bucket"):
        storage.remove_tree(f"{s3.bucket}/")


def test_folders_of_more_than_a_page(s3, monkeypatch):
    monkeypatch.setattr("its_core.storage.s3.objects.PAGE_OBJECTS", 3)
    names = [f"{number}" for number in range(8)]
    for name in names:
        storage.write_bytes(f"{s3.bucket}/many/{name}", b"")
    assert storage.list_folder(f"{s3.bucket}/many") == names
    storage.remove_tree(f"{s3.bucket}/many")
    assert storage.list_folder(s3.bucket) == []


def test_what_is_missing_is_not_found(s3, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"/none: does not exist"):
        storage.read_bytes(f"{s3.bucket}/none")
    with pytest.raises(FileNotFoundError, match=r"/none: does not exist"):
        storage.download(f"{s3.bucket}/none", tmp_path / "none")
    with pytest.raises(FileNotFoundError, match=r"the bucket does not exist: check its name, AWS_REGION"):
        storage.write_bytes("s3://no-such-bucket/x", b"")
    assert list(tmp_path.iterdir()) == []


def test_a_large_object_comes_whole_in_ranges(s3, tmp_path, monkeypatch):
    monkeypatch.setattr("its_core.storage.s3.objects.PART_BYTES", 1000)
    content = bytes(range(256)) * 20
    storage.write_bytes(f"{s3.bucket}/large", content)
    storage.download(f"{s3.bucket}/large", tmp_path / "large")
    assert (tmp_path / "large").read_bytes() == content
    assert s3.proxy.count("GET") == 6


@pytest.mark.parametrize("url", ["s3://", "s3:///x", "s3://key:secret@bucket/x", "gs://bucket/x"])
def test_what_is_no_s3_url_is_refused(url):
    with pytest.raises(storage.UnusableUrl) as refused:
        storage.read_bytes(url)
    assert "secret" not in str(refused.value)


def test_region_and_keys_come_from_the_environment(s3, monkeypatch):
    monkeypatch.setenv("AWS_REGION", "ap-south-2")
    storage.exists(s3.bucket)
    assert "Credential=reader/" in s3.proxy.requests[-1].headers["Authorization"]
    assert "/ap-south-2/s3/" in s3.proxy.requests[-1].headers["Authorization"]


def test_a_profile_brings_its_keys_region_and_endpoint(s3, monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "aws-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "aws-credentials"))
    (tmp_path / "aws-config").write_text(f"[profile team]\nregion = sa-east-1\nendpoint_url = {s3.proxy.url}\n")
    (tmp_path / "aws-credentials").write_text("[team]\naws_access_key_id = ours\naws_secret_access_key = x\n")
    monkeypatch.setenv("AWS_PROFILE", "team")
    storage.exists(s3.bucket)
    assert "Credential=ours/" in s3.proxy.requests[-1].headers["Authorization"]
    assert "/sa-east-1/s3/" in s3.proxy.requests[-1].headers["Authorization"]
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(storage.Denied, match="profile 'nobody' is not in the AWS configuration files"):
        storage.exists(s3.bucket)


def test_without_credentials_it_says_where_they_belong(s3, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    with pytest.raises(storage.Denied, match="no credentials found: set AWS_PROFILE"):
        storage.read_bytes(f"{s3.bucket}/x")
    assert s3.proxy.requests == []


def test_the_bundle_names_who_is_trusted(s3, server_url, monkeypatch, tmp_path):
    certificate, key = _self_signed()
    (tmp_path / "both.pem").write_bytes(certificate + key)
    (tmp_path / "ca.pem").write_bytes(certificate)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "both.pem")
    with FaultProxy(server_url, tls) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
        with pytest.raises(storage.StorageError, match="not trusted: name its authority's file in AWS_CA_BUNDLE"):
            storage.write_bytes(f"{s3.bucket}/x", b"sealed")
        assert proxy.requests == []
        monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "ca.pem"))
        storage.write_bytes(f"{s3.bucket}/x", b"sealed")
        assert storage.read_bytes(f"{s3.bucket}/x") == b"sealed"


def _self_signed() -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    pem, kind = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return certificate.public_bytes(pem), key.private_bytes(pem, kind, serialization.NoEncryption())
