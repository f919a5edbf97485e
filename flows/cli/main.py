"""The command ``its``: ``app`` with all its commands."""

from __future__ import annotations

from its_flows.cli.app import app
from its_flows.cli.datasets import build, check, monitor, new, plan
from its_flows.cli.evaluation import audit, score, train
from its_flows.cli.post_training import checkpoints, post_train
from its_flows.cli.published import browse, compare, export, lineage, prune, recall, reproduce, show

__all__ = [
    "app",
    "audit",
    "browse",
    "build",
    "check",
    "checkpoints",
    "compare",
    "export",
    "lineage",
    "monitor",
    "new",
    "plan",
    "post_train",
    "prune",
    "recall",
    "reproduce",
    "score",
    "show",
    "train",
]

if __name__ == "__main__":
    app()
