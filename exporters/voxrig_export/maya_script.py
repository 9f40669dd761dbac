"""A Python script for Maya's Script Editor that keys a face: blend shapes, or the controls of a MetaHuman.

It carries the keys, says which attributes it did not find, and leaves the scene's rate alone: keys lie at
their time in seconds after START.
"""

from __future__ import annotations

from typing import BinaryIO

from voxrig.types import Array
from voxrig_export.editor_script import keys, rate, script
from voxrig_export.keys import Held
from voxrig_export.maya_anim import plugs
from voxrig_export.take import Take, Writer

_SCRIPT = r'''"""Face animation by voxrig. Run it in Maya's Script Editor, as Python."""
import json

from maya import cmds

START = 0.0  # seconds: where the first frame goes
RATE = @RATE@  # frames a second, as a fraction
FRAMES = @FRAMES@
CURVES = json.loads(r"""@CURVES@""")


def when(frame):
    """A time with its unit, so that the scene may run at any rate."""
    return "%.9gsec" % (START + frame * RATE[1] / float(RATE[0]))


def key(plug, frames, values):
    """Straight lines through the keys, in place of what the take covers."""
    cmds.cutKey(plug, time=(when(0), when(FRAMES - 1)), clear=True)
    for frame, value in zip(frames, values):
        cmds.setKeyframe(plug, time=when(frame), value=value, inTangentType="linear", outTangentType="linear")


def main():
    missing = []
    undo = cmds.undoInfo(query=True, state=True)
    cmds.undoInfo(stateWithoutFlush=False)  # so many keys would push all else out of it
    cmds.refresh(suspend=True)
    try:
        for curve in CURVES:
            plug = "%s.%s" % (curve["node"], curve["attribute"])
            if cmds.objExists(plug):
                key(plug, curve["frames"], curve["values"])
            else:
                missing.append(plug)
    finally:
        cmds.refresh(suspend=False)
        cmds.undoInfo(stateWithoutFlush=undo)
    if missing:
        cmds.warning("voxrig: %d of %d attributes are not in the scene: %s"
                     % (len(missing), len(CURVES), ", ".join(missing)))
    print("voxrig: keyed %d attributes, %d frames" % (len(CURVES) - len(missing), FRAMES))


main()
'''


class MayaScript(Writer):
    """Holds the take and writes the script when it is whole."""

    def __init__(self, out: BinaryIO, take: Take) -> None:
        self._out, self._take, self._held = out, take, Held(take)
        self._plugs = plugs(take)

    def write(self, values: Array, start: int) -> None:
        """Append rows (t, c), of which the first is frame ``start``."""
        self._held.write(values)

    def finish(self, count: int) -> None:
        """Write the script."""
        curves = zip(self._plugs, self._held.keyed() if count else (), strict=count > 0)
        rows = [{"node": plug.node, "attribute": plug.attribute, **keys(curve)} for plug, curve in curves]
        settings = {"RATE": rate(self._take.fps), "FRAMES": count}
        self._out.write(script(_SCRIPT, settings, rows))

    def release(self) -> None:
        """Let go of the rows."""
        self._held.release()
