"""Published clips as PyTorch datasets. Needs torch, pyarrow, av and numpy only; s3fs as well for ``s3://``."""

from its_core.dataset.loading.clips import AccidentClips, collate
from its_core.dataset.loading.files import LoadError

__all__ = ["AccidentClips", "LoadError", "collate"]
