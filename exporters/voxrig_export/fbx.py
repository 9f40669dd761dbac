"""FBX: the avatar with the take as its animation, for Unreal, Unity, Maya, 3ds Max, MotionBuilder, Cinema 4D.

FBX has no open specification, so Blender writes it: the take is put on the avatar as a GLB (see ``glb``:
the same avatars, names and errors), and an interpreter with Blender's module ``bpy`` turns that into FBX.
Of several animations in an avatar only the take goes along; its pictures do too. Each shape is a blend
shape channel that bears its name, with one linear key a frame in percent; frame 0 stands at 0 s. Without a
frame there is no animation.

Needs the package bpy: some 350 MB to fetch, and one version of Python for each version of Blender.
"""

from __future__ import annotations

import importlib.util
import io
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

from voxrig.avatar import glb_file
from voxrig.errors import FormatError, OutputError, one_line
from voxrig.types import Array
from voxrig_export import fbx_in_blender
from voxrig_export.glb import GlbTake
from voxrig_export.take import Take, Writer

_MISSING = (
    "fbx needs the package bpy, which is Blender 5 for Python 3.11 (this is {}.{}); pip install 'voxrig[fbx]'"
)


@dataclass(frozen=True)
class Blender:
    """The interpreter that turns a GLB into FBX, and how long it may take."""

    python: str = sys.executable
    """One that can import bpy."""
    patience: float = 300.0
    """Seconds that a file may take, whatever its length,"""
    patience_a_frame: float = 0.05
    """and those that each frame adds."""

    def check(self) -> None:
        """Raise FormatError where it is known beforehand that bpy is missing."""
        if self.python == sys.executable and importlib.util.find_spec("bpy") is None:
            raise FormatError(_MISSING.format(*sys.version_info))

    def convert(self, glb: Path, fbx: Path, fps: Fraction, count: int) -> None:
        """Make an FBX of ``count`` frames. Raises FormatError without bpy, OutputError if Blender fails."""
        script = Path(fbx_in_blender.__file__)
        numbers = map(str, (fps.numerator, fps.denominator, count))
        # -P: this package's own modules must not stand in for Blender's of the same name.
        command = [self.python, "-P", str(script), str(glb), str(fbx), *numbers]
        limit = self.patience + self.patience_a_frame * count
        try:
            done = subprocess.run(
                command,
                env={**os.environ, "PYTHONHASHSEED": "0"},  # Blender numbers its objects by hash
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=limit,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise OutputError(f"cannot write fbx: Blender was not done after {limit:.3g} s") from error
        if done.returncode == fbx_in_blender.NO_BLENDER:
            raise FormatError(_MISSING.format(*sys.version_info))
        if done.returncode or not fbx.exists():
            log = [line for line in done.stdout.decode(errors="replace").splitlines() if line.strip()]
            last = one_line(log[-1].strip()) if log else "it said nothing"
            raise OutputError(f"cannot write fbx: Blender failed with status {done.returncode}: {last}")


class Fbx(Writer):
    """Keeps the take as a GLB under way, and has Blender convert it when it is whole."""

    def __init__(self, out: BinaryIO, take: Take, blender: Blender | None = None) -> None:
        self._out, self._take, self._blender = out, take, blender or Blender()
        self._blender.check()
        self._file = io.BytesIO()
        self._glb = GlbTake(self._file, take)

    def write(self, values: Array, start: int) -> None:
        """Keep rows (t, c), of which the first is frame ``start``."""
        self._glb.write(values, start)

    def finish(self, count: int) -> None:
        """Write the file of ``count`` frames."""
        self._glb.finish(count)
        with tempfile.TemporaryDirectory(prefix=".voxrig-", dir=self._take.folder) as scratch:
            folder = Path(scratch).absolute()
            with (folder / "take.glb").open("wb") as file:
                glb_file.write(file, _alone(self._file, count))
            self._blender.convert(folder / "take.glb", folder / "take.fbx", self._take.fps, count)
            with (folder / "take.fbx").open("rb") as made:
                shutil.copyfileobj(made, self._out)

    def release(self) -> None:
        """Forget the take."""
        self._glb.release()
        self._file.close()


def _alone(file: io.BytesIO, count: int) -> glb_file.Glb:
    """The file with no animation but the last, which is the take: Blender would show the first."""
    file.seek(0)
    glb = glb_file.read(file)
    kept = glb_file.entries(glb.document, "animations")[-1:] if count else []
    document = {key: value for key, value in glb.document.items() if key != "animations"}
    return glb_file.Glb(document | ({"animations": kept} if kept else {}), glb.binary, glb.others)
