"""First frames of one engine's clips, for another engine's clips to start from: made once, named by what made them."""

from __future__ import annotations

import logging
import multiprocessing
from collections.abc import Collection, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from its_core import storage
from its_core.clip import ClipNamer, ClipRequest, FrameOrigin, Geometry, Scene, Unsupported
from its_core.engines.engine import Engine, EngineFailure, EngineTraits, engine_module, engine_names
from its_core.errors import FactoryError
from its_core.scenarios.manifest.input_files import Unusable
from its_core.scenarios.manifest.made_inputs import MadeFrame
from its_core.shards import devices
from its_core.shards.parent_death import die_with_parent
from its_core.taxonomy import Light, RoadLayout, RoadSurface, Weather

# The words of a scene that an engine chooses where the row leaves them open. Its record names them, and so do texts of
# the PNG.
_CHOSEN: dict[str, type[StrEnum]] = {
    "weather": Weather,
    "light": Light,
    "road_layout": RoadLayout,
    "road_surface": RoadSurface,
}
_log = logging.getLogger(__name__)


class FirstFrameError(FactoryError, RuntimeError):
    """First frames that could not be made at all, whatever the rows say."""

    default_code = "first_frames"


def frame_makers(traits: EngineTraits, geometry: Geometry, folder: Path | None) -> dict[str, FirstFrames] | None:
    """What makes first frames for an engine of these traits, by the name that a row has for it: every engine that needs
    none and always makes the same. None for an engine that starts from no frame. Arguments as for ``FirstFrames``."""
    if not traits.needs_input:
        return None
    others = {name: engine_module(name).TRAITS for name in engine_names()}
    names = [name for name, each in others.items() if each.is_deterministic and not each.needs_input]
    return {name: FirstFrames(name, geometry, folder) for name in names}


class FirstFrames:
    """Makes the frames of a manifest's rows, in processes of their own.

    Args:
        engine: makes them, with its default options.
        geometry: the size of the clips that start from them.
        folder: where they are kept, ``<name>.png``; None: rows are checked, and nothing is made.
    """

    def __init__(self, engine: str, geometry: Geometry, folder: Path | None) -> None:
        self._engine = engine
        self._module = engine_module(engine)
        self._identity = self._module.identity(_options(engine))
        self._namer = ClipNamer(self._identity, geometry)
        self._geometry = geometry
        self._folder = folder

    def unsupported(self, scene: Scene) -> Unsupported | None:
        return self._module.unsupported(scene, has_input=False)

    def layout_of(self, scene: Scene) -> RoadLayout | None:
        return self._module.layout_of(scene)

    def origin(self, scene: Scene, seed: int) -> FrameOrigin:
        return FrameOrigin(self._engine, self._identity.fingerprint, scene, seed)

    def make(self, origins: Collection[FrameOrigin]) -> Mapping[FrameOrigin, MadeFrame | Unusable]:
        """Those that are not in the folder are rendered, but for those that the engine could not make before: it would
        fail again. Raises FirstFrameError, and StorageError for a full disk."""
        folder = self._folder
        if folder is None:
            return {origin: MadeFrame(origin.scene) for origin in origins}
        paths = {origin: folder / f"{self._namer.name(_request(origin, self._geometry))}.png" for origin in origins}
        frames = {origin: _read(path, origin.scene) for origin, path in paths.items()}
        failures = {origin: failed for origin, path in paths.items() if (failed := _earlier_failure(path)) is not None}
        missing = [(origin, paths[origin]) for origin, frame in frames.items() if not (frame or origin in failures)]
        failures |= self._render(missing) if missing else {}
        made: dict[FrameOrigin, MadeFrame | Unusable] = {}
        for origin, path in paths.items():
            frame = frames[origin] or failures.get(origin) or _read(path, origin.scene)
            if frame is None:
                raise FirstFrameError(f"{path}: cannot be read again after it was written; build again")
            made[origin] = frame
        return made

    def _render(self, missing: list[tuple[FrameOrigin, Path]]) -> dict[FrameOrigin, Unusable]:
        slots = devices.slots(uses_gpu=False, processes=1, at_once=None, memory_gib=self._module.TRAITS.memory_gib)
        processes = min(len(slots), len(missing))
        _log.info("%s: makes %d first frames in %d processes", self._engine, len(missing), processes)
        spawned = multiprocessing.get_context("spawn")  # a renderer does not survive a fork
        try:
            with ProcessPoolExecutor(processes, spawned, _begin, (self._engine,)) as pool:
                made = pool.map(_make_here, missing, [self._geometry] * len(missing))
                failed = {origin: why for (origin, _), why in zip(missing, made, strict=True) if why is not None}
        except BrokenProcessPool:
            raise FirstFrameError(
                f"{self._engine}: a process that makes first frames was ended from outside, perhaps for its memory; "
                "build again, and it goes on with what is left"
            ) from None
        return {origin: _not_made(why) for origin, why in failed.items()}


def remake(origin: FrameOrigin, geometry: Geometry, path: Path) -> None:
    """Makes one frame in this process. Raises FirstFrameError, also where the engine is another now."""
    if origin.engine not in engine_names():
        raise FirstFrameError(f"the frame was made by {origin.engine[:40]!r}, which is no engine here")
    fingerprint = engine_module(origin.engine).identity(_options(origin.engine)).fingerprint
    if fingerprint != origin.fingerprint:
        raise FirstFrameError(f"the frame was made by {origin.fingerprint}; here is {fingerprint}")
    engine = engine_module(origin.engine).load(_options(origin.engine))
    try:
        _make(engine, origin, path, geometry)
    except EngineFailure as failure:
        raise FirstFrameError(f"{origin.engine}: {failure.reason}") from None
    finally:
        engine.close()


def _options(engine: str) -> Any:
    return engine_module(engine).parse_options({}, "720", 16)


_engine: Engine  # of a process of the pool


def _begin(engine: str) -> None:
    global _engine
    die_with_parent()
    _engine = engine_module(engine).load(_options(engine))


def _make_here(wanted: tuple[FrameOrigin, Path], geometry: Geometry) -> str | None:
    """Why there is no frame, None when there is one. Exceptions of engines need not survive the way back, and one that
    nobody foresaw costs its own row only. Raises StorageError."""
    origin, path = wanted
    try:
        _make(_engine, origin, path, geometry)
    except EngineFailure as failure:
        _keep_failure(path, failure.reason)
        return failure.reason
    except storage.StorageError:
        raise
    except Exception as error:
        _log.exception("%s: seed %d", origin.engine, origin.seed)
        return f"{origin.engine} broke off: {type(error).__name__}: {error}"[:200]
    return None


def _make(engine: Engine, origin: FrameOrigin, path: Path, geometry: Geometry) -> None:
    clip = engine.generate(_request(origin, geometry))
    picture = next(clip.frames)
    about = PngInfo()
    for name in _CHOSEN:
        about.add_text(name, clip.record[name])
    path.parent.mkdir(parents=True, exist_ok=True)
    with storage.replacing(path) as part:
        Image.fromarray(picture).save(part, format="PNG", pnginfo=about)


def _read(path: Path, scene: Scene) -> MadeFrame | None:
    """None where there is no such frame, or a damaged one, which is to be made again."""
    try:
        with Image.open(path, formats=["PNG"]) as image:
            image.load()
            chosen: dict[str, Any] = {name: word(image.info[name]) for name, word in _CHOSEN.items()}
    except (OSError, KeyError, ValueError, SyntaxError):
        return None
    return MadeFrame(replace(scene, **chosen), str(path), storage.sha256_file(path))


def _failure_path(path: Path) -> Path:
    """Where the reason is kept for which there is no such frame. Like the frame it is named by what would make it."""
    return path.with_suffix(".failed.txt")


def _keep_failure(path: Path, reason: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with storage.replacing(_failure_path(path)) as part:
        part.write_text(reason, "utf-8")


def _earlier_failure(path: Path) -> Unusable | None:
    try:
        return _not_made(_failure_path(path).read_text("utf-8"))
    except (OSError, UnicodeDecodeError):
        return None


def _not_made(why: str) -> Unusable:
    return Unusable("input.not_made", why)


def _request(origin: FrameOrigin, geometry: Geometry) -> ClipRequest:
    return ClipRequest("", "", 0, origin.seed, "", "", 0.0, geometry, origin.scene)
