"""RetinaFace on a ResNet-50: finds faces in frames.

The modules have the key names of the published weights, ``Resnet50_Final.pth``. Sources: Deng et al., arXiv:1905.00641
(RetinaFace, its feature pyramid, context modules and anchors); He et al., arXiv:1512.03385 (ResNet).
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

FEATURES = 256  # channels of the pyramid
# Per level of the pyramid: pixels between two anchors, and the sides of the anchors there.
STRIDES_PX = (8, 16, 32)
ANCHOR_SIDES_PX = ((16, 32), (64, 128), (256, 512))
CENTRE_VARIANCE, SIZE_VARIANCE = 0.1, 0.2
MEAN_BGR = (104.0, 117.0, 123.0)
MIN_CONFIDENCE = 0.7
MAX_OVERLAP = 0.4  # intersection over union, above which the less confident of two boxes is dropped
MAX_CANDIDATES, MAX_FACES = 5000, 750


def _conv(inputs: int, outputs: int, side: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, side, stride, padding=side // 2, bias=False)


def _conv_norm(inputs: int, outputs: int, side: int, *, relu: bool) -> nn.Sequential:
    layers: list[nn.Module] = [_conv(inputs, outputs, side), nn.BatchNorm2d(outputs)]
    return nn.Sequential(*layers, nn.ReLU()) if relu else nn.Sequential(*layers)


class _Bottleneck(nn.Module):
    """A residual block that narrows to ``width`` channels and leaves with four times as many."""

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        outputs = 4 * width
        self.conv1, self.bn1 = _conv(inputs, width, 1), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = _conv(width, width, 3, stride), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = _conv(width, outputs, 1), nn.BatchNorm2d(outputs)
        changes = stride != 1 or inputs != outputs
        self.downsample = nn.Sequential(_conv(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs)) if changes else None

    def forward(self, x: Tensor) -> Tensor:
        out = F.relu(self.bn1(self.conv1(x)))
        out = F.relu(self.bn2(self.conv2(out)))
        shortcut = x if self.downsample is None else self.downsample(x)
        return F.relu(self.bn3(self.conv3(out)) + shortcut)


class _ResNet50(nn.Module):
    """The features at an eighth, a sixteenth and a thirty-second of the frame's size."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, padding=3, bias=False), nn.BatchNorm2d(64)
        inputs = 64
        for number, (width, blocks) in enumerate(((64, 3), (128, 4), (256, 6), (512, 3)), start=1):
            layers = [_Bottleneck(inputs, width, 1 if number == 1 else 2)]
            inputs = 4 * width
            layers += [_Bottleneck(inputs, width, 1) for _ in range(blocks - 1)]
            self.add_module(f"layer{number}", nn.Sequential(*layers))

    def forward(self, x: Tensor) -> list[Tensor]:
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, padding=1)
        levels = []
        for number in (1, 2, 3, 4):
            x = self.get_submodule(f"layer{number}")(x)
            levels.append(x)
        return levels[1:]


class _FeaturePyramid(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.output1, self.output2, self.output3 = (_conv_norm(n, FEATURES, 1, relu=True) for n in (512, 1024, 2048))
        self.merge1, self.merge2 = (_conv_norm(FEATURES, FEATURES, 3, relu=True) for _ in range(2))

    def forward(self, levels: list[Tensor]) -> list[Tensor]:
        fine, middle, coarse = self.output1(levels[0]), self.output2(levels[1]), self.output3(levels[2])
        middle = self.merge2(middle + F.interpolate(coarse, size=middle.shape[2:], mode="nearest"))
        fine = self.merge1(fine + F.interpolate(middle, size=fine.shape[2:], mode="nearest"))
        return [fine, middle, coarse]


class _Context(nn.Module):
    """Convolutions that see 3, 5 and 7 pixels around, side by side."""

    def __init__(self) -> None:
        super().__init__()
        half, quarter = FEATURES // 2, FEATURES // 4
        self.conv3X3 = _conv_norm(FEATURES, half, 3, relu=False)
        self.conv5X5_1 = _conv_norm(FEATURES, quarter, 3, relu=True)
        self.conv5X5_2 = _conv_norm(quarter, quarter, 3, relu=False)
        self.conv7X7_2 = _conv_norm(quarter, quarter, 3, relu=True)
        self.conv7x7_3 = _conv_norm(quarter, quarter, 3, relu=False)

    def forward(self, x: Tensor) -> Tensor:
        two = self.conv5X5_1(x)
        return F.relu(torch.cat([self.conv3X3(x), self.conv5X5_2(two), self.conv7x7_3(self.conv7X7_2(two))], dim=1))


class _Head(nn.Module):
    """``values`` numbers for each of the two anchors at a place."""

    def __init__(self, values: int) -> None:
        super().__init__()
        self.values = values
        self.conv1x1 = nn.Conv2d(FEATURES, 2 * values, 1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv1x1(x).permute(0, 2, 3, 1).reshape(x.shape[0], -1, self.values)
        return out


class RetinaFace(nn.Module):
    """Boxes and confidences of a frame's anchors. The landmarks' head is there for its weights; nothing reads it."""

    def __init__(self) -> None:
        super().__init__()
        self.body = _ResNet50()
        self.fpn = _FeaturePyramid()
        self.ssh1, self.ssh2, self.ssh3 = _Context(), _Context(), _Context()
        self.ClassHead, self.BboxHead, self.LandmarkHead = (
            nn.ModuleList(_Head(values) for _ in STRIDES_PX) for values in (2, 4, 10)
        )

    def forward(self, x_BCHW: Tensor) -> tuple[Tensor, Tensor]:
        """Offsets from each anchor (B × anchors × 4) and the probability of a face (B × anchors)."""
        levels = self.fpn(self.body(x_BCHW))
        features = [context(level) for context, level in zip((self.ssh1, self.ssh2, self.ssh3), levels, strict=True)]
        offsets = torch.cat([head(level) for head, level in zip(self.BboxHead, features, strict=True)], dim=1)
        classes = torch.cat([head(level) for head, level in zip(self.ClassHead, features, strict=True)], dim=1)
        return offsets, classes.softmax(dim=-1)[..., 1]

    @torch.no_grad()
    def faces(self, frame_HW3: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The faces in an RGB frame, the most confident first: n × 4, left, top, right and bottom in pixels."""
        weight = self.body.conv1.weight
        height_px, width_px = frame_HW3.shape[:2]
        pixels_BGR = torch.from_numpy(frame_HW3[..., ::-1].copy()).to(weight.device, weight.dtype)
        x = (pixels_BGR - torch.tensor(MEAN_BGR, device=weight.device, dtype=weight.dtype)).permute(2, 0, 1)[None]
        offsets, confidence = self(x)
        if not bool(torch.isfinite(confidence).all()):
            raise ValueError("the face detector's answer is not a number")
        likely = (confidence[0] > MIN_CONFIDENCE).nonzero()[:, 0]
        likely = likely[confidence[0, likely].argsort(descending=True)][:MAX_CANDIDATES]
        anchors = anchor_boxes(height_px, width_px).to(weight.device, weight.dtype)
        boxes = _boxes(offsets[0, likely], anchors[likely]).float().cpu().numpy()
        return boxes[_without_overlaps(boxes)[:MAX_FACES]]


def anchor_boxes(height_px: int, width_px: int) -> Tensor:
    """Centre and size of every anchor in pixels, anchors × 4, in the order of the network's outputs."""
    levels = []
    for stride, sides in zip(STRIDES_PX, ANCHOR_SIDES_PX, strict=True):
        rows, columns = math.ceil(height_px / stride), math.ceil(width_px / stride)
        y, x, side = torch.meshgrid(
            (torch.arange(rows) + 0.5) * stride,
            (torch.arange(columns) + 0.5) * stride,
            torch.tensor(sides, dtype=torch.float32),
            indexing="ij",
        )
        levels.append(torch.stack([x, y, side, side], dim=-1).reshape(-1, 4))
    return torch.cat(levels)


def _boxes(offsets: Tensor, anchors: Tensor) -> Tensor:
    centre = anchors[:, :2] + offsets[:, :2] * CENTRE_VARIANCE * anchors[:, 2:]
    half = anchors[:, 2:] * torch.exp(offsets[:, 2:] * SIZE_VARIANCE) / 2
    return torch.cat([centre - half, centre + half], dim=1)


def _without_overlaps(boxes: NDArray[np.float32]) -> list[int]:
    """Which boxes stay when each, in their order, drops the later ones that overlap it (borders count as pixels)."""
    left, top, right, bottom = boxes.T
    areas = (right - left + 1) * (bottom - top + 1)
    rest, kept = np.arange(len(boxes)), []
    while len(rest):
        first, rest = rest[0], rest[1:]
        kept.append(int(first))
        width = np.minimum(right[first], right[rest]) - np.maximum(left[first], left[rest]) + 1
        height = np.minimum(bottom[first], bottom[rest]) - np.maximum(top[first], top[rest]) + 1
        shared = np.maximum(0, width) * np.maximum(0, height)
        rest = rest[shared / (areas[first] + areas[rest] - shared) <= MAX_OVERLAP]
    return kept
