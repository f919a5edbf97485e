"""What is published: labels, lineage, versions, writers, reader, contact sheet, and the PyTorch loader.

``AccidentClips`` is imported when it is asked for: it needs torch, pyarrow and av, and nothing else of this project.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from its_core.dataset.loading import AccidentClips, LoadError, collate

__all__ = ["AccidentClips", "LoadError", "collate"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from its_core.dataset import loading

        return getattr(loading, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
