"""What changes under a build: its manifest, its environment. It makes what it planned, and says so."""

import hashlib
import json
from pathlib import Path

import pandas as pd
import pytest
from its_flows.build_dataset import build_dataset
from its_flows.retry_failed_shards import retry_failed_shards

from its_core.scenarios import manifest
from its_core.scenarios.scenario import ManifestError
from its_core.shards import build
from its_core.shards.receipts import TooFewClips
from tests.system.conftest import contents, receipts, small

pytestmark = pytest.mark.usefixtures("prefect_server")


def manifest_in_lineage(url: str) -> str:
    """The digest of the manifest's only file."""
    (source,) = json.loads((Path(url) / "lineage" / "run.json").read_text())["inputs"]
    return source["facets"]["version"]["datasetVersion"]


def test_a_manifest_replaced_after_planning_is_the_next_builds_business(tmp_path, trouble, calm):
    folder = small(tmp_path)
    planned = folder / "scenarios.parquet"
    rows = pd.read_parquet(planned)
    rows.assign(seed=[1, 1, 2]).to_parquet(folder / "new.parquet")
    digests = [hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in (planned, "new.parquet")]
    trouble(s1=f"replace {planned} {folder / 'new.parquet'}")
    first = build_dataset(str(folder))
    assert contents(first) == calm[1]
    assert manifest_in_lineage(first.published.url) == digests[0]
    trouble()
    second = build_dataset(str(folder))
    assert second.published.version != first.published.version
    assert manifest_in_lineage(second.published.url) == digests[1]


def test_a_manifest_overwritten_while_it_is_read_ends_the_build_and_says_so(tmp_path, monkeypatch):
    folder = small(tmp_path)
    path = folder / "scenarios.parquet"
    rows = pd.read_parquet(path)
    read = manifest.read

    def overwritten(*arguments, **options):
        for batch in read(*arguments, **options):
            rows.assign(seed=7).to_parquet(path)  # in place, as an editor or a script may do
            yield batch

    monkeypatch.setattr(manifest, "read", overwritten)
    with pytest.raises(ManifestError, match=r"scenarios.parquet: was changed while it was read; build again once"):
        build_dataset(str(folder))
    assert receipts(folder) == {}
    assert build.read(folder / ".its").state is build.BuildState.WRONG_INPUT


def test_what_the_environment_set_is_kept_for_who_finishes_the_build(tmp_path, trouble, monkeypatch):
    folder = small(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ITS_PUBLISH_URL", "elsewhere")
    monkeypatch.setenv("ITS_ENGINE__OPTIONS__ATTEMPTS", "12")
    trouble(s1="raise")
    with pytest.raises(TooFewClips):
        build_dataset(str(folder), {"shard_size": 2})
    trouble()
    for name in ("ITS_PUBLISH_URL", "ITS_ENGINE__OPTIONS__ATTEMPTS"):
        monkeypatch.delenv(name)
    (tmp_path / "worker").mkdir()
    monkeypatch.chdir(tmp_path / "worker")
    became = retry_failed_shards(str(folder.parent))
    assert became[str(folder)].startswith(f"finished: {tmp_path / 'elsewhere' / 'small'}")
    assert not (tmp_path / "published").exists()
    assert build.read(folder / ".its").overrides == {
        "engine.options.attempts": "12",
        "publish_url": str(tmp_path / "elsewhere"),
        "shard_size": 2,
    }


def test_what_lies_below_a_telling_key_is_not_kept_and_paths_are(tmp_path, monkeypatch):
    folder = small(tmp_path)
    monkeypatch.chdir(tmp_path)
    given = {"engine.options": {"credentials": {"id": "a", "key": "s3cr3t"}, "attempts": 2}, "allowed_inputs": ["."]}
    with build.recording(folder / ".its", str(folder), given | {"engine.options.token.value": "s3cr3t"}) as record:
        pass
    assert record.build.overrides == {"engine.options.attempts": 2, "allowed_inputs": (str(tmp_path),)}
    withheld = ("credentials.id", "credentials.key", "token.value")
    assert record.build.withheld == tuple(f"engine.options.{name}" for name in withheld)
    assert "s3cr3t" not in (folder / ".its" / build.FILE).read_text()


def test_a_secret_in_the_environment_is_not_kept_and_asked_for_again(tmp_path, monkeypatch):
    folder = small(tmp_path)
    monkeypatch.setenv("ITS_PUBLISH_URL", "s3://user:s3cr3t@bucket/datasets")
    work = folder / ".its"
    with pytest.raises(RuntimeError), build.recording(work, str(folder), {"shard_size": 2}):
        raise RuntimeError("the machine went away")
    assert "s3cr3t" not in (work / build.FILE).read_text()
    monkeypatch.delenv("ITS_PUBLISH_URL")
    (said,) = retry_failed_shards(str(folder.parent)).values()
    assert said.startswith("left alone: ") and said.endswith("secrets and are not kept: set ITS_PUBLISH_URL here too")
    assert build.read(work).overrides == {"shard_size": 2}
