"""Many files to S3: all there, each verified, none sent twice."""

import threading

import pytest

from its_core import storage
from its_core.storage.s3 import client as s3_client
from its_core.storage.s3 import objects as its_s3

PART_BYTES = 5 * 2**20  # the least that S3 takes


@pytest.fixture
def files(tmp_path):
    """Files of many sizes; the last needs three parts of PART_BYTES."""
    sizes = [0, 1, 1000, 65_537, 2 * PART_BYTES + 5]
    paths = [tmp_path / f"{size}.mp4" for size in sizes]
    for path, size in zip(paths, sizes, strict=True):
        path.write_bytes((b"%d " % size * size)[:size])
    return paths


@pytest.fixture
def pairs(files, s3, monkeypatch):
    monkeypatch.setattr(its_s3, "PART_BYTES", PART_BYTES)
    return [(path, f"{s3.bucket}/clips/{path.name}") for path in files]


def test_every_file_arrives_whole(pairs, s3):
    done = []
    assert storage.upload_many(iter(pairs), at_once=3, on_done=done.append) == len(pairs)
    assert sorted(done) == sorted(url for _, url in pairs)
    for path, url in pairs:
        assert storage.read_bytes(url) == path.read_bytes()
        found = its_s3.head(url)
        assert found.size_bytes == path.stat().st_size
        assert found.sha256
        assert found.md5
    assert sum("partNumber" in request.path for request in s3.proxy.requests) == 3


def test_what_is_there_is_not_sent_again(pairs, s3):
    storage.upload_many(pairs)
    pairs[1][0].write_bytes(b"2")  # the same size
    s3.proxy.requests.clear()
    assert storage.upload_many(pairs) == 1
    assert [request.path.rpartition("/")[2] for request in s3.proxy.requests if request.method == "PUT"] == ["1.mp4"]
    assert storage.read_bytes(pairs[1][1]) == b"2"


def test_it_goes_on_after_a_failure(pairs, s3):
    s3.proxy.answer(403, "AccessDenied", times=1, methods=("PUT",))
    done = []
    with pytest.raises(storage.Denied):
        storage.upload_many(pairs, at_once=1, on_done=done.append)
    assert len(done) < len(pairs)
    storage.upload_many(pairs)
    for path, url in pairs:
        assert storage.read_bytes(url) == path.read_bytes()


@pytest.mark.parametrize("fault", ["drop", "drop_answer"])
def test_broken_connections_lose_nothing(pairs, s3, fault):
    getattr(s3.proxy, fault)(times=3, methods=("PUT", "POST"))
    assert storage.upload_many(pairs) == len(pairs)
    for path, url in pairs:
        assert storage.read_bytes(url) == path.read_bytes()


def test_the_end_of_parts_whose_answer_was_lost(pairs, s3, monkeypatch):
    storage.upload_many(pairs[:1])
    ends = 0
    plain = s3.proxy.forward

    def forward_all_but_one_answer(request):
        nonlocal ends
        if request.method != "POST" or "uploadId" not in request.path:
            return plain(request)
        ends += 1
        if ends > 1:
            error = b"<Error><Code>NoSuchUpload</Code></Error>"
            return 404, [("Content-Length", str(len(error)))], error
        plain(request)
        raise ConnectionResetError

    monkeypatch.setattr(s3.proxy, "forward", forward_all_but_one_answer)
    storage.upload(*pairs[-1])
    assert ends == 2
    assert storage.read_bytes(pairs[-1][1]) == pairs[-1][0].read_bytes()


@pytest.mark.parametrize("index", [2, 4])
def test_what_was_damaged_on_the_way_is_noticed(pairs, s3, index):
    s3.proxy.corrupt(methods=("PUT",))
    with pytest.raises(storage.Damaged, match=r"differs from the file that was sent \(other (MD5|SHA-256)\)"):
        storage.upload(*pairs[index])
    storage.upload(*pairs[index])
    assert storage.read_bytes(pairs[index][1]) == pairs[index][0].read_bytes()


def test_a_failed_upload_leaves_no_parts(pairs, s3, monkeypatch):
    plain = s3.proxy.forward

    def refuse_the_third_part(request):
        if "partNumber=3" in request.path:
            return 403, [("Content-Length", "0")], b""
        return plain(request)

    with monkeypatch.context() as patch, pytest.raises(storage.Denied):
        patch.setattr(s3.proxy, "forward", refuse_the_third_part)
        storage.upload(*pairs[-1])
    assert not storage.exists(pairs[-1][1])
    assert s3_client.call("list_multipart_uploads", s3.bucket).get("Uploads", []) == []


def test_very_many_pairs_are_taken_as_they_are_needed(s3, tmp_path):
    (tmp_path / "clip").write_bytes(b"clip")
    taken, begun = [], threading.Event()

    def endless():
        for number in range(10**9):
            taken.append(number)
            yield tmp_path / "clip", f"{s3.bucket}/{number}"

    def stop_at_the_third(_url):
        if begun.is_set():
            raise KeyboardInterrupt
        begun.set()

    with pytest.raises(KeyboardInterrupt):
        storage.upload_many(endless(), at_once=2, on_done=stop_at_the_third)
    assert len(taken) < 12


def test_on_a_disk_files_are_linked(files, tmp_path):
    done = []
    pairs = [(path, str(tmp_path / "out" / path.name)) for path in files]
    storage.upload_many(pairs, on_done=done.append)
    assert sorted(done) == sorted(url for _, url in pairs)
    assert all(storage.local_path(url).samefile(path) for path, url in pairs)
