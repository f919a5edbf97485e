"""What Ray sends to another machine."""

from __future__ import annotations

from its_tasks.executors.ray_cluster.remote_task import render_on_cluster
from ray import cloudpickle


def test_the_task_can_be_sent() -> None:
    sent = cloudpickle.loads(cloudpickle.dumps(render_on_cluster))
    assert sent.name == render_on_cluster.name == "render"
