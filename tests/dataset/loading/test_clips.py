"""AccidentClips over a real published version: what a sample holds, in every unit, local and on S3."""

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from its_core.dataset import AccidentClips, LoadError, collate
from its_core.dataset.publish import Published, publish
from its_core.video import read_frames
from tests.dataset import samples


def test_a_clip_holds_its_pictures_and_labels(published: Published) -> None:
    clips = AccidentClips(published.url, split="train", columns=["light"])
    sample = clips[0]
    pictures = np.stack(list(read_frames(Path(clips.rows[0]["video_url"]))))
    assert torch.equal(sample["frames"], torch.from_numpy(pictures).permute(0, 3, 1, 2))
    assert sample["frames"].dtype == torch.uint8
    assert sample["label"] == 1
    assert sample["type"] == AccidentClips.types.index("rear-end")
    assert sample["accident_time_s"] == pytest.approx(0.24)
    assert sample["center"].tolist() == [0.5, 0.5]
    assert sample["box"].tolist() == pytest.approx([0.25, 20 / 48, 0.75, 32 / 48])
    assert sample["anomaly"].tolist() == [False, False, *[True] * 6, False]
    assert sample["times_s"][-1].item() == pytest.approx(8 / 16)
    assert sample["light"] == "dusk"


def test_normal_traffic_has_neither_time_nor_place(published: Published) -> None:
    sample = AccidentClips(published.url, split="test")[0]
    assert sample["label"] == 0
    assert sample["type"] == -1
    assert math.isnan(sample["accident_time_s"])
    assert sample["center"].isnan().all()
    assert not sample["anomaly"].any()


def test_a_datasets_folder_means_its_latest_version(published: Published) -> None:
    assert AccidentClips(str(Path(published.url).parent)).url == published.url


def test_all_splits_come_in_order(published: Published) -> None:
    assert [row["split"] for row in AccidentClips(published.url).rows] == ["train", "train", "val", "test"]


def test_windows_know_whether_the_contact_is_theirs(published: Published) -> None:
    clips = AccidentClips(published.url, split="train", unit="window", window_s=3 / 16, stride_s=2 / 16)
    windows = [clips[place] for place in range(4)]  # of the first clip: frames 0-2, 2-4, 4-6, 6-8
    assert [clips.label_of(place) for place in range(4)] == [0, 1, 1, 0]
    assert [sample["label"] for sample in windows] == [0, 1, 1, 0]
    assert windows[1]["accident_time_s"] == pytest.approx(0.24 - 2 / 16)
    assert windows[1]["times_s"].tolist() == pytest.approx([2 / 16, 3 / 16, 4 / 16])
    whole = clips.rows[0]["no_frames"]
    assert len(clips) == 2 * len(range(0, whole - 2, 2))


def test_frames_one_by_one_and_evenly_spread(published: Published) -> None:
    frame = AccidentClips(published.url, split="val", unit="frame", stride_s=2 / 16, size_px=(24, 32))
    assert len(frame) == 5
    assert frame[4]["frames"].shape == (3, 24, 32)
    spread = AccidentClips(published.url, split="val", frames=3)[0]
    assert spread["times_s"].tolist() == pytest.approx([1 / 16, 4 / 16, 7 / 16])


def test_truth_is_in_pixels_of_the_returned_frames(published: Published) -> None:
    clips = AccidentClips(published.url, split="train", frames=3, size_px=(24, 32), truth=["boxes", "tracks", "masks"])
    sample = clips[0]
    assert sample["boxes"].shape == (9, 4)
    assert sample["boxes"][0].tolist() == [8.0, 10.0, 16.0, 16.0]
    assert sample["box_frames"].tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert sample["box_tracks"].tolist() == [1, 2, 3] * 3
    assert sample["track_boxes"].shape == (3, 3, 4)
    assert sample["track_boxes"][2, 1].tolist() == [24.0, 10.0, 32.0, 16.0]
    assert sample["track_speeds_mps"].unique().tolist() == [4.0]
    assert sample["masks"].shape == (0, 24, 32)


@pytest.mark.parametrize(
    ("where", "scenarios"),
    [
        ('incident_type == "normal_traffic"', ["scenario-3"]),
        ("accident_time > 0.2 and site in ['site 0', 'site 2']", ["scenario-0", "scenario-2"]),
        ("lanes is None and not (accident_frame is None)", ["scenario-0", "scenario-2"]),
        ("lanes != 4", ["scenario-1"]),
    ],
)
def test_filters_by_any_column(published: Published, where: str, scenarios: list[str]) -> None:
    assert [row["scenario_id"] for row in AccidentClips(published.url, where=where).rows] == scenarios


@pytest.mark.parametrize(
    ("where", "code"),
    [
        ('lihgt == "night"', "load.no_such_column"),
        ("light is light", "load.filter"),
        ("__import__('os').getcwd() == '/'", "load.filter"),
        ("light.upper() == 'NIGHT'", "load.filter"),
        ("light > 3", "load.filter"),
        ("light ==", "load.filter"),
        ("(" * 1500 + "1" + ")" * 400, "load.filter"),
    ],
)
def test_a_filter_that_is_none_is_refused(published: Published, where: str, code: str) -> None:
    with pytest.raises(LoadError) as refused:
        AccidentClips(published.url, where=where)
    assert refused.value.code == code
    assert "\n" not in str(refused.value)


def test_what_is_missing_is_said_with_a_code(published: Published, tmp_path: Path) -> None:
    for code, make in {
        "load.not_published": lambda: AccidentClips(str(tmp_path)),
        "load.no_such_split": lambda: AccidentClips(published.url, split="validation"),
        "load.no_such_column": lambda: AccidentClips(published.url, columns=["lihgt"]),
        "load.argument": lambda: AccidentClips(published.url, unit="window", window_s=-1),
    }.items():
        with pytest.raises(LoadError) as refused:
            make()
        assert refused.value.code == code
    clips = AccidentClips(published.url)
    clips.rows[0]["video_url"] = str(tmp_path / "gone.mp4")
    with pytest.raises(LoadError) as missing:
        clips[0]
    assert missing.value.code == "load.clip_missing"
    clips.rows[1]["video_url"] = str(tmp_path / "cut.mp4")
    (tmp_path / "cut.mp4").write_bytes(b"\0" * 100)
    with pytest.raises(LoadError) as damaged:
        clips[1]
    assert damaged.value.code == "load.clip_unreadable"


def test_transforms_get_the_sample(published: Published) -> None:
    def halved(sample: dict) -> dict:
        return sample | {"frames": sample["frames"].float() / 255, "seen": True}

    sample = AccidentClips(published.url, transform=halved)[0]
    assert sample["frames"].dtype == torch.float32
    assert sample["seen"]


def test_batches_stack_what_is_alike(published: Published) -> None:
    clips = AccidentClips(published.url, truth=["boxes"], columns=["lanes"])
    batch = next(iter(DataLoader(clips, batch_size=4, collate_fn=collate)))
    assert batch["frames"].shape == (4, 9, 3, 48, 64)
    assert batch["label"].tolist() == [1, 1, 1, 0]
    assert batch["lanes"] == [None, 3, None, None]
    assert batch["boxes"].shape == (4, 27, 4)


def test_clips_on_s3_are_the_same(s3: object, clips: list, work: Path, tmp_path: Path) -> None:
    remote = samples.dataset(s3.bucket)  # type: ignore[attr-defined]
    there = publish(clips, remote, samples.rejected(work), samples.run_of(work), tmp_path)
    here = publish(clips, samples.dataset(tmp_path), samples.rejected(work), samples.run_of(work), tmp_path)
    loader = DataLoader(AccidentClips(there.url).stream(), num_workers=1, multiprocessing_context="spawn")
    for remote_sample, place in zip(loader, range(4), strict=True):
        local = AccidentClips(here.url)
        same = {sample["clip_id"]: sample for sample in (local[place] for place in range(4))}
        assert torch.equal(remote_sample["frames"][0], same[remote_sample["clip_id"][0]]["frames"])


@pytest.mark.system
def test_loading_needs_nothing_but_torch_pyarrow_av_and_numpy(published: Published) -> None:
    code = f"""
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] in {{
            'prefect', 'panda3d', 'direct', 'pydantic', 'pydantic_core', 'botocore', 's3fs', 'aiobotocore', 'pandas',
            'orjson', 'jinja2', 'PIL', 'scipy', 'imageio', 'yaml', 'typer', 'rich', 'great_expectations', 'its_flows',
        }}:
            raise ImportError(f'{{name}} is not installed here')
sys.meta_path.insert(0, Blocked())
from its_core.dataset import AccidentClips, collate
from torch.utils.data import DataLoader
clips = AccidentClips({published.url!r}, where='accident_time is not None', truth=['boxes', 'tracks', 'masks'])
print(sum(batch['frames'].shape[0] for batch in DataLoader(clips, batch_size=2, collate_fn=collate)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "3", done.stderr
