"""Runs the part of a TensorFlow.js graph model that CenterNet on MobileNetV3 needs, with torch."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

_DTYPES = {"float32": np.float32, "int32": np.int32}


class GraphModel:
    """``model_json`` and ``weights`` as TensorFlow.js stores them; float16 quantisation is undone."""

    def __init__(self, model_json: bytes, weights: bytes) -> None:
        model = json.loads(model_json)
        self._nodes = {node["name"]: node for node in model["modelTopology"]["node"]}
        (manifest,) = model["weightsManifest"]
        self._weights = dict(_weights(manifest["weights"], weights))

    def run(self, image: NDArray[np.uint8], outputs: Sequence[str]) -> list[NDArray[np.float32]]:
        """The outputs of an H×W×3 picture of the size that the graph was made for, without their batch."""
        (placeholder,) = (name for name, node in self._nodes.items() if node["op"] == "Placeholder")
        known = {placeholder: torch.from_numpy(image.astype(np.float32))[None]}
        with torch.inference_mode():
            return [self._value(name, known)[0].numpy() for name in outputs]

    def _value(self, name: str, known: dict[str, Tensor]) -> Tensor:
        if name not in known:
            node = self._nodes[name]
            if node["op"] == "Const":
                known[name] = self._weights[name]
            else:
                inputs = [self._value(each, known) for each in node["input"]]
                known[name] = _OPERATIONS[node["op"]](inputs, node.get("attr", {}))
        return known[name]


def _weights(listed: list[dict[str, Any]], packed: bytes) -> Sequence[tuple[str, Tensor]]:
    found, at = [], 0
    for each in listed:
        stored = np.dtype(each["quantization"]["dtype"] if "quantization" in each else _DTYPES[each["dtype"]])
        count = int(np.prod(each["shape"], dtype=np.int64))
        values = np.frombuffer(packed, stored, count, at).reshape(each["shape"])
        at += count * stored.itemsize
        found.append((each["name"], torch.from_numpy(values.astype(_DTYPES[each["dtype"]]))))
    if at != len(packed):
        raise ValueError(f"weights of {at} bytes are listed, {len(packed)} are there")
    return found


def _convolution(inputs: list[Tensor], attributes: dict[str, Any], depthwise: bool = False) -> Tensor:
    """Pictures are B H W C, kernels H W C D; ``SAME`` pads more at the right and the bottom."""
    picture, kernel = inputs[0].permute(0, 3, 1, 2), inputs[1]
    stride = int(attributes["strides"]["list"]["i"][1])
    rows, columns, channels, multiplier = kernel.shape
    if depthwise:
        weights, groups = kernel.permute(2, 3, 0, 1).reshape(channels * multiplier, 1, rows, columns), channels
    else:
        weights, groups = kernel.permute(3, 2, 0, 1), 1
    if base64.b64decode(attributes["padding"]["s"]) == b"SAME":
        vertical = _same_padding(picture.shape[2], rows, stride)
        horizontal = _same_padding(picture.shape[3], columns, stride)
        picture = functional.pad(picture, (*horizontal, *vertical))
    result = functional.conv2d(picture, weights, stride=stride, groups=groups).permute(0, 2, 3, 1)
    for word in attributes.get("fused_ops", {}).get("list", {}).get("s", ()):
        match base64.b64decode(word):
            case b"BiasAdd":
                result = result + inputs[2]
            case b"Relu":
                result = torch.relu(result)
            case other:
                raise ValueError(f"fused operation {other!r}: is not known")
    return result


def _same_padding(length: int, kernel: int, stride: int) -> tuple[int, int]:
    total = max(0, (-(-length // stride) - 1) * stride + kernel - length)
    return total // 2, total - total // 2


def _resize(inputs: list[Tensor], _: dict[str, Any]) -> Tensor:
    """Bilinear as TensorFlow 1 does it: the corners of the first pixels lie on each other."""
    picture, (rows, columns) = inputs[0], (int(length) for length in inputs[1])
    for axis, length in ((1, rows), (2, columns)):
        before = picture.shape[axis]
        at = torch.arange(length) * before / length
        low = at.floor().long()
        shape = [1] * picture.dim()
        shape[axis] = length
        share = (at - low).reshape(shape)
        high = (low + 1).clamp(max=before - 1)
        picture = picture.index_select(axis, low) * (1 - share) + picture.index_select(axis, high) * share
    return picture


_OPERATIONS: dict[str, Callable[[list[Tensor], dict[str, Any]], Tensor]] = {
    "_FusedConv2D": _convolution,
    "Conv2D": _convolution,
    "FusedDepthwiseConv2dNative": lambda inputs, attributes: _convolution(inputs, attributes, depthwise=True),
    "DepthwiseConv2dNative": lambda inputs, attributes: _convolution(inputs, attributes, depthwise=True),
    "ResizeBilinear": _resize,
    "Mul": lambda inputs, _: inputs[0] * inputs[1],
    "Add": lambda inputs, _: inputs[0] + inputs[1],
    "Relu": lambda inputs, _: torch.relu(inputs[0]),
    "Relu6": lambda inputs, _: torch.clamp(inputs[0], 0, 6),
    "Sigmoid": lambda inputs, _: torch.sigmoid(inputs[0]),
    "Mean": lambda inputs, _: inputs[0].mean(dim=tuple(inputs[1].tolist()), keepdim=True),
    "ConcatV2": lambda inputs, _: torch.cat(inputs[:-1], dim=int(inputs[-1])),
    "Identity": lambda inputs, _: inputs[0],
}
