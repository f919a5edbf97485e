"""Thresholds of the quality gates, part of a dataset's definition. ``checks.gates`` measures."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Gates(BaseModel):
    """The thresholds; null switches a gate off."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    camera_drift_share: float | None = Field(0.01, ge=0, description="largest shift of the background, share of width")
    cuts: int | None = Field(0, ge=0, description="frames at which most of the picture changes at once")
    flicker_levels: float | None = Field(4.0, ge=0, description="mean change of brightness back and forth, of 255")
    crushed_share: float | None = Field(0.9, ge=0, le=1, description="share of pixels that are black")
    clipped_share: float | None = Field(0.3, ge=0, le=1, description="share of pixels that are white")
    sharpness: float | None = Field(2.0, ge=0, description="least variance of the Laplacian")
    colour_cast_levels: float | None = Field(70.0, ge=0, description="a colour channel's mean beside grey, of 255")
