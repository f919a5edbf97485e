"""Checkpoints on S3: fetched once a machine, and the same as those on a disk."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from its_core import storage
from its_core.engines.cosmos import engine
from its_core.engines.cosmos.errors import CheckpointError
from its_core.engines.cosmos.model.tiny import LORA_CHECKPOINT
from its_core.engines.cosmos.options import CosmosOptions
from its_core.storage.input_cache import InputCache
from tests.storage.server import S3

RANK = """
import sys
from its_core.engines.cosmos.options import CosmosOptions
from its_core.engines.cosmos.remote import localized
options = CosmosOptions(model_size="tiny", resolution="480", fps=10, checkpoints_dir=sys.argv[1])
with localized(options) as local:
    print(local.folders.base.stat().st_size)
"""


def options(folder: str, **changes: object) -> CosmosOptions:
    chosen = {"model_size": "tiny", "checkpoints_dir": folder} | changes
    return engine.parse_options(chosen, "480", 10)


def laid_out(s3: S3, folder: Path) -> str:
    root = f"{s3.bucket}/weights"
    files = [path for path in folder.rglob("*") if path.is_file()]
    storage.upload_many((path, f"{root}/{path.relative_to(folder).as_posix()}") for path in files)
    s3.proxy.reset()
    return root


def got(s3: S3) -> list[str]:
    """Objects that were read, each as often as it was."""
    fetched = [r.path for r in s3.proxy.requests if r.method == "GET" and "list-type" not in r.path]
    return sorted(path.partition("/weights/")[2].partition("?")[0] for path in fetched)


def test_weights_on_s3_name_the_same_clips_and_are_fetched_once(s3: S3, tiny_folder: Path) -> None:
    root = laid_out(s3, tiny_folder)
    here, there = options(str(tiny_folder)), options(root)

    assert engine.identity(there) == engine.identity(here)

    once = got(s3)
    assert len(once) == len(set(once)) > 3
    assert not any("720p" in name or "posttraining" in name for name in once)  # only what these options need
    assert engine.identity(there) == engine.identity(here)
    assert got(s3) == once


def test_a_lora_on_s3_is_the_one_on_disk(s3: S3, tiny_folder: Path) -> None:
    lora = {"use_lora": True, "dit_path": str(tiny_folder / LORA_CHECKPOINT)}
    root = laid_out(s3, tiny_folder)
    remote = options(root, use_lora=True, dit_path=f"{root}/{LORA_CHECKPOINT.as_posix()}")

    assert engine.identity(remote) == engine.identity(options(str(tiny_folder), **lora))


def test_the_trainers_settings_come_along_with_a_lora_on_s3(s3: S3, tiny_folder: Path) -> None:
    root = laid_out(s3, tiny_folder)
    storage.write_bytes(f"{root}/{LORA_CHECKPOINT.parents[2].as_posix()}/config.yaml", b"lora_rank: 99\n")
    remote = options(root, use_lora=True, dit_path=f"{root}/{LORA_CHECKPOINT.as_posix()}")
    with pytest.raises(CheckpointError, match="trained with lora_rank 99"):
        engine.identity(remote)


def test_ranks_that_start_at_once_fetch_once(s3: S3, tiny_folder: Path) -> None:
    root = laid_out(s3, tiny_folder)
    s3.proxy.delay(0.05, times=1000, methods=("GET",))
    command = [sys.executable, "-c", RANK, root]
    ranks = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]

    sizes = [int(rank.communicate()[0]) for rank in ranks]

    assert sizes[0] == sizes[1] > 0
    assert len(got(s3)) == len(set(got(s3)))
    cache = Path(os.environ["ITS_CACHE"])
    assert [list((cache / name).iterdir()) for name in ("sessions", "views")] == [[], []]


def test_an_engine_keeps_its_weights_until_it_is_closed(s3: S3, tiny_folder: Path) -> None:
    loaded = engine.load(options(laid_out(s3, tiny_folder)))
    sessions = Path(os.environ["ITS_CACHE"], "sessions")
    assert len(list(sessions.iterdir())) == 1
    loaded.close()
    assert list(sessions.iterdir()) == []


def test_a_launch_brings_the_weights_that_its_options_name(s3: S3, tiny_folder: Path) -> None:
    chosen = options(laid_out(s3, tiny_folder))
    with engine.localize_weights(chosen):
        assert "nvidia/Cosmos-Predict2-tiny-Video2World/model-480p-10fps.pt" in got(s3)


def test_a_part_that_is_not_there_is_named(s3: S3, tiny_folder: Path) -> None:
    root = laid_out(s3, tiny_folder)
    storage.remove_tree(f"{root}/google-t5")
    with pytest.raises(CheckpointError, match=rf"^{root}/google-t5/t5-11b: no such checkpoint file or folder$"):
        engine.identity(options(root))
    with pytest.raises(CheckpointError, match=r"/none\.pt: no such checkpoint file or folder$"):
        engine.identity(options(str(tiny_folder), dit_path=f"{root}/none.pt"))
    s3.proxy.answer(403, "AccessDenied")
    with pytest.raises(storage.Denied):
        engine.identity(options(root))


def test_no_object_gets_out_of_its_folder(s3: S3, tmp_path: Path) -> None:
    storage.write_bytes(f"{s3.bucket}/weights/a/../../../stray", b"x")
    with InputCache(tmp_path, 1000) as cache, pytest.raises(storage.StorageError, match="no file on a disk"):
        cache.fetch_below(f"{s3.bucket}/weights", "a")
