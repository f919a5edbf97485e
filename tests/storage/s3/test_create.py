"""Claiming a name: one of all that try gets it, or none where the server cannot tell."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from its_core import storage

RACERS = 16


@pytest.fixture(params=["disk", "S3"])
def place(request, tmp_path):
    return str(tmp_path / "new") if request.param == "disk" else request.getfixturevalue("s3").bucket


def test_one_of_sixteen_wins(place):
    url = f"{place}/claim"
    start = threading.Barrier(RACERS)

    def race(number: int) -> bool:
        start.wait()
        return storage.create(url, f"racer {number}".encode())

    with ThreadPoolExecutor(RACERS) as pool:
        won = list(pool.map(race, range(RACERS)))
    assert sum(won) == 1
    assert storage.read_bytes(url) == f"racer {won.index(True)}".encode()
    assert storage.list_folder(place) == ["claim"]


def test_a_taken_name_stays_as_it_is(place):
    storage.write_bytes(f"{place}/claim", b"first")
    assert not storage.create(f"{place}/claim", b"first")
    assert storage.read_bytes(f"{place}/claim") == b"first"


def test_a_claim_whose_answer_was_lost_is_ours(s3):
    storage.create(f"{s3.bucket}/probed", b"")
    s3.proxy.drop_answer(methods=("PUT",))
    assert storage.create(f"{s3.bucket}/claim", b"ours")
    s3.proxy.drop_answer(methods=("PUT",))
    assert not storage.create(f"{s3.bucket}/claim", b"ours")


def test_a_conflict_with_another_claim_is_tried_again(s3):
    storage.create(f"{s3.bucket}/probed", b"")
    s3.proxy.answer(409, "ConditionalRequestConflict", times=1)
    assert storage.create(f"{s3.bucket}/claim", b"")


def test_a_server_that_ignores_the_condition_is_refused(s3):
    s3.proxy.ignore_conditions = True
    for _ in range(2):
        with pytest.raises(storage.ConditionalPutIgnored, match=r"/claim: the server ignores conditional writes"):
            storage.create(f"{s3.bucket}/claim", b"")
    assert storage.list_folder(s3.bucket) == []


def test_a_server_that_does_not_know_the_condition_is_refused(s3):
    s3.proxy.answer(501, "NotImplemented", times=1, methods=("PUT",))
    with pytest.raises(storage.ConditionalPutIgnored):
        storage.create(f"{s3.bucket}/claim", b"")


def test_a_server_is_probed_once(s3):
    storage.create(f"{s3.bucket}/a", b"")
    before = s3.proxy.count("PUT")
    storage.create(f"{s3.bucket}/b", b"")
    assert (before, s3.proxy.count("PUT")) == (3, 4)
