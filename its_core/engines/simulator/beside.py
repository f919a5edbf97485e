"""What can come beside a clip on request: truth by pixel as arrays, and control videos for models that repaint it.

Control videos have the clip's size, rate and length and are what Cosmos-Transfer takes: *depth* grey, near is bright;
*segmentation* a colour for each actor and each kind of thing that stands; *edges* white on black; *blur* the picture
without its detail.
"""

from __future__ import annotations

import colorsys
import contextlib
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from its_core.clip import Geometry
from its_core.engines.simulator.options import Control, SimulatorOptions, Truth
from its_core.engines.simulator.rendering.compositor import NOBODY
from its_core.engines.simulator.rendering.edges import edges
from its_core.engines.simulator.rendering.layers import Layers
from its_core.engines.simulator.rendering.renderer import RenderedFrame
from its_core.video import Mp4Writer

Frame = NDArray[np.uint8]

_BLUR_BY = 10  # how much smaller the blurred picture is before it is enlarged again
_FARTHEST_M = 60000.0  # float16 ends at 65504
_WHITE_SHARE = 0.995  # of the first frame's pixels, that the depth video shows darker than white
_NEEDS: dict[Truth | Control, frozenset[str]] = {
    "masks": frozenset({"ids"}),
    "depth": frozenset({"depth"}),
    "flow": frozenset({"flow"}),
    "normals": frozenset({"normals"}),
    "segmentation": frozenset({"ids", "classes"}),
    "edges": frozenset(),
    "blur": frozenset(),
}
# Sky, land, road, building, vegetation, other things: ``layers.SKY`` and what follows it.
_CLASS_RGB = np.array(
    [(70, 130, 180), (152, 251, 152), (128, 64, 128), (70, 70, 70), (107, 142, 35), (153, 153, 153)], np.uint8
)


def layers_needed(options: SimulatorOptions) -> frozenset[str]:
    """The maps that a renderer must make for these options."""
    return frozenset[str]().union(*(_NEEDS[word] for word in (*options.truth, *options.controls)))


def files_asked(options: SimulatorOptions) -> bool:
    """Whether there is a file to write beside the clip."""
    return bool(options.controls) or any(truth != "masks" for truth in options.truth)


class FilesBeside:
    """Writes a clip's further files, frame by frame, into a folder; ``files`` are complete once the block has ended."""

    def __init__(self, options: SimulatorOptions, geometry: Geometry, track_ids: Sequence[int], folder: Path) -> None:
        self.files: dict[str, Path] = {}
        self._open = contextlib.ExitStack()
        self._sinks: list[Callable[[RenderedFrame], None]] = []
        self._colours = _colours(track_ids)
        for control in options.controls:
            path = folder / f"{control}.mp4"
            self.files[f".{control}.mp4"] = path
            self._sinks.append(self._video(control, self._open.enter_context(Mp4Writer(path, geometry))))
        for truth in options.truth:
            if truth != "masks":
                path = folder / f"{truth}.npz"
                self.files[f".{truth}.npz"] = path
                self._sinks.append(_arrays(truth, self._open.enter_context(zipfile.ZipFile(path, "w"))))

    def __enter__(self) -> FilesBeside:
        return self

    def __exit__(self, *error: object) -> None:
        self._open.__exit__(*error)  # type: ignore[arg-type]

    def add(self, frame: RenderedFrame) -> None:
        for sink in self._sinks:
            sink(frame)

    def _video(self, control: Control, writer: Mp4Writer) -> Callable[[RenderedFrame], None]:
        depth_levels = _depth_levels()
        pictures: dict[Control, Callable[[RenderedFrame], Frame]] = {
            "depth": lambda frame: _grey(depth_levels(frame)),
            "segmentation": self._segmented,
            "edges": lambda frame: _grey(edges(frame.image)),
            "blur": lambda frame: _without_detail(frame.image),
        }
        return lambda frame: writer.add(pictures[control](frame))

    def _segmented(self, frame: RenderedFrame) -> Frame:
        ids, classes = frame.layers.ids, frame.layers.classes
        assert ids is not None
        assert classes is not None
        return np.where((ids == NOBODY)[..., None], _CLASS_RGB[classes], self._colours[ids])


def _arrays(truth: Truth, archive: zipfile.ZipFile) -> Callable[[RenderedFrame], None]:
    """Adds an array a frame, named by its number: ``numpy.load(path)["000"]``."""
    count = 0

    def add(frame: RenderedFrame) -> None:
        nonlocal count
        values = _stored(truth, frame.layers)
        entry = zipfile.ZipInfo(f"{count:03d}.npy")  # its date is 1980, whenever it is made
        entry.compress_type = zipfile.ZIP_DEFLATED
        with archive.open(entry, "w") as file:
            np.lib.format.write_array(file, np.ascontiguousarray(values), allow_pickle=False)
        count += 1

    return add


def _stored(truth: Truth, layers: Layers) -> NDArray[np.generic]:
    """Depth H×W float16 in metres, infinite in the sky; flow H×W×2 float16 in pixels; normals H×W×3 int8, 127 is 1."""
    if truth == "depth":
        assert layers.depth is not None
        return np.where(layers.depth < _FARTHEST_M, layers.depth, np.inf).astype(np.float16)
    if truth == "flow":
        assert layers.flow is not None
        return layers.flow.astype(np.float16)
    assert layers.normals is not None
    return np.round(127.0 * layers.normals).astype(np.int8)


def _depth_levels() -> Callable[[RenderedFrame], Frame]:
    """Grey levels in proportion to the inverse of the depth, the same all through the clip."""
    white = 0.0

    def levels(frame: RenderedFrame) -> Frame:
        nonlocal white
        assert frame.layers.depth is not None
        near = 1.0 / frame.layers.depth
        if white == 0.0:
            white = float(np.quantile(near, _WHITE_SHARE))
        grey: Frame = np.round(255.0 * np.minimum(near / np.float32(white), 1.0)).astype(np.uint8)
        return grey

    return levels


def _grey(levels: Frame) -> Frame:
    return np.repeat(levels[..., None], 3, axis=2)


def _without_detail(picture: Frame) -> Frame:
    image = Image.fromarray(picture)
    return np.asarray(image.reduce(_BLUR_BY).resize(image.size, Image.Resampling.BICUBIC))


def _colours(track_ids: Sequence[int]) -> Frame:
    """256×3: a colour for each actor's number, by its track: hues by the golden angle, so that none is near another."""
    colours = np.zeros((256, 3), np.uint8)
    for number, track in enumerate(track_ids):
        red, green, blue = colorsys.hsv_to_rgb((0.61803399 * track) % 1.0, 0.75 + 0.25 * (track % 2), 1.0)
        colours[number] = round(255 * red), round(255 * green), round(255 * blue)
    return colours
