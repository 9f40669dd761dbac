"""A Python script for Blender's Text Editor that animates shape keys of one object.

``mesh`` of the options names the object; empty is the active one. The script carries the keys, makes an
action of its own and fills its curves in one call each. It leaves the scene's rate alone: keys lie at their
time after the frame START. Blender 2.8 to 5: since 4.4 an action's curves belong to a slot of it.
"""

from __future__ import annotations

from typing import BinaryIO

from voxrig.types import Array
from voxrig_export.editor_script import keys, rate, script
from voxrig_export.keys import Held
from voxrig_export.take import Take, Writer

_SCRIPT = r'''"""Face animation by voxrig. Run it in Blender's Text Editor."""
import json

import bpy

OBJECT = @OBJECT@  # name of the mesh object; empty is the active one
ACTION = @ACTION@
START = 1.0  # scene frame of the first frame
RATE = @RATE@  # frames a second of the take, as a fraction
FRAMES = @FRAMES@
CURVES = json.loads(r"""@CURVES@""")


def shape_keys():
    """The shape keys that are animated."""
    shown = bpy.data.objects.get(OBJECT) if OBJECT else bpy.context.view_layer.objects.active
    if shown is None:
        raise RuntimeError("voxrig: no object %r; set OBJECT to the name of the face" % OBJECT)
    found = getattr(shown.data, "shape_keys", None)
    if found is None:
        raise RuntimeError("voxrig: %s has no shape keys" % shown.name)
    return found


def curve_of(action, owner, path):
    """A curve of the action, by whichever way this Blender has."""
    if hasattr(action, "fcurve_ensure_for_datablock"):
        return action.fcurve_ensure_for_datablock(owner, path)
    return action.fcurves.new(path)


def fill(fcurve, frames, values, step):
    """Straight lines through the keys."""
    points = fcurve.keyframe_points
    points.add(len(frames))
    flat = [x for frame, value in zip(frames, values) for x in (START + frame * step, value)]
    points.foreach_set("co", flat)
    for point in points:
        point.interpolation = "LINEAR"
    fcurve.update()


def main():
    owner, render = shape_keys(), bpy.context.scene.render
    step = render.fps / render.fps_base * RATE[1] / RATE[0]  # scene frames to a frame of the take
    missing = [curve["name"] for curve in CURVES if curve["name"] not in owner.key_blocks]
    action = bpy.data.actions.new(ACTION)
    (owner.animation_data or owner.animation_data_create()).action = action
    for curve in CURVES:
        if curve["name"] not in missing:
            path = 'key_blocks["%s"].value' % bpy.utils.escape_identifier(curve["name"])
            fill(curve_of(action, owner, path), curve["frames"], curve["values"], step)
    if missing:
        names = ", ".join(missing)
        print("voxrig: %d of %d curves have no shape key: %s" % (len(missing), len(CURVES), names))
    print("voxrig: keyed %d shape keys, %d frames" % (len(CURVES) - len(missing), FRAMES))


main()
'''


class BlenderScript(Writer):
    """Holds the take and writes the script when it is whole."""

    def __init__(self, out: BinaryIO, take: Take) -> None:
        self._out, self._take, self._held = out, take, Held(take)

    def write(self, values: Array, start: int) -> None:
        """Append rows (t, c), of which the first is frame ``start``."""
        self._held.write(values)

    def finish(self, count: int) -> None:
        """Write the script."""
        rows = [{"name": curve.name, **keys(curve)} for curve in self._held.keyed()] if count else []
        settings = {
            "OBJECT": self._take.options.mesh,
            "ACTION": self._take.options.asset.rpartition("/")[2] or "voxrig",
            "RATE": rate(self._take.fps),
            "FRAMES": count,
        }
        self._out.write(script(_SCRIPT, settings, rows))

    def release(self) -> None:
        """Let go of the rows."""
        self._held.release()
