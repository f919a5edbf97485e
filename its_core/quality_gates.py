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
    first_frame_levels: float | None = Field(
        12.0, ge=0, description="mean difference of the first frame from the conditioning frame, of 255"
    )
    night_luma: float | None = Field(110.0, ge=0, le=255, description="greatest mean luma of clips asked for at night")
    day_luma: float | None = Field(40.0, ge=0, le=255, description="least mean luma of clips asked for by day")
    fog_contrast: float | None = Field(
        50.0, ge=0, description="greatest standard deviation of luma of clips asked for in fog, of 255"
    )
    overcast_blue_share: float | None = Field(
        0.05,
        ge=0,
        le=1,
        description="greatest share of blue sky in the upper half of the first frame, by day, under an overcast sky",
    )
    rain_permille: float | None = Field(
        1.0,
        ge=0,
        le=1000,
        description="least share of pixels that drops lighten, of 1,000, in rain; sharpness 50 or more",
    )
    snow_permille: float | None = Field(
        2.0,
        ge=0,
        le=1000,
        description="least share of pixels that flakes lighten, of 1,000, of clips asked for in snow",
    )
    text_characters: int | None = Field(
        7, ge=0, description="most characters in a line of burnt-in text that nobody asked for"
    )
    near_duplicate_bits: int | None = Field(
        None,
        ge=0,
        le=15,
        description="a clip whose perceptual hash is that of another clip, but for so many of 128 bits, is refused",
    )


# Those that look for the weather that a row asks for.
WEATHER_GATES = ("overcast_blue_share", "rain_permille", "snow_permille")
