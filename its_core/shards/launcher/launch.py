"""How a shard is launched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from its_core.errors import FactoryError
from its_core.shards.batch import EngineSettings
from its_core.shards.receipts import Receipt

OnReceipt = Callable[[Receipt], None]


class LaunchError(FactoryError, RuntimeError):
    """No shard can be launched (a bad checkpoint, a missing device …) and no retry helps; the message says why."""

    default_code = "launch"


@dataclass(frozen=True, slots=True)
class Launch:
    """How a shard is launched.

    Attributes:
        engine: the engine and its options, which the batch file carries.
        processes: ranks to start.
        clip_timeout_s: a clip that takes longer is ended.
        shard_timeout_s: limit of the whole launch; None: start-up and the clips' limits added up.
        devices: the GPUs that the ranks may see; None where the engine needs none.
        threads: threads of each rank's numerical libraries; None: the processors divided by ``processes``.
        script: a script with the guide's flags that runs in place of our worker.
        script_flags: the engine's options as the script's flags.
        environment: further variables of the ranks.
    """

    engine: EngineSettings
    processes: int
    clip_timeout_s: float
    shard_timeout_s: float | None = None
    devices: tuple[str, ...] | None = None
    threads: int | None = None
    script: str | None = None
    script_flags: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
