"""The environment in which Prefect runs here. Imports nothing of Prefect: it must be set before Prefect is imported."""

from __future__ import annotations

import os
import tomllib
from collections.abc import MutableMapping
from pathlib import Path

API_URL = "PREFECT_API_URL"
HOME = "PREFECT_HOME"
_LOCAL = ("127.0.0.1", "localhost", "::1")
_DEFAULTS = {
    # Nothing is sent anywhere.
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    # A build does not wait for a server that is gone. It says so once.
    "PREFECT_CLIENT_MAX_RETRIES": "1",
    "PREFECT_API_REQUEST_TIMEOUT": "15",
    "PREFECT_LOGGING_INTERNAL_LEVEL": "CRITICAL",
    # Flows that are called without a server start one; it may be slow on a busy machine.
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
}


def set_defaults(environment: MutableMapping[str, str] = os.environ) -> None:
    """Sets what is not set yet, and keeps this machine's own servers from being asked for through a proxy."""
    for name, value in _DEFAULTS.items():
        environment.setdefault(name, value)
    excepted = [environment.get(name, "") for name in ("NO_PROXY", "no_proxy")]
    hosts = list(dict.fromkeys(host.strip() for each in excepted for host in each.split(",") if host.strip()))
    everything = ",".join(hosts if "*" in hosts else [*hosts, *(host for host in _LOCAL if host not in hosts)])
    environment["NO_PROXY"] = environment["no_proxy"] = everything


def configured_api_url(environment: MutableMapping[str, str] = os.environ) -> str | None:
    """The server that the environment or Prefect's active profile names, None where neither does."""
    if url := environment.get(API_URL, "").strip():
        return url
    home = Path(environment.get(HOME) or Path.home() / ".prefect")
    try:
        profiles = tomllib.loads((home / "profiles.toml").read_text(encoding="utf-8"))
        active = environment.get("PREFECT_PROFILE") or profiles.get("active", "")
        url = profiles["profiles"][active].get(API_URL)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # no profile, or one that says nothing of use
        return None
    return url or None
