"""CVAT for video 1.1: ``annotations/<clip_id>.xml`` beside ``videos/<clip_id>.mp4``. Frames count from 0.

A track ends with a box ``outside="1"`` in the frame after the last one in which it can be seen, and has one wherever
it is hidden in between.
"""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

from its_core import storage
from its_core.annotations import Box, Track
from its_core.dataset.formats.source import CLASSES, ExportClip, Source

_OCCLUDED = 0.05  # hidden share from which CVAT's flag is set


def write(source: Source, folder: Path) -> None:
    (folder / "annotations").mkdir(parents=True)
    for clip in source.clips():
        storage.link_or_copy(clip.video, folder / "videos" / f"{clip.clip_id}.mp4")
        document = ET.ElementTree(_document(clip))
        ET.indent(document, " ")
        path = folder / "annotations" / f"{clip.clip_id}.xml"
        document.write(path, encoding="utf-8", xml_declaration=True)


def _document(clip: ExportClip) -> ET.Element:
    root = ET.Element("annotations")
    ET.SubElement(root, "version").text = "1.1"
    task = ET.SubElement(ET.SubElement(root, "meta"), "task")
    width, height = clip.size_px
    values = {"name": clip.clip_id, "size": clip.frames, "mode": "interpolation", "start_frame": 0}
    values |= {"stop_frame": clip.frames - 1, "subset": clip.split.value}
    for name, value in values.items():
        ET.SubElement(task, name).text = str(value)
    labels = ET.SubElement(task, "labels")
    for name in CLASSES:
        label = ET.SubElement(labels, "label")
        ET.SubElement(label, "name").text = name
        attributes = ET.SubElement(label, "attributes")
        for attribute in ("colour", "role"):
            element = ET.SubElement(attributes, "attribute")
            ET.SubElement(element, "name").text = attribute
            ET.SubElement(element, "mutable").text = "False"
            ET.SubElement(element, "input_type").text = "text"
    size = ET.SubElement(task, "original_size")
    ET.SubElement(size, "width").text = str(width)
    ET.SubElement(size, "height").text = str(height)
    for track in clip.annotations.tracks if clip.annotations else ():
        _add_track(root, track, clip.frames)
    return root


def _add_track(root: ET.Element, track: Track, frames: int) -> None:
    element = ET.Element("track", id=str(track.track_id), label=track.type, source="auto")
    last: Box | None = None
    for at in sorted(track.frames, key=lambda entry: entry.frame):
        if at.visible_box is not None:
            _add_box(element, track, at.frame, at.visible_box, occluded=at.occlusion > _OCCLUDED, outside=False)
        elif last is not None:
            _add_box(element, track, at.frame, last, occluded=False, outside=True)
        last = at.visible_box
    if last is not None and track.frames[-1].frame + 1 < frames:
        _add_box(element, track, track.frames[-1].frame + 1, last, occluded=False, outside=True)
    if len(element):
        root.append(element)


def _add_box(parent: ET.Element, track: Track, frame: int, box: Box, *, occluded: bool, outside: bool) -> None:
    corners = dict(zip(("xtl", "ytl", "xbr", "ybr"), (f"{value:.2f}" for value in box), strict=True))
    flags = {"outside": str(int(outside)), "occluded": str(int(occluded)), "keyframe": "1", "z_order": "0"}
    element = ET.SubElement(parent, "box", {"frame": str(frame)} | flags | corners)
    for name, value in (("colour", track.colour or ""), ("role", track.role)):
        ET.SubElement(element, "attribute", name=name).text = value
