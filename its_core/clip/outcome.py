"""How a clip ended."""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """How a scenario's clip ended: exactly one a clip."""

    GENERATED = "generated"
    REUSED = "reused"
    REJECTED_INPUT = "rejected_input"
    GUARDRAIL_TEXT = "guardrail_text"
    GUARDRAIL_VIDEO = "guardrail_video"
    OUT_OF_MEMORY = "out_of_memory"
    ENGINE_ERROR = "engine_error"
    INVALID_OUTPUT = "invalid_output"
    INCIDENT_NOT_FOUND = "incident_not_found"
    TIMED_OUT = "timed_out"
    RECALLED = "recalled"

    @property
    def made_a_clip(self) -> bool:
        return self in {self.GENERATED, self.REUSED}

    @property
    def can_be_retried(self) -> bool:
        """Whether another attempt may end otherwise. Bad input, guardrail verdicts and an incident that did not happen
        with any of the seeds that a deterministic engine tries are final."""
        return self in {self.OUT_OF_MEMORY, self.ENGINE_ERROR, self.INVALID_OUTPUT, self.TIMED_OUT}
