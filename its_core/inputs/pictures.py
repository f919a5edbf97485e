"""PNG, JPEG and WebP files as 8-bit sRGB pictures, the way up and in the shape that they say they are to be shown."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from its_core.inputs.formats import UnusableInput, refuse_pixels, refuse_size
from its_core.text import short

_FORMATS = ("PNG", "JPEG", "WEBP")
_BACKGROUND = (255, 255, 255)  # behind transparent pixels, as most viewers and browsers show them
_SRGB_GAMMA = 0.45455
_WIDEST_PIXEL = 4.0  # densities that differ by more are a mistake in the file
_ORIENTATION = 0x0112  # EXIF; 5 to 8 exchange rows and columns
_MODE_OF_PROFILE = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
_opening = threading.Lock()  # warning filters are the process's


def check_picture(path: Path) -> None:
    """Decodes a picture to its end. Raises UnusableInput."""
    with _decoder_errors():
        with _open(path) as image:
            refuse_pixels(*image.size)
            image.verify()  # checksums; it uses the image up
        with _open(path) as image:
            image.load()
            refuse_size(*_shown_size(image))


def read_picture(path: Path) -> NDArray[np.uint8]:
    """H×W×3 RGB: colours in sRGB, 16 bits scaled to 8, transparency on white, square pixels, upright by its EXIF.

    Raises UnusableInput.
    """
    with _decoder_errors(), _open(path) as image:
        refuse_pixels(*image.size)
        image.load()
        size = _shown_size(image)
        refuse_size(*size)
        picture = _upright(image, _in_srgb(image))
        if picture.size != size:
            picture = picture.resize(size, Image.Resampling.BICUBIC)
        return np.array(picture)


@contextmanager
def _decoder_errors() -> Iterator[None]:
    """Decoders raise all sorts of things on broken files."""
    try:
        yield
    except UnusableInput:
        raise
    except UnidentifiedImageError:  # its text has the path
        raise UnusableInput("is not a PNG, JPEG or WebP image") from None
    except Image.DecompressionBombError as error:
        raise UnusableInput(f"cannot be decoded as image ({short(error, 120)})", code="input.size") from None
    except Exception as error:
        reason = type(error).__name__ if isinstance(error, OSError) and error.filename else short(error, 120)
        raise UnusableInput(f"cannot be decoded as image ({reason or type(error).__name__})") from None


def _open(path: Path) -> Image.Image:
    with _opening, warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # refuse_size decides
        return Image.open(path, formats=_FORMATS)


def _shown_size(image: Image.Image) -> tuple[int, int]:
    """With square pixels, upright."""
    width_px, height_px = image.size
    aspect = _pixel_aspect(image)
    if aspect > 1:
        width_px = round(width_px * aspect)
    else:
        height_px = round(height_px / aspect)
    return (height_px, width_px) if _orientation(image) >= 5 else (width_px, height_px)


def _pixel_aspect(image: Image.Image) -> float:
    """Width ÷ height of a stored pixel, from the densities of PNG (pHYs) and JPEG (JFIF)."""
    across, down = image.info.get("aspect") or image.info.get("jfif_density") or image.info.get("dpi") or (1, 1)
    if across <= 0 or down <= 0 or not 1 / _WIDEST_PIXEL <= down / across <= _WIDEST_PIXEL:
        return 1.0
    aspect = float(down / across)
    return 1.0 if abs(aspect - 1) < 0.01 else aspect  # PNG rounds to whole pixels a metre


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # damaged EXIF says nothing
        return 1


def _upright(image: Image.Image, picture: Image.Image) -> Image.Image:
    if _orientation(image) == 1:
        return picture
    exif = Image.Exif()
    exif[_ORIENTATION] = _orientation(image)
    picture.info = {"exif": exif.tobytes()}
    return ImageOps.exif_transpose(picture)


def _in_srgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):
        values = np.asarray(image).astype(np.uint32)
        image = _with_info(Image.fromarray(((values + 128) // 257).astype(np.uint8)), image)
    alpha = image.convert("RGBA").getchannel("A") if image.has_transparency_data else None
    picture = _from_profile(image)
    if picture is None:
        picture = image.convert("RGBA").convert("RGB") if alpha else image.convert("RGB")
        picture = _from_gamma(picture, image)
    if alpha:
        behind = Image.new("RGB", picture.size, _BACKGROUND)
        behind.paste(picture, mask=alpha)
        picture = behind
    return picture


def _with_info(picture: Image.Image, of: Image.Image) -> Image.Image:
    picture.info = {name: value for name, value in of.info.items() if name != "transparency"}
    return picture


def _from_profile(image: Image.Image) -> Image.Image | None:
    """The picture in sRGB, None where there is no colour profile, or none that fits the picture."""
    stored = image.info.get("icc_profile")
    if not stored:
        return None
    try:
        profile = ImageCms.ImageCmsProfile(BytesIO(stored))
        mode = _MODE_OF_PROFILE.get(profile.profile.xcolor_space.strip())
        if mode is None or (mode == "CMYK") != (image.mode == "CMYK"):
            return None
        if mode == "RGB" and "srgb" in ImageCms.getProfileDescription(profile).lower():
            return None
        picture = image.convert(mode) if image.mode != mode else image
        return ImageCms.profileToProfile(picture, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):  # viewers ignore a damaged profile too
        return None


def _from_gamma(picture: Image.Image, image: Image.Image) -> Image.Image:
    """Of a PNG that says by a gAMA chunk alone how its values stand for light (PNG 3rd edition, 11.3.2.2)."""
    gamma = image.info.get("gamma")
    if not gamma or "srgb" in image.info or abs(gamma - _SRGB_GAMMA) < 0.02 or not 0.1 <= gamma <= 10:
        return picture
    light = (np.arange(256) / 255) ** (1 / gamma)
    encoded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return picture.point(np.rint(255 * encoded).astype(int).tolist() * 3)
