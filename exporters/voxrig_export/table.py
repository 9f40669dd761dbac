"""The table of curve formats: what each is called, what it holds, which class writes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import BinaryIO

from voxrig.errors import FormatError, unknown
from voxrig.types import Rig
from voxrig_export.a2f_csv import A2fCsv
from voxrig_export.a2f_json import A2fJson
from voxrig_export.blender_script import BlenderScript
from voxrig_export.csv_curves import CsvCurves
from voxrig_export.fbx import Fbx
from voxrig_export.glb import GlbTake
from voxrig_export.json_curves import JsonCurves
from voxrig_export.livelink_csv import LivelinkCsv
from voxrig_export.maya_anim import MayaAnim
from voxrig_export.maya_script import MayaScript
from voxrig_export.moho import Moho
from voxrig_export.npz import Npz
from voxrig_export.options import Options
from voxrig_export.phone_srt import PhoneSrt
from voxrig_export.rhubarb import RhubarbJson, RhubarbTsv
from voxrig_export.take import Take, Writer
from voxrig_export.unity_anim import UnityAnim
from voxrig_export.unreal_script import UnrealScript
from voxrig_export.usd import Usda, Usdc
from voxrig_export.viseme_timeline import VisemeCsv, VisemeJson
from voxrig_export.vrma import Vrma

_A2F_RIGS = ("arkit", "a2f", "a2f-52")


@dataclass(frozen=True)
class Format:
    """One kind of curve file."""

    name: str
    suffix: str
    """With its dot. Several formats may share one; the first in the table is picked by suffix."""
    description: str
    """One line for a list of formats."""
    rigs: tuple[str, ...] | None
    """Names of the rigs that it can hold; None is any."""
    default_rig: str
    """What to write when the user names no rig."""
    writer: Callable[[BinaryIO, Take], Writer]
    seekable: bool = False
    """Needs a file on disk: it cannot go to a pipe or to standard output."""
    options: tuple[str, ...] = ()
    """The fields of ``Options`` that it has a use for."""
    whole: bool = False
    """Holds the take until it is whole, instead of writing frames as they come."""

    def check(self, rig: Rig) -> None:
        """Raise FormatError if this format cannot hold the rig."""
        if self.rigs is not None and rig.name not in self.rigs:
            kind = "rig" if len(self.rigs) == 1 else "rigs"
            raise FormatError(f"{self.name} holds {kind} {', '.join(self.rigs)}, not {rig.name}")

    def check_options(self, options: Options) -> None:
        """Raise FormatError for an option that is set and means nothing here."""
        for name in options.given():
            if name not in self.options:
                able = ", ".join(entry.name for entry in FORMATS if name in entry.options)
                raise FormatError(f"{self.name} has no use for --{name}; {able or 'no format'} has")


_VRMA_RIGS = ("vrm1", "arkit", "a2f-52", "a2f")
_SHAPE_RIGS = ("arkit", "a2f", "a2f-52", "metahuman", "metahuman-v3", "vrm0", "vrm1", "visemes")
_PHONE_RIGS = ("native", "visemes")
_KEYS = ("tolerance", "mesh", "names")
_HEAD = ("tolerance", "mesh", "names", "avatar")

FORMATS: tuple[Format, ...] = (
    # Tables: a row a frame, as they come.
    Format("csv", ".csv", "table: time_s, then one column a curve", None, "arkit", CsvCurves),
    Format("json", ".json", "voxrig-curves 1: rig, rate, names and rows", None, "arkit", JsonCurves),
    Format("npz", ".npz", "NumPy archive, exact values", None, "arkit", Npz, seekable=True),
    Format("a2f-json", ".json", "NVIDIA Audio2Face export", _A2F_RIGS, "arkit", A2fJson),
    Format("a2f-csv", ".csv", "NVIDIA Audio2Face-3D client table", _A2F_RIGS, "a2f", A2fCsv),
    Format("livelink-csv", ".csv", "Live Link Face recording", ("livelink",), "livelink", LivelinkCsv),
    # What editors and engines import: keys that can be edited, whole takes.
    Format(
        "unity", ".anim", "Unity animation clip of blend shapes", _SHAPE_RIGS, "arkit", UnityAnim,
        options=(*_KEYS, "asset"), whole=True,
    ),
    Format(
        "unreal", ".py", "Python script that makes the animation in the Unreal Editor", None, "metahuman",
        UnrealScript, options=(*_KEYS, "asset", "skeleton"), whole=True,
    ),
    Format("maya", ".anim", "Maya animation file", None, "arkit", MayaAnim, options=_KEYS, whole=True),
    Format(
        "maya-script", ".py", "Python script that keys a face in Maya", None, "arkit", MayaScript,
        options=_KEYS, whole=True,
    ),
    Format(
        "blender", ".py", "Python script that animates shape keys in Blender", None, "arkit", BlenderScript,
        options=(*_KEYS, "asset"), whole=True,
    ),
    # Scenes: a head and its animation.
    Format(
        "glb", ".glb", "your GLB or VRM, or our head, with the take as its animation", None, "arkit", GlbTake,
        options=_HEAD, whole=True,
    ),
    Format("vrma", ".vrma", "VRM animation 1.0", _VRMA_RIGS, "vrm1", Vrma, options=_KEYS, whole=True),
    Format("usda", ".usda", "USD text: UsdSkel blend shapes", None, "arkit", Usda, options=_HEAD, whole=True),
    Format(
        "usdc", ".usdc", "USD binary: UsdSkel blend shapes", None, "arkit", Usdc,
        seekable=True, options=_HEAD, whole=True,
    ),
    Format(
        "fbx", ".fbx", "FBX of the same head, made by Blender", None, "arkit", Fbx,
        seekable=True, options=("mesh", "names", "avatar"), whole=True,
    ),
    # Mouth shapes and phones in time.
    Format(
        "rhubarb", ".tsv", "Rhubarb Lip Sync mouth cues", _PHONE_RIGS, "native", RhubarbTsv, whole=True
    ),
    Format("rhubarb-json", ".json", "the same in JSON", _PHONE_RIGS, "native", RhubarbJson, whole=True),
    Format("moho", ".dat", "Moho and OpenToonz switch data", _PHONE_RIGS, "native", Moho, whole=True),
    Format("visemes-json", ".json", "viseme timeline", ("visemes",), "visemes", VisemeJson, whole=True),
    Format("visemes-csv", ".csv", "viseme timeline", ("visemes",), "visemes", VisemeCsv, whole=True),
    Format("phones-srt", ".srt", "phones as subtitles", ("native",), "native", PhoneSrt, whole=True),
)  # fmt: skip


def formats() -> tuple[Format, ...]:
    """Every format, in the order of the table."""
    return FORMATS


def format_for(path: str | PathLike[str], format: str | None = None) -> Format:
    """The format of a name, or without one of a path's suffix. Raises FormatError for neither.

    ``format_for("talk.csv")`` is csv; ``format_for("talk.csv", "a2f-csv")`` is a2f-csv.
    """
    names = [entry.name for entry in FORMATS]
    if format is not None:
        if format not in names:
            raise FormatError(unknown("format", format, names))
        return FORMATS[names.index(format)]
    if fspath(path) == "-":
        raise FormatError(f"standard output has no suffix: name a format; have {', '.join(names)}")
    suffix = Path(path).suffix.lower()
    for entry in FORMATS:
        if entry.suffix == suffix:
            return entry
    raise FormatError(unknown("format", suffix or Path(path).name, names))
