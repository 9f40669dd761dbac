"""Saying that a picture was made: a small AI in its corner, and words for the files that hold it."""

from __future__ import annotations

from xml.sax.saxutils import escape

import numpy as np

from voxrig.avatar.figure import Picture
from voxrig.types import Array

NOTE = "AI-generated: a photo animated by speech with voxrig"
SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeSynthetic"
"""IPTC's word for a picture of which parts were made by a machine: here, of a real photo all that moves."""
_TALL = 0.047
"""Height of the mark in parts of the picture's."""
_SEEN = 0.62
"""How much of the mark covers the picture."""
_LETTERS = (
    (0.62, 0.76, 0.86, 0.24), (0.86, 0.24, 1.10, 0.76), (0.71, 0.58, 1.01, 0.58),  # A
    (1.36, 0.24, 1.36, 0.76),  # I
)  # fmt: skip
"""Strokes from x, y to x, y, in heights of the mark."""
_WIDE = 1.96
"""Width of the mark in its heights."""


def texts() -> dict[str, str]:
    """What to write into a file beside the picture: names of PNG text chunks and MP4 tags, and their words.

    >>> texts()["comment"]
    'AI-generated: a photo animated by speech with voxrig'
    """
    return {
        "comment": NOTE,
        "description": NOTE,
        "keywords": "AI-generated, synthetic",
        "DigitalSourceType": SOURCE_TYPE,
    }


def xmp() -> str:
    """An XMP packet that says the same: for a PNG's iTXt chunk XML:com.adobe.xmp, or a file beside a film."""
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
        f'Iptc4xmpExt:DigitalSourceType="{escape(SOURCE_TYPE)}"><dc:description><rdf:Alt>'
        f'<rdf:li xml:lang="x-default">{escape(NOTE)}</rdf:li></rdf:Alt></dc:description></rdf:Description>'
        '</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    )


def drawn(size: int) -> Array:
    """The mark for pictures of size × size: (h, w, 4) colours 0..255 times alpha, and alpha 0..1."""
    tall = max(12, round(size * _TALL))
    fine = 4
    x = (np.arange(round(tall * _WIDE) * fine) + 0.5) / (tall * fine)
    y = (np.arange(tall * fine) + 0.5) / (tall * fine)
    x, y = np.meshgrid(x, y)
    pill = _stroke(x, y, (0.5, 0.5, _WIDE - 0.5, 0.5)) < 0.5
    letters = np.min([_stroke(x, y, stroke) for stroke in _LETTERS], axis=0) < 0.058
    alpha = (pill * _SEEN + letters * (1 - _SEEN) * 0.9) * pill
    colour = np.where(letters & pill, 245.0, 24.0) * alpha
    whole = np.stack([colour, colour, colour, alpha], -1)
    h, w = tall, round(tall * _WIDE)
    return np.ascontiguousarray(whole.reshape(h, fine, w, fine, 4).mean((1, 3)), np.float32)


def stamped(picture: Picture, mark: Array) -> None:
    """Lays the mark into the lower right corner of a picture, in place."""
    h, w = mark.shape[:2]
    gap = max(2, h // 3)
    corner = picture[-gap - h : -gap, -gap - w : -gap]
    corner[:] = np.clip(corner * (1 - mark[..., 3:]) + mark[..., :3] + 0.5, 0, 255).astype(np.uint8)


def _stroke(x: np.ndarray, y: np.ndarray, ends: tuple[float, float, float, float]) -> np.ndarray:
    """How far places are from a line between two ends."""
    ax, ay, bx, by = ends
    dx, dy = bx - ax, by - ay
    t = np.clip(((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy), 0, 1)
    return np.asarray(np.hypot(x - ax - t * dx, y - ay - t * dy))
