"""Pixels ↔ MP4: the one writer of clips, and the readers that say what a video really holds."""

from its_core.mp4 import UnreadableVideo
from its_core.video.complaints import Complaints, decoder_complaints
from its_core.video.display import Display
from its_core.video.reading import (
    MAX_PIXELS,
    Colours,
    Probe,
    StoredFrame,
    opened,
    probe,
    read_frames,
    read_frames_at,
    read_frames_numbered,
    read_last_frames,
    read_luma,
    read_stored_frames,
)
from its_core.video.writing import DEFAULT_CRF, SYNTHETIC_STATEMENT, Frame, Mp4Writer, write_mp4

__all__ = [
    "DEFAULT_CRF",
    "MAX_PIXELS",
    "SYNTHETIC_STATEMENT",
    "Colours",
    "Complaints",
    "Display",
    "Frame",
    "Mp4Writer",
    "Probe",
    "StoredFrame",
    "UnreadableVideo",
    "decoder_complaints",
    "opened",
    "probe",
    "read_frames",
    "read_frames_at",
    "read_frames_numbered",
    "read_last_frames",
    "read_luma",
    "read_stored_frames",
    "write_mp4",
]
