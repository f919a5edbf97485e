"""Slots: GPUs of their own for shards that need them, and a share of the processors for all."""

from __future__ import annotations

from pathlib import Path

import pytest

from its_core.shards import devices, main_memory, processors
from its_core.shards.devices import DevicesError, Slot


@pytest.fixture(autouse=True)
def _eight_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processors, "available", lambda: 8)


@pytest.mark.parametrize(
    ("processes", "at_once", "shards", "threads"),
    [(1, None, 8, 1), (4, None, 2, 1), (16, None, 1, 1), (1, 2, 2, 4), (2, 2, 2, 2), (1, 1, 1, 8), (1, 20, 20, 1)],
)
def test_processors_are_shared_by_all_ranks_that_run_at_once(processes, at_once, shards, threads):
    assert devices.slots(False, processes, at_once) == [Slot(None, threads)] * shards


@pytest.mark.parametrize(
    ("free_gib", "processes", "at_once", "shards"),
    [(2.2, 1, None, 2), (0.3, 1, None, 1), (64, 1, None, 8), (4.5, 2, None, 2), (2.2, 1, 5, 5)],
)
def test_as_many_shards_as_the_memory_has_room_for(monkeypatch, caplog, free_gib, processes, at_once, shards):
    monkeypatch.setattr(main_memory, "available_gib", lambda: free_gib)
    found = devices.slots(False, processes, at_once, memory_gib=1.0)
    assert found == [Slot(None, 8 // (shards * processes))] * shards
    assert (f"{free_gib:.1f} GiB" in caplog.text) is (shards < 8 // processes and at_once is None)


def test_every_shard_has_gpus_of_its_own(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2, 3,GPU-5f ,7")
    assert devices.slots(True, 1, None) == [Slot((gpu,), 2) for gpu in ("2", "3", "GPU-5f", "7")]
    assert devices.slots(True, 2, None) == [Slot(("2", "3"), 2), Slot(("GPU-5f", "7"), 2)]
    assert devices.slots(True, 3, None) == [Slot(("2", "3", "GPU-5f"), 2)]
    assert devices.slots(True, 1, 1) == [Slot(("2",), 8)]
    assert devices.slots(False, 1, 1) == [Slot(None, 8)]


@pytest.mark.parametrize(("processes", "at_once"), [(5, None), (2, 3), (1, 5)])
def test_more_gpus_than_there_are_is_an_error_that_counts(monkeypatch, processes, at_once):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2,3")
    with pytest.raises(DevicesError, match=f"need {processes * (at_once or 1)}, this machine shows 4") as raised:
        devices.slots(True, processes, at_once)
    assert raised.value.code == "devices.too_few_gpus"


@pytest.mark.parametrize("hidden", ["", "-1", " "])
def test_an_engine_without_gpus_gets_processors(monkeypatch, hidden):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
    assert devices.slots(True, 4, None) == [Slot(None, 1)] * 2


def test_gpus_are_counted_by_their_device_files(monkeypatch, tmp_path: Path):
    for name in ("nvidia0", "nvidia1", "nvidia10", "nvidiactl", "nvidia-uvm", "nvidia0x"):
        (tmp_path / name).touch()
    monkeypatch.setattr(devices, "_DEVICES", tmp_path)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert devices.visible_gpus() == ["0", "1", "2"]
