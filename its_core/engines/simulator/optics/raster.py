"""Triangles to pixels on a CPU: Panda3D's tinydisplay, used for nothing but that.

It fills a buffer with four bytes a pixel, interpolated over each triangle, nearest surface first. What the bytes mean
is the caller's affair.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from panda3d.core import (
    Camera as PandaCamera,
)
from panda3d.core import (
    CullFaceAttrib,
    FrameBufferProperties,
    Geom,
    GeomNode,
    GeomTriangles,
    GeomVertexArrayFormat,
    GeomVertexData,
    GeomVertexFormat,
    GraphicsEngine,
    GraphicsOutput,
    GraphicsPipe,
    GraphicsPipeSelection,
    Lens,
    NodePath,
    OmniBoundingVolume,
    OrthographicLens,
    PerspectiveLens,
    Texture,
    WindowProperties,
    loadPrcFileData,
)

from its_core.engines.simulator.meshes.mesh import turned
from its_core.engines.simulator.optics.camera import Camera

Bytes = NDArray[np.uint8]

_SETTINGS = """
audio-library-name null
window-type none
load-display p3tinydisplay
model-cache-dir
notify-level error
textures-power-2 down
max-texture-dimension 8192
"""
_NEAR_M, _FAR_M = 1.0, 6000.0


@dataclass(frozen=True, slots=True)
class Soup:
    """Triangles ready to draw: vertices V×3 (world, metres), rgba V×4 bytes, triangles T×3."""

    vertices: NDArray[np.float32]
    rgba: Bytes
    triangles: NDArray[np.int32]


class Raster:
    """The buffers of one process. Sizes are made on first use and kept."""

    def __init__(self) -> None:
        loadPrcFileData("its_core.raster", _SETTINGS)
        self._engine = GraphicsEngine.getGlobalPtr()
        self._pipe = GraphicsPipeSelection.getGlobalPtr().makePipe("TinyOffscreenGraphicsPipe", "p3tinydisplay")
        if self._pipe is None:
            raise RuntimeError("Panda3D offers no tinydisplay pipe: is the system library libX11 installed?")
        self._targets: dict[tuple[int, int], _Target] = {}
        self._format = _vertex_format()

    def view(self, camera: Camera, soup: Soup, scale: int, shift_px: tuple[float, float] = (0.0, 0.0)) -> Bytes:
        """What the camera sees, ``scale`` times finer than its pixels: (H·scale)×(W·scale)×4 bytes R, G, B, A with
        zeros where nothing is. ``shift_px`` moves the sample points (in fine pixels). Valid until the next call."""
        size = (camera.width_px * scale, camera.height_px * scale)
        lens = PerspectiveLens()
        _fit(lens, size, shift_px)
        lens.setFocalLength(camera.focal_px * scale)
        lens.setNearFar(_NEAR_M, _FAR_M)
        seen = turned(soup.vertices - np.array(camera.position_m, np.float32), camera.rotation.astype(np.float32))
        placed = np.stack([seen[:, 0], seen[:, 2], -seen[:, 1]], axis=1)
        return self._draw(size, lens, placed, soup)

    def plan(self, rect: tuple[float, float, float, float], size: tuple[int, int], soup: Soup) -> Bytes:
        """A plan of x1, y1, x2, y2 (metres) seen from straight above, north up: rows×columns×4 bytes."""
        x1, y1, x2, y2 = rect
        lens = OrthographicLens()
        _fit(lens, size, (0.0, 0.0))
        lens.setNearFar(_NEAR_M, 2000.0)
        x, y, z = soup.vertices.T
        across, up = (x - (x1 + x2) / 2) * (size[0] / (x2 - x1)), (y - (y1 + y2) / 2) * (size[1] / (y2 - y1))
        placed = np.stack([across, 1000.0 - z, up], axis=1)
        return self._draw(size, lens, placed.astype(np.float32), soup)

    def _draw(self, size: tuple[int, int], lens: Lens, placed: NDArray[np.float32], soup: Soup) -> Bytes:
        target = self._targets.get(size)
        if target is None:
            target = self._targets[size] = _Target(self._engine, self._pipe, size)
        return target.draw(lens, _geom(self._format, placed, soup))

    def close(self) -> None:
        for target in self._targets.values():
            self._engine.removeWindow(target.buffer)
        self._targets.clear()


def _fit(lens: Lens, size: tuple[int, int], shift_px: tuple[float, float]) -> None:
    """Makes a film unit a pixel. tinydisplay stretches a picture over half a pixel less than its size, and cuts the
    fractions of corners off; this film undoes the first and leaves the second without bias."""
    lens.setFilmSize(size[0] - 0.5, size[1] - 0.5)
    lens.setFilmOffset(shift_px[0] - 0.25, 0.25 - shift_px[1])


class _Target:
    """One offscreen buffer and the little scene graph that it shows."""

    def __init__(self, engine: GraphicsEngine, pipe: GraphicsPipe, size: tuple[int, int]) -> None:
        wanted = FrameBufferProperties()
        wanted.setRgbaBits(8, 8, 8, 8)
        wanted.setDepthBits(24)
        self._engine, self._size = engine, size
        name = f"raster {size[0]}x{size[1]}"
        flags = GraphicsPipe.BFRefuseWindow
        self.buffer = engine.makeOutput(pipe, name, 0, wanted, WindowProperties.size(*size), flags)
        if self.buffer is None:
            raise RuntimeError(f"Panda3D could not open an offscreen buffer of {size[0]}×{size[1]} pixels")
        self._texture = Texture(name)
        self.buffer.addRenderTexture(self._texture, GraphicsOutput.RTMCopyRam)
        self.buffer.setClearColor((0.0, 0.0, 0.0, 0.0))
        root = NodePath(name)
        root.setAttrib(CullFaceAttrib.make(CullFaceAttrib.MCullNone))
        self._node = GeomNode("soup")
        self._node.setBounds(OmniBoundingVolume())
        self._node.setFinal(True)
        root.attachNewNode(self._node)
        self._camera = PandaCamera("camera")
        self.buffer.makeDisplayRegion().setCamera(root.attachNewNode(self._camera))
        self._root = root

    def draw(self, lens: Lens, geom: Geom) -> Bytes:
        self._camera.setLens(lens)
        self._node.removeAllGeoms()
        self._node.addGeom(geom)
        self.buffer.setActive(True)
        self._engine.renderFrame()
        self.buffer.setActive(False)
        width, height = self._size
        pixels = np.frombuffer(self._texture.getRamImage(), np.uint8).reshape(height, width, 4)
        return pixels[::-1]


def _vertex_format() -> GeomVertexFormat:
    made = GeomVertexFormat()
    place, colour = GeomVertexArrayFormat(), GeomVertexArrayFormat()
    place.addColumn("vertex", 3, Geom.NT_float32, Geom.C_point)
    # Panda3D reads back blue first; giving it the bytes in that order hands them over as they were.
    colour.addColumn("color", 4, Geom.NT_uint8, Geom.C_color)
    made.addArray(place)
    made.addArray(colour)
    return GeomVertexFormat.registerFormat(made)


def _geom(layout: GeomVertexFormat, placed: NDArray[np.float32], soup: Soup) -> Geom:
    data = GeomVertexData("soup", layout, Geom.UH_stream)
    data.uncleanSetNumRows(len(placed))
    if len(placed):
        memoryview(data.modifyArray(0)).cast("B")[:] = np.ascontiguousarray(placed).tobytes()
        memoryview(data.modifyArray(1)).cast("B")[:] = np.ascontiguousarray(soup.rgba[:, [2, 1, 0, 3]]).tobytes()
    corners = GeomTriangles(Geom.UH_stream)
    corners.setIndexType(Geom.NT_uint32)
    if len(soup.triangles):
        array = corners.modifyVertices()
        array.uncleanSetNumRows(soup.triangles.size)
        memoryview(array).cast("B")[:] = np.ascontiguousarray(soup.triangles, np.uint32).tobytes()
    geom = Geom(data)
    geom.addPrimitive(corners)
    return geom
