"""Makes clips: physics until the incident has happened, then its pictures and the truth about them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any

import numpy as np
import panda3d

from its_core.clip import ClipRequest, Outcome, Scene
from its_core.engines.engine import Clip, Engine, EngineFailure, Frame
from its_core.engines.simulator.beside import FilesBeside, files_asked, layers_needed
from its_core.engines.simulator.capabilities import layout_of, unsupported
from its_core.engines.simulator.incidents.attempts import Tried, try_until_it_happens
from its_core.engines.simulator.incidents.outcome.story import story_of
from its_core.engines.simulator.incidents.outcome.verdicts import Verdict
from its_core.engines.simulator.optics.camera import Camera, camera_for
from its_core.engines.simulator.optics.quality import grade, quality_of
from its_core.engines.simulator.optics.vibration import mast, shifts_px
from its_core.engines.simulator.options import VERSION, SimulatorOptions
from its_core.engines.simulator.randomness import rng_of
from its_core.engines.simulator.rendering.ground_truth import annotated
from its_core.engines.simulator.rendering.layers import Layers
from its_core.engines.simulator.rendering.masks import encoded, with_masks
from its_core.engines.simulator.rendering.renderer import RenderedFrame, Renderer
from its_core.engines.simulator.roads.layouts import Layout
from its_core.engines.simulator.roads.registry import place
from its_core.engines.simulator.simulation.run import Run
from its_core.taxonomy import Light, Weather

# How often a row that names no light gets which, as real cameras' crashes have it: a third at night.
_LIGHTS = (Light.DAY, Light.NIGHT, Light.DUSK, Light.DAWN)
_LIGHT_SHARES = (0.52, 0.85, 0.94)
_NO_PICTURE: Frame = np.empty((0, 0, 3), np.uint8)


@dataclass(frozen=True, slots=True)
class _Shot:
    """Everything a clip shows: what the row asks for, and what the seed chose where it leaves a choice."""

    run: Run
    verdict: Verdict
    layout: Layout
    camera: Camera
    weather: Weather
    light: Light
    quality: float


class SimulatorEngine(Engine):
    def __init__(self, options: SimulatorOptions) -> None:
        self._options = options
        self._renderer = Renderer()
        self._beside: TemporaryDirectory[str] | None = None

    def generate(self, request: ClipRequest) -> Clip:
        """The physics runs at once, pictures when they are taken. Raises EngineFailure: ``rejected_input`` for a scene
        the simulator refuses, ``incident_not_found`` when no try showed the incident."""
        scene = request.scene
        if no := unsupported(scene):
            raise EngineFailure(Outcome.REJECTED_INPUT, no.reason)
        chosen = layout_of(scene)
        assert chosen is not None
        layout = place(chosen, scene.camera_id)
        camera = camera_for(scene.camera_id, layout, request.geometry, scene.camera)
        tried = try_until_it_happens(scene, layout, camera, request.geometry, request.seed, self._options.attempts)
        if tried.run is None or tried.verdict is None:
            raise EngineFailure(Outcome.INCIDENT_NOT_FOUND, _failure(scene, tried))
        rng = rng_of("sky", request.seed)
        weather = scene.weather or (Weather.CLEAR if rng.random() < 0.7 else Weather.OVERCAST)
        light = scene.light or _LIGHTS[int(np.searchsorted(_LIGHT_SHARES, rng.random(), side="right"))]
        quality = quality_of(scene.camera_id, scene.camera)
        shot = _Shot(tried.run, tried.verdict, layout, camera, weather, light, quality)
        clip = Clip(iter(()), _record(request, shot, tried))
        clip.frames = self._frames(request, shot, clip, tried.tries[-1].seed)
        return clip

    def close(self) -> None:
        if self._beside is not None:
            self._beside.cleanup()

    def _folder_beside(self, clip_id: str) -> Path:
        """A new folder for a clip's further files."""
        if self._beside is None:
            self._beside = TemporaryDirectory(prefix="its-beside-")
        return Path(mkdtemp(prefix=f"{clip_id}-", dir=self._beside.name))

    def _frames(self, request: ClipRequest, shot: _Shot, clip: Clip, seed: int) -> Iterator[Frame]:
        """Renders frame after frame; the annotations are complete when the last one has been taken."""
        seen: list[RenderedFrame] = []
        masks: list[list[str | None]] = []
        trace = shot.run.trace
        shaking = mast(shot.camera, shot.layout)
        shifts = None if shaking is None else shifts_px(shaking, shot.camera, trace, seed)
        rendered_frames = self._renderer.frames(
            shot.layout, trace, shot.camera, shot.light, shot.weather, seed, shot.run.staging.surface,
            shot.quality, layers_needed(self._options), shifts,
        )  # fmt: skip
        with ExitStack() as stack:
            beside = None
            if files_asked(self._options):
                tracks = [actor.track_id for actor in trace.actors]
                folder = self._folder_beside(request.clip_id)
                beside = stack.enter_context(FilesBeside(self._options, request.geometry, tracks, folder))
            for rendered in rendered_frames:
                yield rendered.image
                if beside is not None:
                    beside.add(rendered)
                if rendered.layers.ids is not None:
                    masks.append(encoded(rendered.layers.ids, len(trace.actors)))
                # The truth needs the boxes only.
                seen.append(replace(rendered, image=_NO_PICTURE, layers=Layers()))
        if beside is not None:
            clip.beside = beside.files
        story = story_of(shot.run, shot.verdict)
        clip.annotations = annotated(trace, shot.layout, shot.run.roads, shot.camera, seen, story, shifts)
        clip.annotations = clip.annotations.model_copy(update={"quality": grade(shot.quality).value})
        if "masks" in self._options.truth:
            clip.annotations = with_masks(clip.annotations, masks)


def _failure(scene: Scene, tried: Tried) -> str:
    reasons = sorted({attempt.why for attempt in tried.tries})
    return f"{scene.incident_type} did not happen in {len(tried.tries)} tries (engine option attempts): " + "; ".join(
        reasons
    )


def _record(request: ClipRequest, shot: _Shot, tried: Tried) -> dict[str, Any]:
    """What really ran, as JSON values."""
    return {
        "engine": "simulator",
        "version": VERSION,
        "panda3d": panda3d.__version__,
        "precision": "float32",
        "weights": None,
        "guardrail": "not applicable: no generative model",
        "prompt": "not read",
        "input": "not read",
        "seed_asked": request.seed,
        "seed_used": tried.tries[-1].seed,
        "attempts": [{"seed": attempt.seed, "failed": attempt.why or None} for attempt in tried.tries],
        "road_layout": shot.layout.name.value,
        "camera_id": shot.camera.camera_id,
        "weather": shot.weather.value,
        "light": shot.light.value,
        "road_surface": shot.run.staging.surface.value,
        "actors": len(shot.run.trace.actors),
    }
