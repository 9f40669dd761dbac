"""Maya's ``.anim``, as its animImportExport plug-in reads it (Autodesk's "Anim File Format", version 1.1).

::

    animVersion 1.1;
    mayaVersion 2022;
    timeUnit ntscf;
    …
    anim jawOpen jawOpen blendShape1 0 0 17;
    animData {
      input time;
      output unitless;
      weighted 0;
      preInfinity constant;
      postInfinity constant;
      keys {
        0 0.25 linear linear 1 1 0;
      }
    }

Times are frames from 0 at the rates that the format has a word for (24, 25, 30, 48, 50, 60 …), else seconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import BinaryIO

from voxrig.errors import FormatError
from voxrig.types import Array
from voxrig_export.keys import Held, Keyed, target_names
from voxrig_export.take import Take, Writer

_UNITS = {15: "game", 24: "film", 25: "pal", 30: "ntsc", 48: "show", 50: "palf", 60: "ntscf"}
_HEAD = """animVersion 1.1;
mayaVersion 2022;
timeUnit {unit};
linearUnit cm;
angularUnit deg;
startTime 0;
endTime {end:.9g};
"""
_ANIM = """anim {path} {leaf} {node} 0 0 {index};
animData {{
  input time;
  output {output};
  weighted 0;
  preInfinity constant;
  postInfinity constant;
  keys {{
{keys}  }}
}}
"""
_RAW = "CTRL_expressions_"
_NAME = re.compile(r"[A-Za-z_|:][A-Za-z0-9_|:]*")


@dataclass(frozen=True)
class Plug:
    """An attribute of a node, where a curve goes in."""

    node: str
    attribute: str

    @property
    def moves(self) -> bool:
        """Whether it is a slider's position in centimetres and not a bare weight."""
        return self.attribute in ("translateX", "translateY")


class MayaAnim(Writer):
    """Holds the take and writes the file when it is whole."""

    def __init__(self, out: BinaryIO, take: Take) -> None:
        self._out, self._take, self._held = out, take, Held(take)
        self._plugs = plugs(take)

    def write(self, values: Array, start: int) -> None:
        """Append rows (t, c), of which the first is frame ``start``."""
        self._held.write(values)

    def finish(self, count: int) -> None:
        """Write the head, then each curve."""
        unit = _UNITS.get(self._take.fps.numerator) if self._take.fps.denominator == 1 else None
        scale = Fraction(1) if unit else 1 / self._take.fps
        end = float(max(count - 1, 0) * scale)
        self._out.write(_HEAD.format(unit=unit or "sec", end=end).encode())
        for index, curve in enumerate(self._held.keyed() if count else ()):
            plug = self._plugs[index]
            text = _ANIM.format(
                path=f"translate.{plug.attribute}" if plug.moves else plug.attribute,
                leaf=plug.attribute,
                node=plug.node,
                index=index,
                output="linear" if plug.moves else "unitless",
                keys="".join(_keys(curve, scale)),
            )
            self._out.write(text.encode())

    def release(self) -> None:
        """Let go of the rows."""
        self._held.release()


def plugs(take: Take) -> list[Plug]:
    """Where each curve of a take goes: ``mesh`` of the options names the blendShape node.

    A MetaHuman's raw controls are attributes of its node ``CTRL_expressions``; the controls of its board are
    moved, along Y or, where there are two, along X and Y. A name that the user gives may say the node, too:
    ``face.jaw``. Raises FormatError for what Maya cannot call a node or an attribute.
    """
    node = take.options.mesh or "blendShape1"
    named = zip(take.rig.curves, target_names(take), strict=True)
    return [_plug(take.rig.name, curve, name, node) for curve, name in named]


def _plug(rig: str, curve: str, name: str, node: str) -> Plug:
    if name == curve and rig == "metahuman-controls":
        control, _, axis = curve.partition(".")
        plug = Plug(control, f"translate{axis or 'Y'}")
    elif name == curve and curve.startswith(_RAW):
        plug = Plug(_RAW[:-1], curve.removeprefix(_RAW))
    elif "." in name:
        plug = Plug(*name.split(".", 1))
    else:
        plug = Plug(node, name)
    for text in (plug.node, plug.attribute):
        if not _NAME.fullmatch(text):
            raise FormatError(
                f"Maya has no node or attribute '{text}' for {curve}; names hold letters, digits, _ : |"
            )
    return plug


def _keys(curve: Keyed, scale: Fraction) -> Iterator[str]:
    for frame, value in zip(curve.frames.tolist(), curve.values.tolist(), strict=True):
        time = frame * scale.numerator / scale.denominator
        yield f"    {time:.9g} {value:.6g} linear linear 1 1 0;\n"
