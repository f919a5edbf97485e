"""Manifests and images on S3, against a server of its own over HTTP."""

import logging

import boto3
import fsspec
import pytest
from manifests import batches, read, row, write
from moto.server import ThreadedMotoServer
from pictures import picture

from its_core.scenarios.images import InputChecker
from its_core.scenarios.manifest import ManifestError

SECRET = "kept-to-itself"


@pytest.fixture(scope="module")
def server():
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def bucket(server, monkeypatch, request):
    monkeypatch.setenv("AWS_ENDPOINT_URL", server)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    fsspec.filesystem("s3").clear_instance_cache()
    name = f"b{abs(hash(request.node.nodeid)) % 10**9}"
    found = boto3.resource("s3").create_bucket(
        Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    yield found
    fsspec.filesystem("s3").clear_instance_cache()


@pytest.mark.parametrize("where", ["many/a.parquet", "many", "many/", "many/*.parquet"])
def test_a_manifest_on_s3_is_read(tmp_path, bucket, where):
    write(tmp_path / "a.parquet", [row("a-1", note="x"), row("a-2", light="noon")])
    write(tmp_path / "b.parquet", [row("b-1"), row("a-1")])
    for name in ("a", "b"):
        bucket.upload_file(str(tmp_path / f"{name}.parquet"), f"many/{name}.parquet")
    scenarios, rejections = read(f"s3://{bucket.name}/{where}", tmp_path)
    whole = "a.parquet" not in where
    assert [each.scenario_id for each in scenarios] == ["a-1", *["b-1"] * whole]
    assert [(each.row, each.column) for each in rejections] == [(1, "light"), *[(3, "scenario_id")] * whole]


@pytest.mark.parametrize("where", ["s3://{}/none.parquet", "s3://{}/none/*.parquet", "s3://no-such-bucket/m.parquet"])
def test_a_manifest_that_is_not_there_stops_with_one_line(tmp_path, bucket, where):
    url = where.format(bucket.name)
    with pytest.raises(ManifestError) as stopped:
        read(url, tmp_path)
    assert url in str(stopped.value) and "\n" not in str(stopped.value) and SECRET not in str(stopped.value)


def test_a_server_that_does_not_answer_stops_with_one_line(tmp_path, bucket, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr("s3fs.core.S3FileSystem.retries", 1)
    fsspec.filesystem("s3").clear_instance_cache()
    with pytest.raises(ManifestError, match=r"m\.parquet: cannot be reached") as stopped:
        read(f"s3://{bucket.name}/m.parquet", tmp_path)
    assert SECRET not in str(stopped.value)
    path = write(tmp_path / "m.parquet", [row(input_image=f"s3://{bucket.name}/a.png")])
    with pytest.raises(ManifestError, match=r"a\.png: cannot be fetched"):
        batches(path, tmp_path, allowed_inputs=[f"s3://{bucket.name}"])


def test_images_are_fetched_once_and_again_when_they_change(tmp_path, bucket):
    bucket.upload_file(str(picture(tmp_path / "a.png")), "frames/a.png")
    base, cache = f"s3://{bucket.name}/frames", tmp_path / "cache"

    def check(given: str):
        return InputChecker(base, [base], cache).check([given])[given]

    first = check("a.png")
    assert check(f"{base}/a.png") == first
    assert [str(each) for each in cache.iterdir()] == [first.path]
    bucket.upload_file(str(picture(tmp_path / "b.png", (320, 180))), "frames/a.png")
    second = check("a.png")
    assert second.sha256 != first.sha256 and second.path != first.path
    assert len(list(cache.iterdir())) == 2


def test_images_on_s3_that_cannot_be_used_are_rejected(tmp_path, bucket):
    bucket.put_object(Key="frames/text.png", Body=b"hello")
    bucket.put_object(Key="frames/text.txt", Body=b"hello")
    bucket.put_object(Key="frames/large.png", Body=b"0" * (51 * 2**20))
    prefix = f"s3://{bucket.name}/frames"
    names = ["missing.png", "text.png", "text.txt", "large.png"]
    path = write(tmp_path / "m.parquet", [row(f"s{i}", input_image=f"{prefix}/{n}") for i, n in enumerate(names)])
    _, rejections = read(path, tmp_path, allowed_inputs=[prefix])
    assert [each.reason for each in rejections] == [
        "does not exist",
        "is not a PNG, JPEG or WebP image",
        "is a .txt; use png, jpg, jpeg, webp or mp4",
        "has 51.0 MiB; at most 50 are read",
    ]


def test_local_and_remote_inputs_go_into_one_dataset(tmp_path, bucket):
    bucket.upload_file(str(picture(tmp_path / "a.png")), "frames/a.png")
    rows = [row("a", input_image="a.png"), row("b", input_image=f"s3://{bucket.name}/frames/a.png")]
    path = write(tmp_path / "m.parquet", rows)
    (local, remote), _ = read(path, tmp_path, allowed_inputs=[str(tmp_path), f"s3://{bucket.name}/frames/"])
    assert local.input_sha256 == remote.input_sha256
    assert local.input_path == str(tmp_path / "a.png") and remote.input_path.startswith(str(tmp_path / "cache"))
    assert remote.input_image == f"s3://{bucket.name}/frames/a.png"
