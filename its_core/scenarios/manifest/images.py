"""Conditioning images and videos that a manifest names: only from allowed places, small enough, and whole."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from operator import methodcaller
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from its_core import storage, video
from its_core.scenarios.manifest.suggestions import short
from its_core.storage import Denied, NotAuthenticated, NotThere, StorageError, UnusableUrl, input_cache

MAX_BYTES = 50 * 2**20
MAX_PIXELS = 64_000_000
MIN_SIDE_PX = 64
# A sliver of an image, scaled until it covers the clip's frame, would fill the memory.
MAX_ASPECT = 8.0
IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp"}
VIDEO_SUFFIXES = {".mp4"}

_MAX_URL_BYTES = 1024 + 70  # S3's own limit of a key, and of a bucket's name
_FETCHES = 8  # at a time, local or remote
_decoding = threading.BoundedSemaphore(2)  # a 64-megapixel image takes 256 MB decoded
_opening = threading.Lock()  # warning filters are the process's


@dataclass(frozen=True, slots=True)
class Input:
    """An input that can be used: a local file and what is in it."""

    path: str
    sha256: str


class InputChecker:
    """Checks each distinct input once.

    Args:
        base_folder: what relative paths start from: a local folder or an s3:// prefix.
        allowed: local folders and s3:// prefixes that inputs may be read from, links followed.
        folder: where remote inputs are laid for as long as their clips need them: links into this machine's cache
            where the disk allows, so that the cache may forget them.
    """

    def __init__(self, base_folder: str, allowed: Sequence[str], folder: Path) -> None:
        self._base = base_folder
        self._allowed = allowed
        self._folder = folder
        self._checked: dict[str, Input | str] = {}

    def check(self, given: Iterable[str]) -> dict[str, Input | str]:
        """For each text of a manifest, the input it stands for or why it cannot be used.

        Raises:
            StorageError: nothing can be said about a row, because the server does not answer, the credentials open
                nothing or the disk is full.
        """
        distinct = set(given)
        new = sorted(distinct - self._checked.keys())
        if new:
            with ThreadPoolExecutor(_FETCHES) as pool:
                self._checked.update(zip(new, pool.map(self._check, new), strict=True))
        return {each: self._checked[each] for each in distinct}

    def _check(self, given: str) -> Input | str:
        try:
            path = self._fetched(given if storage.is_absolute(given) else storage.join(self._base, given))
            return Input(str(path), _checked_sha256(path))
        except _UnusableError as error:
            return str(error)

    def _fetched(self, url: str) -> Path:
        try:
            if not any(storage.contains(place, url) for place in self._allowed):
                named = ", ".join(self._allowed) or "none"
                raise _UnusableError(f"lies outside the allowed inputs ({named}); move it there or allow its place")
            if len(url.encode()) > _MAX_URL_BYTES:
                raise _UnusableError(f"is longer than {_MAX_URL_BYTES} bytes")
            storage.stat(url)
            _kind(url)
            with input_cache.of_this_machine() as cache:
                return cache.fetch_into(url, self._folder, _refuse_bytes).resolve()
        except NotAuthenticated:
            raise
        except UnusableUrl as error:
            raise _UnusableError("is neither a local path nor an s3:// URL") from error
        except NotThere as error:
            special = error.code == "storage.not_a_file"
            raise _UnusableError("is not a regular file" if special else "does not exist") from None
        except Denied:
            raise _UnusableError("may not be read with these credentials") from None
        except StorageError:
            raise
        except (OSError, RuntimeError) as error:  # no permission, a loop of links, a name too long
            raise _UnusableError(f"cannot be read ({type(error).__name__})") from error


def forget_inputs(folder: Path, needed: Iterable[str]) -> None:
    """Removes the remote inputs that ``folder`` holds and no clip needs any more; ``needed`` are paths."""
    if folder.is_dir() and (names := {each.name for each in folder.iterdir()}):
        names -= {Path(path).name for path in needed}
        for name in names:
            storage.remove_tree(str(folder / name))


class _UnusableError(Exception):
    pass


def _kind(name: str) -> str:
    suffix = Path(name).suffix.lower()
    if suffix in IMAGE_SUFFIXES:
        return "image"
    if suffix in VIDEO_SUFFIXES:
        return "video"
    raise _UnusableError(f"is a {suffix or 'file without ending'}; use png, jpg, jpeg, webp or mp4")


def _refuse_bytes(size_bytes: int) -> None:
    if size_bytes > MAX_BYTES:
        raise _UnusableError(f"has {size_bytes / 2**20:.1f} MiB; at most {MAX_BYTES // 2**20} are read")
    if size_bytes == 0:
        raise _UnusableError("is empty")


def _refuse_size(width_px: int, height_px: int) -> None:
    size = f"is {width_px}×{height_px} pixels"
    if width_px * height_px > MAX_PIXELS:
        raise _UnusableError(f"{size}; at most {MAX_PIXELS // 10**6} megapixels are read")
    if min(width_px, height_px) < MIN_SIDE_PX:
        raise _UnusableError(f"{size}; each side needs {MIN_SIDE_PX} at least")
    if max(width_px, height_px) > MAX_ASPECT * min(width_px, height_px):
        raise _UnusableError(f"{size}; one side may be {MAX_ASPECT:g} times the other at most")


def _checked_sha256(path: Path) -> str:
    kind = _kind(path.name)
    try:
        _refuse_bytes(path.stat().st_size)
        with _decoding:
            (_decode_image if kind == "image" else _decode_video)(path)
        return storage.sha256_file(path)
    except _UnusableError:
        raise
    except UnidentifiedImageError as error:
        raise _UnusableError("is not a PNG, JPEG or WebP image") from error
    except Exception as error:  # decoders raise all sorts of things on broken files
        raise _UnusableError(f"cannot be decoded as {kind} ({short(error, 120) or type(error).__name__})") from error


def _decode_image(path: Path) -> None:
    for look in (methodcaller("verify"), methodcaller("load")):  # checksums first; they use the image up
        with _opening, warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the size is checked here
            image = Image.open(path, formats=("PNG", "JPEG", "WEBP"))
        with image:
            _refuse_size(image.width, image.height)
            look(image)


def _decode_video(path: Path) -> None:
    probe = video.probe(path)  # MP4 and nothing else: a playlist in disguise opens no other file
    _refuse_size(probe.width_px, probe.height_px)
    if next(video.read_frames(path), None) is None:
        raise _UnusableError("has no frame that can be decoded")
