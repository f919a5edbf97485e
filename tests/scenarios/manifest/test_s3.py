"""Manifests and images on S3, against a server of its own over HTTP."""

import os
from pathlib import Path

import pytest

from its_core import storage
from its_core.scenarios.manifest import ManifestError, parquet
from its_core.scenarios.manifest.input_files import InputChecker, forget_inputs
from its_core.storage.input_cache import InputCache
from tests.scenarios.manifest.manifests import batches, read, row, write
from tests.scenarios.manifest.pictures import picture

PASSWORD = "kept-to-itself"
TWO_ROWS = [row("a-1"), row("a-2")]


def manifest(s3, tmp_path, key, rows):
    storage.upload(write(tmp_path / "local.parquet", rows), f"{s3.bucket}/{key}")


def image(s3, tmp_path, key, size=(640, 360)):
    storage.upload(picture(tmp_path / "local.png", size), f"{s3.bucket}/{key}")
    return f"{s3.bucket}/{key}"


@pytest.mark.parametrize("where", ["many/a.parquet", "many", "many/", "many/*.parquet", "m*/[ab].parquet"])
def test_a_manifest_on_s3_is_read(tmp_path, s3, where):
    manifest(s3, tmp_path, "many/a.parquet", [row("a-1", note="x"), row("a-2", light="noon")])
    manifest(s3, tmp_path, "many/b.parquet", [row("b-1"), row("a-1")])
    manifest(s3, tmp_path, "many/_old/b.parquet", [row("old")])
    scenarios, rejections = read(f"{s3.bucket}/{where}", tmp_path)
    whole = "/a.parquet" not in where
    assert [each.scenario_id for each in scenarios] == ["a-1", *["b-1"] * whole]
    assert [(each.row, each.column) for each in rejections] == [(1, "light"), *[(3, "scenario_id")] * whole]


@pytest.mark.parametrize("where", ["{}/none.parquet", "{}/none/*.parquet", "{}/none/", "s3://no-such-bucket/m.parquet"])
def test_a_manifest_that_is_not_there_stops_with_one_line(tmp_path, s3, where):
    url = where.format(s3.bucket)
    with pytest.raises(ManifestError) as stopped:
        read(url, tmp_path)
    assert url.partition("*")[0] in str(stopped.value) and "\n" not in str(stopped.value)


def test_a_manifest_is_fetched_once_and_read_as_it_was(tmp_path, s3):
    manifest(s3, tmp_path, "m/a.parquet", TWO_ROWS)
    manifest(s3, tmp_path, "m/b.parquet", [row("b-1")])
    with parquet.files(f"{s3.bucket}/m") as files:
        rows = parquet.rows(files, batch_rows=1)
        seen = [next(rows).table.num_rows]
        manifest(s3, tmp_path, "m/b.parquet", [row("new")])
        storage.remove_tree(f"{s3.bucket}/m/a.parquet")
        tables = [each.table for each in rows]
    assert [*seen, *(table.num_rows for table in tables)] == [1, 1, 1]
    assert tables[-1].column("scenario_id").to_pylist() == ["b-1"]
    fetched = [each for each in s3.proxy.requests if each.method == "GET" and "list-type" not in each.path]
    assert len(fetched) == 2


def test_a_manifest_that_changes_while_it_is_fetched_is_refused(tmp_path, s3, monkeypatch):
    manifest(s3, tmp_path, "m/a.parquet", TWO_ROWS)
    fetch = InputCache.fetch

    def and_another_is_added(self, url, *arguments):
        path = fetch(self, url, *arguments)
        manifest(s3, tmp_path, "m/b.parquet", [row("b-1")])
        return path

    monkeypatch.setattr(InputCache, "fetch", and_another_is_added)
    with pytest.raises(storage.Changed, match="/m: "):
        read(f"{s3.bucket}/m", tmp_path)


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "HTTP_PROXY"])
def test_no_password_of_the_endpoint_or_the_proxy_is_told(tmp_path, s3, monkeypatch, caplog, variable):
    path = write(tmp_path / "m.parquet", [row(input_image=f"{s3.bucket}/a.png")])
    monkeypatch.setenv(variable, f"http://user:{PASSWORD}@127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(storage.Unreachable, match=r"m\.parquet: the ") as stopped:
        read(f"{s3.bucket}/m.parquet", tmp_path)
    with pytest.raises(storage.Unreachable, match=r"a\.png: the ") as undecided:
        batches(path, tmp_path, allowed_inputs=[s3.bucket])
    for each in (stopped.value, undecided.value):
        assert each.__context__ is None and each.__cause__ is None
        assert PASSWORD not in str(each) + caplog.text and "\n" not in str(each)


def test_no_password_of_a_url_is_told(tmp_path, s3):
    for url in (f"s3://key:{PASSWORD}@bucket/m.parquet", f"https://key:{PASSWORD}@host/m.parquet?signature={PASSWORD}"):
        with pytest.raises((ManifestError, storage.StorageError), match=r"m\.parquet") as stopped:
            read(url, tmp_path)
        assert PASSWORD not in str(stopped.value)
        path = write(tmp_path / "m.parquet", [row(input_image=url)])
        _, (rejection,) = read(path, tmp_path, allowed_inputs=[s3.bucket])
        assert PASSWORD not in f"{rejection.reason} {rejection.value}"


def test_images_are_fetched_once_a_machine_and_again_when_they_change(tmp_path, s3):
    url = image(s3, tmp_path, "frames/a.png")
    folder = tmp_path / "inputs"

    def check(given: str, folder: Path = folder):
        return InputChecker(f"{s3.bucket}/frames", [s3.bucket], folder).check([given])[given]

    before = s3.proxy.count("GET")
    first = check("a.png")
    other = check(url, tmp_path / "other build")
    assert check(url) == first and other.sha256 == first.sha256
    assert s3.proxy.count("GET") == before + 1
    image(s3, tmp_path, "frames/a.png", (320, 180))
    second = check("a.png")
    assert second.sha256 != first.sha256
    assert sorted(folder.iterdir()) == sorted([Path(first.path), Path(second.path)])


def test_inputs_outlive_the_cache_and_are_fetched_anew_when_they_are_gone(tmp_path, s3, monkeypatch):
    urls = [image(s3, tmp_path, f"{name}.png", (640 + number, 360)) for number, name in enumerate("abc")]
    size = (tmp_path / "local.png").stat().st_size
    monkeypatch.setenv("ITS_CACHE_BYTES", str(2 * size))  # less than the inputs of one build
    checker = InputChecker(s3.bucket, [s3.bucket], tmp_path / "inputs")
    found = [each for url in urls for each in checker.check([url]).values()]
    kept = list(Path(os.environ["ITS_CACHE"], "objects").iterdir())
    assert len(kept) < 3 == len({Path(each.path).read_bytes() for each in found})
    for path in [*kept, *(Path(each.path) for each in found)]:
        path.unlink()
    again = InputChecker(s3.bucket, [s3.bucket], tmp_path / "inputs").check(urls[:2])
    assert [again[url] for url in urls[:2]] == found[:2]
    assert all(Path(each.path).is_file() for each in found[:2])


def test_images_on_s3_that_cannot_be_used_are_rejected(tmp_path, s3):
    for name, body in (("text.png", b"hello"), ("text.txt", b"hello"), ("large.png", b"0" * (51 * 2**20))):
        storage.write_bytes(f"{s3.bucket}/frames/{name}", body)
    prefix = f"{s3.bucket}/frames"
    names = ["missing.png", "text.png", "text.txt", "large.png", "a//b.png", "ü" * 600 + ".png"]
    path = write(tmp_path / "m.parquet", [row(f"s{i}", input_image=f"{prefix}/{n}") for i, n in enumerate(names)])
    _, rejections = read(path, tmp_path, allowed_inputs=[prefix])
    assert [each.code for each in rejections] == [
        "input.missing",
        "input.unreadable",
        "input.type",
        "input.size",
        "input.outside",
        "input.outside",
    ]
    assert [each.path.rpartition("/")[2] for each in s3.proxy.requests if each.method == "GET"] == ["text.png"]


@pytest.mark.parametrize(("code", "error"), [("ExpiredToken", storage.ExpiredCredentials),
                                             ("InvalidAccessKeyId", storage.NotAuthenticated)])  # fmt: skip
def test_bad_credentials_are_no_fault_of_a_row(tmp_path, s3, code, error):
    path = write(tmp_path / "m.parquet", [row(input_image=image(s3, tmp_path, "a.png"))])
    s3.proxy.answer(403, code)
    with pytest.raises(error):
        read(path, tmp_path, allowed_inputs=[s3.bucket])
    s3.proxy.reset()
    s3.proxy.answer(403, "AccessDenied")
    _, (rejection,) = read(path, tmp_path, allowed_inputs=[s3.bucket])
    assert rejection.code == "input.denied"


def test_a_name_that_the_server_refuses_is_a_fault_of_its_row(tmp_path, s3):
    path = write(tmp_path / "m.parquet", [row(input_image=image(s3, tmp_path, "a.png"))])
    s3.proxy.answer(400, "XMinioInvalidObjectName")
    _, (rejection,) = read(path, tmp_path, allowed_inputs=[s3.bucket])
    assert rejection.code == "input.missing"


def test_inputs_that_no_clip_needs_any_more_are_removed(tmp_path, s3):
    found = InputChecker(s3.bucket, [s3.bucket], tmp_path / "inputs")
    kept, gone = found.check([image(s3, tmp_path, "a.png"), image(s3, tmp_path, "b.png", (320, 180))]).values()
    forget_inputs(tmp_path / "inputs", [kept.path, "elsewhere/c.png", ""])
    assert Path(kept.path).exists() and not Path(gone.path).exists()
    forget_inputs(tmp_path / "none", [])


def test_local_and_remote_inputs_go_into_one_dataset(tmp_path, s3):
    url = image(s3, tmp_path, "frames/a.png")
    picture(tmp_path / "a.png", (640, 360))
    path = write(tmp_path / "m.parquet", [row("a", input_image="a.png"), row("b", input_image=url)])
    (local, remote), _ = read(path, tmp_path, allowed_inputs=[str(tmp_path), f"{s3.bucket}/frames/"])
    assert local.input_sha256 == remote.input_sha256
    assert local.input_path == str(tmp_path / "a.png") and remote.input_path.startswith(str(tmp_path / "cache"))
    assert remote.input_image == url
