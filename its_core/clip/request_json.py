"""The one adapter that writes a clip request as JSON and reads it back: plan, batch file and receipt use it."""

from __future__ import annotations

from pydantic import TypeAdapter

from its_core.clip.request import ClipRequest

REQUEST: TypeAdapter[ClipRequest] = TypeAdapter(ClipRequest)
