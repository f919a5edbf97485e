"""Where the files of a version are.

Clips and annotations are spread over 256 subfolders by the first digits of the clip's id, because hosts such as the
Hugging Face Hub refuse folders of more than 10,000 files.
"""

from __future__ import annotations

ANNOTATIONS_FOLDER = "annotations"
BESIDE_FOLDER = "beside"
PAGE_FILE = "index.html"
REJECTED_FILE = "rejected.parquet"
REPORT_FOLDER = "report"  # not "validation": the Hugging Face builder would take that for a split
MEASURES_FILE = "measures.parquet"
AGREEMENT_FILE = "agreement.json"


def clip_file_name(clip_id: str) -> str:
    """The clip's path from its split's folder; forward slashes."""
    return f"{clip_id[:2]}/{clip_id}.mp4"


def annotations_path(clip_id: str) -> str:
    """The annotations' path from the version's folder."""
    return f"{ANNOTATIONS_FOLDER}/{clip_id[:2]}/{clip_id}.json.gz"


def beside_prefix(clip_id: str) -> str:
    """What the paths of a clip's further files begin with."""
    return f"{BESIDE_FOLDER}/{clip_id[:2]}/{clip_id}."


def beside_path(clip_id: str, suffix: str) -> str:
    """The path, from the version's folder, of a further file of a clip (``.depth.mp4``)."""
    return f"{BESIDE_FOLDER}/{clip_id[:2]}/{clip_id}{suffix}"
