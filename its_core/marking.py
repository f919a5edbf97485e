"""Marks clips as synthetic: a statement in the MP4's metadata always, a signed C2PA manifest where a key is configured.

The key is named by the environment, never by a definition: ``ITS_C2PA_CERTIFICATE`` (a PEM file with the certificate
and its chain), ``ITS_C2PA_KEY`` (a PEM file with the private key), ``ITS_C2PA_ALGORITHM`` (``es256`` by default) and
``ITS_C2PA_TIMESTAMP_URL`` (a timestamp server, none by default). C2PA 2.2, https://spec.c2pa.org.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import av

from its_core.errors import FactoryError
from its_core.storage import replacing
from its_core.video import SYNTHETIC_STATEMENT

CERTIFICATE = "ITS_C2PA_CERTIFICATE"
KEY = "ITS_C2PA_KEY"
ALGORITHM = "ITS_C2PA_ALGORITHM"
TIMESTAMP_URL = "ITS_C2PA_TIMESTAMP_URL"
_ALGORITHMS = ("es256", "es384", "es512", "ps256", "ps384", "ps512", "ed25519")
# What C2PA calls a certificate that is in no trust list: the signature itself holds.
_UNTRUSTED = "signingCredential.untrusted"


class MarkingError(FactoryError, ValueError):
    """A key or certificate that cannot be used."""

    default_code = "marking"


@dataclass(frozen=True, slots=True)
class Mark:
    """What a clip says of itself. ``signature`` is none, valid (by a trusted certificate or not) or broken."""

    says_synthetic: bool
    signature: Literal["none", "valid", "broken"]
    digital_source_type: str | None = None
    problem: str = ""


def is_configured(environment: Mapping[str, str] = os.environ) -> bool:
    return bool(environment.get(CERTIFICATE) or environment.get(KEY))


def sign_where_configured(path: Path, title: str, digital_source_type: str) -> None:
    """Embeds a signed C2PA manifest into the clip, where a key is configured. Raises MarkingError."""
    if not is_configured():
        return
    c2pa = _c2pa()
    signer_info = _signer_info(c2pa)
    manifest = {
        "title": title,
        "format": "video/mp4",
        "claim_generator_info": [{"name": "its-accident-factory"}],
        "assertions": [
            {
                "label": "c2pa.actions.v2",
                "data": {"actions": [{"action": "c2pa.created", "digitalSourceType": digital_source_type}]},
            }
        ],
    }
    with replacing(path) as part:
        try:
            with (
                c2pa.Signer.from_info(signer_info) as signer,
                c2pa.Builder(json.dumps(manifest)) as builder,
                path.open("rb") as source,
                part.open("w+b") as target,
            ):
                builder.sign(signer, "video/mp4", source, target)
        except c2pa.C2paError as error:
            raise MarkingError(f"{os.environ[CERTIFICATE]}: cannot sign: {error}", code="marking.sign") from None


def _c2pa() -> Any:
    try:
        import c2pa
    except ImportError:
        raise MarkingError("C2PA signatures need a package: pip install '.[signing]'", code="marking.package") from None
    return c2pa


def _signer_info(c2pa: Any) -> Any:
    texts = []
    for variable in (CERTIFICATE, KEY):
        name = os.environ.get(variable)
        if not name:
            raise MarkingError(f"{variable}: is not set; name a PEM file, or unset both", code="marking.incomplete")
        try:
            texts.append(Path(name).read_text(encoding="ascii"))
        except (OSError, UnicodeDecodeError) as error:
            raise MarkingError(f"{variable}: {name} cannot be read as PEM ({type(error).__name__})") from None
    algorithm = os.environ.get(ALGORITHM, "es256").lower()
    if algorithm not in _ALGORITHMS:
        raise MarkingError(f"{ALGORITHM}: {algorithm!r} must be one of {', '.join(_ALGORITHMS)}")
    url = os.environ.get(TIMESTAMP_URL)
    certificate, key = (text.encode() for text in texts)
    return c2pa.C2paSignerInfo(algorithm.encode(), certificate, key, url.encode() if url else None)


def read(path: Path) -> Mark:
    """What a clip says of itself, by its MP4 metadata and its C2PA manifest. Any file is accepted."""
    try:
        with av.open(str(path.absolute()), format="mp4") as container:
            says_synthetic = SYNTHETIC_STATEMENT in container.metadata.get("comment", "")
    except (av.FFmpegError, OSError):
        says_synthetic = False
    if b"c2pa" not in _head(path):
        return Mark(says_synthetic, "none")
    c2pa = _c2pa()
    try:
        with c2pa.Reader("video/mp4", path.open("rb")) as reader:
            found = json.loads(reader.json())
    except c2pa.C2paError as error:
        return Mark(says_synthetic, "broken", problem=str(error))
    failures = [each["code"] for each in found.get("validation_status") or () if each["code"] != _UNTRUSTED]
    source_type = _source_type(found)
    if failures:
        return Mark(says_synthetic, "broken", source_type, ", ".join(failures))
    return Mark(says_synthetic or source_type is not None, "valid", source_type)


def _source_type(manifests: Mapping[str, Any]) -> str | None:
    active = manifests.get("manifests", {}).get(manifests.get("active_manifest"), {})
    for assertion in active.get("assertions", ()):
        for action in assertion.get("data", {}).get("actions", ()) if "actions" in assertion["label"] else ():
            if "digitalSourceType" in action:
                return str(action["digitalSourceType"])
    return None


def _head(path: Path) -> bytes:
    """C2PA's box lies near the start of a file, before the pictures."""
    with path.open("rb") as file:
        return file.read(1 << 16)
