"""A simulated run and the verdict on it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Self

from its_core.engines.simulator.incidents.verdicts import Verdict
from its_core.engines.simulator.simulation.run import Run


@dataclass(frozen=True)
class Judged(Run):
    verdict: Verdict

    @classmethod
    def of(cls, run: Run, verdict: Verdict) -> Self:
        return cls(**{field.name: getattr(run, field.name) for field in fields(run)}, verdict=verdict)
