"""What scripts for editors have in common: Python files that carry their keys and settings as text.

A script is a template in which words between @ are replaced. Keys stand in it as JSON inside a raw string,
so that Python need not compile them, however many there are. The text is ASCII, whatever names hold.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from fractions import Fraction

from voxrig_export.keys import Keyed


def script(template: str, settings: Mapping[str, object], curves: Sequence[Mapping[str, object]]) -> bytes:
    """The template with ``@NAME@`` replaced by the setting NAME as a literal, ``@CURVES@`` by the curves."""
    texts = {name: ascii(value) for name, value in settings.items()} | {"CURVES": _embedded(curves)}
    return re.sub("@([A-Z]+)@", lambda word: texts[word[1]], template).encode("ascii")


def keys(curve: Keyed) -> dict[str, object]:
    """Frames and values of a curve, to six digits, as JSON takes them."""
    return {"frames": curve.frames.tolist(), "values": [float(f"{v:.6g}") for v in curve.values.tolist()]}


def rate(fps: Fraction) -> tuple[int, int]:
    """Frames a second, as a script says them: numerator and denominator."""
    return fps.numerator, fps.denominator


def _embedded(curves: Sequence[Mapping[str, object]]) -> str:
    """A JSON list, one curve a line; it never has three quotes in a row, so raw triple quotes can hold it."""
    lines = (json.dumps(curve, separators=(",", ":")) for curve in curves)
    return "[\n" + ",\n".join(lines) + "\n]"
