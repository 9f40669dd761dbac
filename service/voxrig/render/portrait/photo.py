"""Pictures of people as arrays: (h, w, 3) sRGB, upright, of a sane size."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from voxrig.avatar.figure import Picture
from voxrig.errors import FormatError, one_line

LARGEST = 50_000_000
"""Pixels that a photo may have: as many as the cameras of telephones give."""
_KEPT = 2048
"""Pixels of the longer side that are kept."""


def read(file: Path | BinaryIO, name: str = "") -> Picture:
    """The photo in a file, turned upright, grey made colour and transparency laid on grey.

    ``name`` is for sentences. Raises FormatError for what is no picture, or too large a one.
    """
    name = name or str(file)
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            opened = Image.open(file)
        with opened:
            if opened.width * opened.height > LARGEST:
                raise FormatError(_too_large(name, f"{opened.width} × {opened.height}"))
            opened.draft("RGB", (_KEPT, _KEPT))
            upright = ImageOps.exif_transpose(opened)
            upright.thumbnail((_KEPT, _KEPT), Image.Resampling.LANCZOS)
            return _plain(upright)
    except Image.DecompressionBombError as error:
        raise FormatError(_too_large(name, "far more")) from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        reason = getattr(error, "strerror", None) or one_line(str(error)[:120])
        raise FormatError(f"cannot read photo {name}: {reason}; give a PNG, JPEG or WebP file") from error


def _too_large(name: str, pixels: str) -> str:
    most = LARGEST // 1_000_000
    return f"photo {name} has {pixels} pixels; at most {most} million may be given, so scale it down first"


def _plain(image) -> Picture:  # type: ignore[no-untyped-def]
    """Any mode of PIL as sRGB without alpha."""
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        grey = np.asarray(image, np.float64)
        top = 65535.0 if grey.max() > 255 else 255.0
        level = np.clip(grey / top * 255 + 0.5, 0, 255).astype(np.uint8)
        return np.repeat(level[..., None], 3, axis=2)
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        both = np.asarray(image.convert("RGBA"), np.float32)
        alpha = both[..., 3:] / 255
        return np.asarray(both[..., :3] * alpha + 128 * (1 - alpha) + 0.5).astype(np.uint8)
    return np.asarray(image.convert("RGB"))


def checked(photo: NDArray[np.uint8]) -> Picture:
    """The same array. Raises ValueError unless it is (h, w, 3) uint8."""
    if photo.ndim != 3 or photo.shape[2] != 3 or photo.dtype != np.uint8:
        raise ValueError(f"a photo must be (h, w, 3) uint8, got {photo.shape} {photo.dtype}")
    return photo


def resized(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """A picture (h, w, 3) uint8 or mask (h, w) float32 at another size, sharply."""
    from PIL import Image

    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.LANCZOS))


def sampled(picture: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A picture (h, w) or (h, w, c) at places in pixels, whole numbers at pixels' corners: float32.

    Between pixels it is blended; beyond the border the border goes on.
    """
    h, w = picture.shape[:2]
    px, py = np.clip(x - 0.5, 0, w - 1), np.clip(y - 0.5, 0, h - 1)
    ix, iy = np.minimum(px.astype(np.int64), max(w - 2, 0)), np.minimum(py.astype(np.int64), max(h - 2, 0))
    jx, jy = np.minimum(ix + 1, w - 1), np.minimum(iy + 1, h - 1)
    fx, fy = (px - ix).astype(np.float32), (py - iy).astype(np.float32)
    if picture.ndim == 3:
        fx, fy = fx[..., None], fy[..., None]
    top = picture[iy, ix] * (1 - fx) + picture[iy, jx] * fx
    return np.asarray(top * (1 - fy) + (picture[jy, ix] * (1 - fx) + picture[jy, jx] * fx) * fy, np.float32)
