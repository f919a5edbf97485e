"""Prefect flows whose parameters may hold secrets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from prefect import Flow

from its_core.redaction import without_secrets

P = ParamSpec("P")
R = TypeVar("R")


class RedactedFlow(Flow[P, R]):
    """A flow whose parameters reach Prefect's database with passwords, tokens and keys struck out."""

    def serialize_parameters(self, parameters: dict[str, Any]) -> dict[str, Any]:
        serialized: dict[str, Any] = without_secrets(super().serialize_parameters(parameters))
        return serialized


def redacted_flow(name: str, flow_run_name: str) -> Callable[[Callable[P, R]], RedactedFlow[P, R]]:
    """Makes a function such a flow."""

    def decorate(function: Callable[P, R]) -> RedactedFlow[P, R]:
        return RedactedFlow(function, name=name, flow_run_name=flow_run_name)

    return decorate
