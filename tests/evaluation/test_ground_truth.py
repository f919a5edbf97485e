"""Labelled clips from versions and from folders in ACCIDENT's layout."""

from pathlib import Path

import pytest

from its_core.dataset.loading.files import LoadError
from its_core.dataset.publish import Published
from its_core.evaluation import ground_truth

HEADER = "path,type,accident_time,center_x,center_y,x1,y1,x2,y2,region,day_time,duration,split_in_distribution\n"


def folder(tmp_path: Path, *rows: str) -> Path:
    (tmp_path / "metadata-real.csv").write_text(HEADER + "\n".join(rows) + "\n")
    return tmp_path


def test_a_version_gives_its_clips(published: Published) -> None:
    truth = ground_truth.open_truth(published.url)
    assert [clip.is_accident for clip in truth.clips] == [True, True, True, False]
    assert truth.clips[0].center == (0.5, 0.5)
    strata = ground_truth.strata_of(truth.clips)
    assert strata["light"] == ["dusk"] * 4
    assert strata["size"] == ["over 20 %"] * 3 + [None]
    assert strata["occlusion"] == ["under 10 %"] * 3 + [None]


def test_a_folder_of_real_clips(tmp_path: Path) -> None:
    rows = [
        "videos/a.mp4,t-bone,3.5,0.5,0.4,0.4,0.3,0.6,0.5,Asia,night,12.0,train",
        "videos/b.mp4,,,,,,,,,USA,day,8.0,test",
    ]
    truth = ground_truth.open_truth(str(folder(tmp_path, *rows)))
    accident, calm = truth.clips
    assert (accident.clip_id, accident.accident_time_s, accident.type) == ("videos/a.mp4", 3.5, "t-bone")
    assert accident.video_url == str(tmp_path / "videos/a.mp4")
    assert not calm.is_accident
    assert ground_truth.strata_of(truth.clips)["light"] == ["night", "day"]
    assert [clip.clip_id for clip in truth.of_split("test").clips] == ["videos/b.mp4"]


@pytest.mark.parametrize(
    "row",
    [
        "../../etc/passwd,t-bone,3.5,0.5,0.4,,,,,Asia,night,12.0,train",
        "videos/a.mp4,t-bone,soon,0.5,0.4,,,,,Asia,night,12.0,train",
        "videos/a.mp4,t-bone,nan,0.5,0.4,,,,,Asia,night,12.0,train",
        "videos/a.mp4,t-bone,3.5,0.5,0.4,,,,,Asia,night,,train",
    ],
)
def test_wrong_labels_are_one_line(tmp_path: Path, row: str) -> None:
    with pytest.raises(LoadError) as refused:
        ground_truth.open_truth(str(folder(tmp_path, row)))
    assert refused.value.code == "load.accident_layout"
    assert "line 2" in str(refused.value)
