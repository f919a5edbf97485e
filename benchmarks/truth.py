"""How exact the simulator's truth is, against ways of finding it that share nothing with the renderer.

    python benchmarks/truth.py [--clips 20] [--frames 4]

The engine makes clips of every kind by turns at 1280 x 704, with masks and depth. Of some of their frames:

- boxes: all vertices of a body, projected by OpenCV with the published camera, against the published amodal box, and,
  where nothing hides the body, against the box of the pixels that show it;
- masks: the published run lengths, decoded by pycocotools, against the picture of ids, pixel by pixel;
- depth: the file of depths against rays cast through pixels (undistorted by OpenCV) at all triangles and the ground,
  on surfaces, not across their edges. Bridges, which have another ground, and posts that were struck are left out.

Needs the extra ``dev``.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco

from its_core.annotations import Annotations, CameraModel
from its_core.clip import ClipRequest, Geometry, Scene
from its_core.engines.engine import EngineFailure
from its_core.engines.simulator.abilities import ABILITIES
from its_core.engines.simulator.optics.daylight import daylight, under_roof
from its_core.engines.simulator.options import SimulatorOptions
from its_core.engines.simulator.rendering.actors import bodies, cast
from its_core.engines.simulator.rendering.compositor import NOBODY
from its_core.engines.simulator.rendering.posts import struck_posts
from its_core.engines.simulator.rendering.renderer import RenderedFrame, Renderer
from its_core.engines.simulator.rendering.standing import everything
from its_core.engines.simulator.scenery.build import scenery
from its_core.engines.simulator.simulator import SimulatorEngine

Floats = NDArray[np.float64]

GEOMETRY = Geometry.of("720", 16)
LEAST_BOX_PX = 4.0  # in height: smaller bodies are as small as the error that is looked for
NEAREST_M = 1.0  # the renderer cuts what is nearer
RAYS = 30  # at actors, and as many at the rest, in each frame
ONE_SURFACE = 1.08  # on a surface the depths about a pixel differ by less than this factor
QUANTILES = (50, 90, 99, 100)


class Watched(Renderer):
    """Renders as the engine does, and keeps what it was given and the pictures of ids."""

    def __init__(self) -> None:
        super().__init__()
        self.given: dict[str, Any] = {}
        self.ids: list[NDArray[np.uint8]] = []

    def frames(self, *arguments: Any, **named: Any) -> Iterator[RenderedFrame]:
        names = ("layout", "trace", "camera", "light", "weather", "seed", "surface")
        self.given = dict(zip(names, arguments, strict=False))
        self.ids = []
        for rendered in super().frames(*arguments, **named):
            assert rendered.layers.ids is not None
            self.ids.append(rendered.layers.ids)
            yield rendered


@dataclass(slots=True)
class Errors:
    """``boxes_px``: of each edge. ``depths``: shares of the distance."""

    boxes_px: list[float] = field(default_factory=list)
    boxes: int = 0
    visible_boxes_px: list[float] = field(default_factory=list)
    visible_boxes: int = 0
    masks: int = 0
    wrong_mask_px: int = 0
    depths: list[float] = field(default_factory=list)


def check_clip(number: int, frames: int, errors: Errors) -> str:
    """Adds a clip's errors. Returns why there is no clip, or an empty text."""
    kinds = list(ABILITIES)
    incident = kinds[number % len(kinds)]
    layouts = ABILITIES[incident].layouts
    scene = Scene(f"truth-{number}", incident, road_layout=layouts[number // len(kinds) % len(layouts)])
    engine, watched = SimulatorEngine(SimulatorOptions(truth=("depth", "masks"))), Watched()
    engine._renderer = watched
    try:
        clip = engine.generate(ClipRequest("truth", "row", 0, 7000 + number, "", "", 7.0, GEOMETRY, scene))
        count = sum(1 for _ in clip.frames)
        assert clip.annotations is not None
        with np.load(clip.beside[".depth.npz"]) as depths:
            for frame in np.linspace(0, count - 1, frames).astype(int).tolist():
                _check_frame(frame, watched, clip.annotations, depths[f"{frame:03d}"], errors)
    except EngineFailure as failure:
        return f"{incident.value}: {failure.reason}"
    finally:
        engine.close()
    return ""


def _check_frame(
    frame: int, watched: Watched, annotations: Annotations, depth: NDArray[np.float16], errors: Errors
) -> None:
    layout, trace = watched.given["layout"], watched.given["trace"]
    camera, ids = annotations.camera, watched.ids[frame]
    assert camera is not None
    mast = watched.given["camera"]
    sky = daylight(watched.given["light"], watched.given["weather"], mast.camera_id, watched.given["surface"])
    if layout.tube is not None:
        sky = under_roof(sky, layout.tube.warm)
    acting = cast(bodies(trace, sky.lit), frame)
    tracks = {track.track_id: track.frames[frame] for track in annotations.tracks}
    shift = np.array(camera.shifts_px[frame] if camera.shifts_px else (0.0, 0.0))
    for actor_number, actor in enumerate(trace.actors):
        shown = tracks[actor.track_id]
        vertices = acting.vertices[np.unique(acting.chosen([actor_number]))].astype(np.float64)
        box = projected_box(camera, vertices, shift)
        # What does not show may lie where the lens's polynomial folds back into the picture.
        seen = shown.amodal_box is not None and shown.visible_box is not None
        if box is not None and seen and box[3] - box[1] >= LEAST_BOX_PX:
            errors.boxes += 1
            errors.boxes_px.extend(np.abs(box - np.array(shown.amodal_box)).tolist())
            if shown.occlusion == 0:
                errors.visible_boxes += 1
                errors.visible_boxes_px.extend(np.abs(box - np.array(shown.visible_box)).tolist())
        truth = ids == actor_number
        decoded = np.zeros_like(truth)
        if shown.mask is not None:
            decoded = coco.decode({"size": list(ids.shape), "counts": shown.mask.encode()}).astype(bool)
            errors.masks += 1
        errors.wrong_mask_px += int((decoded != truth).sum())
    if layout.deck is None and not struck_posts(trace, layout):
        still = everything(scenery(layout, sky, mast.position_m, mast.camera_id), sky).soup
        everybody = acting.vertices[acting.chosen(range(len(trace.actors)))]
        triangles = np.concatenate([still.vertices[still.triangles], everybody]).astype(np.float64)
        errors.depths.extend(
            _depth_errors(camera, triangles, depth.astype(np.float64), ids != NOBODY, np.round(shift), frame)
        )


def projected_box(camera: CameraModel, points: Floats, shift: Floats) -> Floats | None:
    """Left, top, right and bottom in pixels; None where a point lies outside the picture or behind the camera."""
    pose = np.array(camera.world_to_camera)
    if ((points @ pose[2, :3] + pose[2, 3]) < NEAREST_M).any():
        return None
    turn = cv2.Rodrigues(pose[:3, :3])[0]
    lens = np.array(camera.distortion or [0.0] * 4)
    found = cv2.projectPoints(points, turn, pose[:3, 3], np.array(camera.intrinsics), lens)[0].reshape(-1, 2) + shift
    box = np.concatenate([found.min(axis=0), found.max(axis=0)])
    inside = (box[:2] >= 0).all() and box[2] <= camera.width_px and box[3] <= camera.height_px
    return box if inside else None


def _depth_errors(
    camera: CameraModel, triangles: Floats, depth: Floats, shown: NDArray[np.bool_], shift: Floats, seed: int
) -> list[float]:
    height, width = depth.shape
    around = [depth[r : height - 2 + r, c : width - 2 + c] for r in range(3) for c in range(3)]
    smooth = np.isfinite(depth[1:-1, 1:-1]) & (np.max(around, axis=0) < ONE_SURFACE * np.min(around, axis=0))
    rng = np.random.default_rng(seed)
    errors = []
    for where in (smooth & shown[1:-1, 1:-1], smooth & ~shown[1:-1, 1:-1]):
        for row, column in rng.permutation(np.argwhere(where))[:RAYS] + 1:
            x, y = np.array([column, row]) + 0.5 - shift
            errors.append(abs(depth[row, column] / ray_depth(camera, triangles, x, y) - 1.0))
    return errors


def ray_depth(camera: CameraModel, triangles: Floats, x: float, y: float) -> float:
    """Metres along the camera's axis to the first triangle (T x 3 x 3, world) or the ground (Möller and Trumbore)."""
    pose = np.array(camera.world_to_camera)
    lens = np.array(camera.distortion or [0.0] * 4)
    straight = cv2.undistortPoints(np.array([[[x, y]]]), np.array(camera.intrinsics), lens)[0, 0]
    ray, origin = pose[:3, :3].T @ np.array([*straight, 1.0]), -pose[:3, :3].T @ pose[:3, 3]
    a, ab, ac = triangles[:, 0], triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]
    across = np.cross(ray, ac)
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = 1.0 / (ab * across).sum(axis=1)
        away = origin - a
        u = (away * across).sum(axis=1) * scale
        turned = np.cross(away, ab)
        v = (turned @ ray) * scale
        depth = (ac * turned).sum(axis=1) * scale
        hit = (u >= 0) & (v >= 0) & (u + v <= 1) & (depth > NEAREST_M)
    ground = -origin[2] / ray[2] if ray[2] < 0 else np.inf
    return float(min(depth[hit].min(initial=np.inf), ground))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=20)
    parser.add_argument("--first", type=int, default=0, help="number of the first clip")
    parser.add_argument("--frames", type=int, default=4, help="frames of each clip")
    arguments = parser.parse_args()
    errors, made = Errors(), 0
    for number in range(arguments.first, arguments.first + arguments.clips):
        if why := check_clip(number, arguments.frames, errors):
            print(f"not made: {why}")
        else:
            made += 1
    print(f"{made} clips, {arguments.frames} frames of each")
    _print(f"{errors.boxes} amodal boxes, error of an edge in pixels", errors.boxes_px)
    _print(f"{errors.visible_boxes} boxes of what nothing hides, likewise", errors.visible_boxes_px)
    print(f"{errors.masks} masks, pixels that differ: {errors.wrong_mask_px}")
    _print(f"{len(errors.depths)} depths, error in %", [100 * each for each in errors.depths])
    if errors.depths:
        print(f"depths within 1 %: {np.mean(np.array(errors.depths) <= 0.01):.1%}")


def _print(name: str, values: list[float]) -> None:
    if values:
        marks = "  ".join(f"{value:.3f}" for value in np.percentile(values, QUANTILES))
        print(f"{name} (50, 90, 99, 100 %): {marks}")


if __name__ == "__main__":
    main()
