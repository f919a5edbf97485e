"""A dataset whose manifest, frames, weights and versions all lie on S3."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from its_flows.build_dataset import build_dataset
from PIL import Image

from its_core import storage
from its_core.dataset import reader
from tests.engines.cosmos.conftest import tiny_folder  # noqa: F401 (fixture)
from tests.storage.server import S3
from tests.system.conftest import define

SECRET = "kept-to-itself-4711"


def put(folder: Path, url: str) -> None:
    files = [path for path in folder.rglob("*") if path.is_file()]
    storage.upload_many((path, f"{url}/{path.relative_to(folder).as_posix()}") for path in files)


def put_frame_and_manifest(place: S3, folder: Path) -> None:
    tiles = np.random.default_rng(5).integers(0, 255, (9, 16, 3), dtype=np.uint8)
    (folder / "frames").mkdir(parents=True)
    Image.fromarray(tiles).resize((640, 360), Image.Resampling.NEAREST).save(folder / "frames" / "north.png")
    row = {"scenario_id": "crash", "camera_id": "north", "incident_type": "rear_end_collision", "seed": 4}
    (folder / "manifest").mkdir()
    pd.DataFrame([row | {"input_image": f"{place.bucket}/frames/north.png"}]).to_parquet(folder / "manifest/a.parquet")
    for name in ("frames", "manifest"):
        put(folder / name, f"{place.bucket}/{name}")


def fetched(place: S3) -> list[str]:
    """Inputs that were read, each as often as it was."""
    gets = [r.path.partition("?") for r in place.proxy.requests if r.method == "GET" and "list-type" not in r.path]
    inputs = ("frames", "weights", "manifest")
    return sorted(path for path, _, _ in gets if path.removeprefix("/").split("/")[1] in inputs)


@pytest.mark.usefixtures("prefect_server")
def test_everything_on_s3(
    s3: S3,
    tiny_folder: Path,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_SESSION_TOKEN", f"{SECRET}-token")
    cache = tmp_path / "cache"
    monkeypatch.setenv("ITS_CACHE", str(cache))
    put(tiny_folder, f"{s3.bucket}/weights")
    put_frame_and_manifest(s3, tmp_path / "made")
    options = {
        "model_size": "tiny",
        "checkpoints_dir": f"{s3.bucket}/weights",
        "disable_guardrail": True,
        "disable_prompt_refiner": True,
    }
    folder = define(
        tmp_path / "dataset",
        [],
        engine={"name": "cosmos", "options": options},
        manifest=f"{s3.bucket}/manifest",
        allowed_inputs=[f"{s3.bucket}/frames"],
        publish_url=f"{s3.bucket}/datasets",
    )
    s3.proxy.reset()

    built = build_dataset(str(folder))

    latest = reader.latest(f"{s3.bucket}/datasets/dataset")
    assert (latest.version, latest.damaged()) == (built.published.version, [])
    once = fetched(s3)
    assert len(set(once)) == len(once) > 4
    lineage = json.loads(storage.read_bytes(f"{latest.url}/lineage/run.json"))
    source = lineage["inputs"][0]
    assert (source["namespace"], source["name"]) == (s3.bucket, "manifest/a.parquet")
    published = storage.find(latest.url)
    assert not any(Path(name).name.startswith(".") for name in published)

    # On another day the cache is gone.
    shutil.rmtree(cache)
    shutil.rmtree(folder / ".its" / "inputs")
    assert build_dataset(str(folder)).published.was_there
    assert fetched(s3) == sorted(once * 2)

    texts = [path for path in folder.rglob("*") if path.is_file()]
    assert len(texts) > 10
    assert not [path for path in texts if SECRET.encode() in path.read_bytes()]
    assert not [name for name in published if SECRET.encode() in storage.read_bytes(f"{latest.url}/{name}")]
    assert SECRET not in "".join(capfd.readouterr())
