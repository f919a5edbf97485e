"""The command ``its``: ``app`` with all its commands."""

from __future__ import annotations

from its_flows.cli import (
    audit,
    browse,
    build,
    check,
    checkpoints,
    export,
    lineage,
    monitor,
    new,
    plan,
    post_train,
    prune,
    reproduce,
    score,
    show,
    train,
)
from its_flows.cli.app import app

__all__ = [
    "app",
    "audit",
    "browse",
    "build",
    "check",
    "checkpoints",
    "export",
    "lineage",
    "monitor",
    "new",
    "plan",
    "post_train",
    "prune",
    "reproduce",
    "score",
    "show",
    "train",
]

if __name__ == "__main__":
    app()
