"""Secrets in the parameters of flows do not reach Prefect's server."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import its_flows
import pytest
from its_flows.post_train import post_train
from its_flows.redacted_flow import RedactedFlow
from prefect import Flow

SECRET = "s3cr3t-4711"
MODULES = sorted(path.stem for path in Path(its_flows.__path__[0]).glob("*.py") if path.stem not in {"server"})


@pytest.mark.parametrize("name", MODULES)
def test_every_flow_is_one(name: str) -> None:
    module = importlib.import_module(f"its_flows.{name}")
    flows = [value for value in vars(module).values() if isinstance(value, Flow)]
    assert all(isinstance(each, RedactedFlow) for each in flows)


@pytest.mark.parametrize(
    "overrides",
    [
        {"engine.options.token": SECRET},
        {"engine": {"options": {"apiKey": SECRET}}},
        {"models_url": f"s3://user:{SECRET}@127.0.0.1:9/x"},
        {"manifest": f"https://127.0.0.1:9/x.parquet?signature={SECRET}"},
        {"training": [{"password": SECRET}]},
    ],
)
def test_what_its_parameters_say(overrides: dict[str, Any]) -> None:
    parameters = {"definition": "models/crossings", "overrides": {"fps": 10, **overrides}}
    said = post_train.serialize_parameters(parameters)
    assert SECRET not in str(said)
    assert said["definition"] == "models/crossings" and said["overrides"]["fps"] == 10
    assert SECRET in str(parameters)  # the flow itself has it
