"""The guardrail's models that look at frames, with random weights but of the real classes, from local files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import SiglipImageProcessorPil, SiglipVisionConfig, SiglipVisionModel

from its_core.engines.cosmos.errors import CheckpointError
from its_core.engines.cosmos.safety import face_detector, frame_safety
from its_core.engines.cosmos.safety.face_detector import RetinaFace, anchor_boxes
from its_core.engines.cosmos.safety.frame_safety import CLASSES, FaceBlur, FrameSafety, pixelate

CPU = torch.device("cpu")
FRAMES = np.random.default_rng(0).integers(0, 256, (15, 64, 96, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def filter_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """NVIDIA's layout: the classifier's weights beside SigLIP in a hub cache."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("video_content_safety_filter")
    encoder = folder / "models--google--siglip-so400m-patch14-384" / "snapshots" / "1"
    small = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    SiglipVisionModel(SiglipVisionConfig(image_size=28, patch_size=14, **small)).save_pretrained(encoder)
    SiglipImageProcessorPil(size={"height": 28, "width": 28}).save_pretrained(encoder)
    torch.save({"model": frame_safety._Classifier(32).state_dict()}, folder / "safety_filter.pt")
    return folder


def rigged(folder: Path, kind: str) -> FrameSafety:
    """A classifier that gives one answer."""
    check = FrameSafety(folder, CPU, offload=True)
    last = check._classifier.network["layers"][-1]
    last.weight.zero_()
    last.bias.copy_(torch.nn.functional.one_hot(torch.tensor(CLASSES.index(kind)), len(CLASSES)))
    return check


def test_only_the_class_safe_lets_frames_through(filter_folder: Path) -> None:
    assert rigged(filter_folder, "safe").blocks(FRAMES) is None
    assert rigged(filter_folder, "violence").blocks(FRAMES) == "frame 0 is of class violence"


def test_an_answer_that_is_no_number_raises(filter_folder: Path) -> None:
    check = rigged(filter_folder, "safe")
    check._classifier.network["layers"][-1].bias.fill_(float("nan"))
    with pytest.raises(ValueError, match="not a number"):
        check.blocks(FRAMES)


def test_weights_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no SigLIP encoder"):
        FrameSafety(tmp_path, CPU, offload=False)
    torch.save({"state_dict": {"module.body.conv1.weight": torch.zeros(64, 3, 7, 7)}}, tmp_path / "face.pth")
    with pytest.raises(CheckpointError, match="keys are missing"):
        FaceBlur(tmp_path / "face.pth", CPU, offload=False)


@pytest.fixture(scope="module")
def blur(tmp_path_factory: pytest.TempPathFactory) -> FaceBlur:
    torch.manual_seed(0)
    file = tmp_path_factory.mktemp("face_blur_filter") / "Resnet50_Final.pth"
    torch.save({f"module.{key}": value for key, value in RetinaFace().state_dict().items()}, file)
    return FaceBlur(file, CPU, offload=True)


def test_the_detector_has_the_published_weights_names(blur: FaceBlur) -> None:
    keys = blur._detector.state_dict().keys()
    assert {
        "body.conv1.weight", "body.layer3.5.conv3.weight", "body.layer4.0.downsample.1.running_var",
        "fpn.output3.0.weight", "fpn.merge2.1.bias", "ssh1.conv3X3.0.weight", "ssh2.conv5X5_1.0.weight",
        "ssh3.conv7x7_3.1.weight", "ClassHead.2.conv1x1.bias", "BboxHead.0.conv1x1.weight",
        "LandmarkHead.1.conv1x1.weight",
    } <= keys  # fmt: skip
    assert sum(value.numel() for key, value in blur._detector.named_parameters()) == 27_293_600


def test_a_face_is_found_where_its_anchor_says_and_pixelated(blur: FaceBlur, monkeypatch: pytest.MonkeyPatch) -> None:
    anchors = anchor_boxes(64, 96)
    assert len(anchors) == 2 * (8 * 12 + 4 * 6 + 2 * 3)
    one = int((anchors == torch.tensor([36.0, 28.0, 32.0, 32.0])).all(dim=1).nonzero())
    confidence = torch.zeros(1, len(anchors))
    confidence[0, one], confidence[0, one + 2] = 0.9, 0.8  # the second, 8 pixels to the right, overlaps it
    monkeypatch.setattr(blur._detector, "forward", lambda _: (torch.zeros(1, len(anchors), 4), confidence))

    assert blur._detector.faces(FRAMES[0]).tolist() == [[20, 12, 52, 44]]
    after, changed = blur.apply(FRAMES[:2])

    assert changed == 2
    outside = np.ones((64, 96), bool)
    outside[12:44, 20:52] = False
    assert np.array_equal(after[:, outside], FRAMES[:2, outside])
    assert len({tuple(pixel) for pixel in after[0, 12:44, 20:52].reshape(-1, 3).tolist()}) == 25


def test_boxes_that_are_small_or_outside_are_left_alone() -> None:
    frame = FRAMES[0].copy()
    assert not pixelate(frame, np.array([[0.0, 0.0, 19.0, 40.0], [200.0, 10.0, 240.0, 50.0]]))
    assert np.array_equal(frame, FRAMES[0])
    assert pixelate(frame, np.array([[-10.0, -10.0, 20.0, 20.0]]))


def test_the_detector_runs_and_a_doubt_raises(blur: FaceBlur, monkeypatch: pytest.MonkeyPatch) -> None:
    assert blur._detector.faces(FRAMES[0]).shape[1] == 4
    monkeypatch.setattr(face_detector, "MEAN_BGR", (float("nan"), 0.0, 0.0))
    with pytest.raises(ValueError, match="not a number"):
        blur._detector.faces(FRAMES[0])
