"""A Unity animation clip, ``.anim``: YAML that drives blend shapes of one renderer, no script needed.

::

    - curve:
        m_Curve:
        - serializedVersion: 3
          time: 0.25
          value: 31.25
          inSlope: 120
          outSlope: -40
      attribute: blendShape.jawOpen
      path: Body/Head
      classID: 137

Blend shapes run from 0 to 100 in Unity. ``mesh`` of the options is the path of the renderer below the
object that holds the Animator, empty for that object itself. Keys are joined by straight lines: every
slope is that of the line to the next key, and tangent mode 69 tells the editor so. Class 137 is the
SkinnedMeshRenderer; bindings name path and attribute by their CRC-32 (custom type 20 is a blend shape).
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from voxrig.errors import FormatError
from voxrig.types import Array, Rig
from voxrig_export.keys import Held, Keyed
from voxrig_export.take import Take, Writer

_HEAD = """%YAML 1.1
%TAG !u! tag:unity3d.com,2011:
--- !u!74 &7400000
AnimationClip:
  m_ObjectHideFlags: 0
  m_CorrespondingSourceObject: {{fileID: 0}}
  m_PrefabInstance: {{fileID: 0}}
  m_PrefabAsset: {{fileID: 0}}
  m_Name: {name}
  serializedVersion: 6
  m_Legacy: 0
  m_Compressed: 0
  m_UseHighQualityCurve: 1
  m_RotationCurves: []
  m_CompressedRotationCurves: []
  m_EulerCurves: []
  m_PositionCurves: []
  m_ScaleCurves: []
  m_FloatCurves:{none}
"""
_CURVE = """  - curve:
      serializedVersion: 2
      m_Curve:
{keys}      m_PreInfinity: 2
      m_PostInfinity: 2
      m_RotationOrder: 4
    attribute: {attribute}
    path: {path}
    classID: 137
    script: {{fileID: 0}}
"""
_KEY = """      - serializedVersion: 3
        time: %.9g
        value: %.7g
        inSlope: %.9g
        outSlope: %.9g
        tangentMode: 69
        weightedMode: 0
        inWeight: 0.33333334
        outWeight: 0.33333334
"""
_MIDDLE = """  m_PPtrCurves: []
  m_SampleRate: {rate:.9g}
  m_WrapMode: 0
  m_Bounds:
    m_Center: {{x: 0, y: 0, z: 0}}
    m_Extent: {{x: 0, y: 0, z: 0}}
  m_ClipBindingConstant:
    genericBindings:{none}
"""
_BINDING = """    - serializedVersion: 2
      path: {path}
      attribute: {attribute}
      script: {{fileID: 0}}
      typeID: 137
      customType: 20
      isPPtrCurve: 0
"""
_TAIL = """    pptrCurveMapping: []
  m_AnimationClipSettings:
    serializedVersion: 2
    m_AdditiveReferencePoseClip: {{fileID: 0}}
    m_AdditiveReferencePoseTime: 0
    m_StartTime: 0
    m_StopTime: {stop:.9g}
    m_OrientationOffsetY: 0
    m_Level: 0
    m_CycleOffset: 0
    m_HasAdditiveReferencePose: 0
    m_LoopTime: 0
    m_LoopBlend: 0
    m_LoopBlendOrientation: 0
    m_LoopBlendPositionY: 0
    m_LoopBlendPositionXZ: 0
    m_KeepOriginalOrientation: 0
    m_KeepOriginalPositionY: 1
    m_KeepOriginalPositionXZ: 0
    m_HeightFromFeet: 0
    m_Mirror: 0
  m_EditorCurves: []
  m_EulerEditorCurves: []
  m_HasGenericRootTransform: 0
  m_HasMotionFloatCurves: 0
  m_Events: []
"""

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*( [A-Za-z0-9_./-]+)*")
_WORDS = frozenset("null true false yes no on off y n".split())


class UnityAnim(Writer):
    """Holds the take and writes the clip when it is whole."""

    def __init__(self, out: BinaryIO, take: Take) -> None:
        check_weights(take.rig, "unity-anim")
        self._out, self._take, self._held = out, take, Held(take)

    def write(self, values: Array, start: int) -> None:
        """Append rows (t, c), of which the first is frame ``start``."""
        self._held.write(values)

    def finish(self, count: int) -> None:
        """Write curves, bindings and settings."""
        curves = self._held.keyed() if count else []
        options, rate = self._take.options, float(self._take.fps)
        name = options.asset.rpartition("/")[2].removesuffix(".anim") or "voxrig"
        none = "" if curves else " []"
        self._out.write(_HEAD.format(name=_scalar(name), none=none).encode())
        for curve in curves:
            text = _CURVE.format(
                keys="".join(_keys(curve, rate)),
                attribute=_scalar(f"blendShape.{curve.name}"),
                path=_scalar(options.mesh),
            )
            self._out.write(text.encode())
        self._out.write(_MIDDLE.format(rate=rate, none=none).encode())
        path = zlib.crc32(options.mesh.encode())
        for curve in curves:
            attribute = zlib.crc32(f"blendShape.{curve.name}".encode())
            self._out.write(_BINDING.format(path=path, attribute=attribute).encode())
        self._out.write(_TAIL.format(stop=max(count - 1, 0) / rate).encode())

    def release(self) -> None:
        """Let go of the rows."""
        self._held.release()


def check_weights(rig: Rig, format: str) -> None:
    """Raise FormatError if a curve of the rig is no weight of 0 to 1, which is all a blend shape can show."""
    for curve, low, high in zip(rig.curves, rig.low, rig.high, strict=True):
        if low < 0 or high > 1:
            raise FormatError(
                f"{format} holds weights of 0 to 1, but {curve} of rig {rig.name} "
                f"runs from {low:.3g} to {high:.3g}"
            )


def _keys(curve: Keyed, rate: float) -> Iterator[str]:
    times, values = curve.frames / rate, 100.0 * curve.values.astype(np.float64)
    slopes = np.diff(values) / np.diff(times)
    arriving, leaving = slopes.tolist(), slopes.tolist()
    # Before the first key and after the last the curve stands still.
    arriving, leaving = [0.0, *arriving], [*leaving, 0.0]
    for key in zip(times.tolist(), values.tolist(), arriving, leaving, strict=True):
        yield _KEY % key


def _scalar(text: str) -> str:
    """A text in YAML, quoted where it could be taken for something else."""
    if not text:
        return ""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    safe = (c if c.isprintable() and c not in '"\\' else f"\\U{ord(c):08X}" for c in text)
    return f'"{"".join(safe)}"'
