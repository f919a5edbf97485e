"""Pictures and videos that clips start from: what is accepted, and their frames as they are to be shown."""

from its_core.inputs.formats import IMAGE_SUFFIXES, MAX_PIXELS, VIDEO_SUFFIXES, UnusableInput, kind_of
from its_core.inputs.pictures import check_picture, read_picture
from its_core.inputs.videos import check_video, read_last_frames

__all__ = [
    "IMAGE_SUFFIXES",
    "MAX_PIXELS",
    "VIDEO_SUFFIXES",
    "UnusableInput",
    "check_picture",
    "check_video",
    "kind_of",
    "read_last_frames",
    "read_picture",
]
