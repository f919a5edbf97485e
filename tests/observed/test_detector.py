"""A tiny detector with random weights runs the real code, from its folder to the file beside the clip."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import YolosConfig, YolosForObjectDetection
from transformers.models.yolos.image_processing_pil_yolos import YolosImageProcessorPil

from its_core import storage
from its_core.observed import record
from its_core.observed.detector import KINDS, DetectorError, LocalDetector
from its_core.observed.observe import observe
from its_core.video import write_mp4
from tests.dataset import samples


def save_detector(folder: Path, names: dict[int, str]) -> Path:
    """A few kilobytes, which find something in every frame."""
    torch.manual_seed(3)
    config = YolosConfig(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        image_size=[64, 96],
        num_detection_tokens=4,
        id2label=names,
        label2id={name: number for number, name in names.items()},
    )
    model = YolosForObjectDetection(config)
    with torch.no_grad():
        model.class_labels_classifier.layers[-1].bias[0] = 2.0  # what it sees is mostly of the first class
    model.save_pretrained(folder)
    YolosImageProcessorPil(size={"height": 64, "width": 96}).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_detector(tmp_path_factory.mktemp("detector"), {0: "car", 1: "person", 2: "bench"})


def test_a_clip_is_observed_and_stored(folder: Path, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    geometry = samples.GEOMETRY
    frames = np.random.default_rng(1).integers(0, 255, (geometry.frames, geometry.height_px, geometry.width_px, 3))
    write_mp4(clip, iter(frames.astype(np.uint8)), geometry)
    detector = LocalDetector(folder, 0.05)

    observation = observe(clip, "ab" * 32, geometry.fps, geometry.frames, detector, samples.truth())

    assert observation.source == "detected"
    assert observation.tracks
    for track in observation.tracks:
        assert track.type in {"car", "person"}
        for each in track.boxes:
            x1, y1, x2, y2 = each.box
            assert 0 <= x1 < x2 <= geometry.width_px
            assert 0 <= y1 < y2 <= geometry.height_px
            assert 0.05 <= each.confidence <= 1
            assert each.frame < geometry.frames
    assert observation.made_with["detector_sha256"] == storage.sha256_file(folder / "model.safetensors")
    assert observation.agreement is not None
    assert sum(each.true_boxes for each in observation.agreement) == 3 * geometry.frames
    record.write(tmp_path / "clip.detections.json.gz", observation)
    assert record.read(tmp_path / "clip.detections.json.gz") == observation


def test_nothing_is_surer_than_it_is(folder: Path) -> None:
    picture = np.zeros((72, 96, 3), np.uint8)

    found = [list(LocalDetector(folder, least).detect([picture, picture])) for least in (0.0, 0.999)]

    assert [len(frames) for frames in found] == [2, 2]
    assert found[0][0] == found[0][1] != []
    assert all(detection.type in KINDS for detection in found[0][0])
    assert found[1] == [[], []]


def test_a_folder_without_a_detector_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DetectorError) as refused:
        LocalDetector(tmp_path, 0.3)
    assert refused.value.code == "annotate.detector"


def test_weights_that_are_missing_are_refused(folder: Path, tmp_path: Path) -> None:
    broken = Path(shutil.copytree(folder, tmp_path / "broken"))
    weights = load_file(broken / "model.safetensors")
    removed = next(name for name in weights if name.startswith("class_labels_classifier"))
    save_file(
        {name: w for name, w in weights.items() if name != removed}, broken / "model.safetensors", {"format": "pt"}
    )

    with pytest.raises(DetectorError, match=removed):
        LocalDetector(broken, 0.3)


def test_a_detector_of_other_things_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DetectorError) as refused:
        LocalDetector(save_detector(tmp_path, {0: "cat", 1: "dog"}), 0.3)
    assert refused.value.code == "annotate.detector"
