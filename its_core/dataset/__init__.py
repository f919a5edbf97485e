"""What is published: labels, lineage, versions, writers, reader, contact sheet, and the PyTorch loader.

``AccidentClips`` is imported when it is asked for: it needs torch, pyarrow and av, and nothing else of this project.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from its_core.dataset.loading.clips import AccidentClips, collate
    from its_core.dataset.loading.files import LoadError

__all__ = ["AccidentClips", "LoadError", "collate"]
_MODULES = {"AccidentClips": "clips", "LoadError": "files", "collate": "clips"}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(f"its_core.dataset.loading.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
