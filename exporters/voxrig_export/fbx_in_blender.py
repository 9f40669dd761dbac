"""The part of the FBX writer that runs inside Blender: a GLB in, an FBX out.

``python fbx_in_blender.py talk.glb talk.fbx 30000 1001 90`` for 90 frames at 30000/1001 a second. A program
of its own, since Blender is a large guest: it keeps one scene for a whole process, and may end it.
It imports nothing of the house. Frame i of the take is frame i of the scene, so the file begins at 0 s.
"""

from __future__ import annotations

import datetime
import math
import sys
from collections.abc import Iterator
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

NO_BLENDER = 3
"""Exit status where the package bpy is missing."""

_FASTEST = 32767
"""Frames a second that a scene takes; the base that divides them is a float32, so whole numbers are best."""

_SECOND = 240
"""Frames a second while the GLB is read."""


def main(glb: str, fbx: str, fps: Fraction, count: int) -> None:
    """Convert one file. Raises RuntimeError where Blender refuses."""
    import bpy

    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base = _SECOND, 1  # the importer is off where the base is not 1
    bpy.ops.import_scene.gltf(filepath=glb, disable_bone_shape=True)
    whole = fps.numerator if fps.numerator <= _FASTEST else math.ceil(fps)
    scene.render.fps, scene.render.fps_base = whole, float(whole / fps)
    scene.frame_start, scene.frame_end = 0, max(count - 1, 0)
    for key in bpy.data.shape_keys:
        for block in key.key_blocks:
            block.slider_min, block.slider_max = -10, 10  # values past the ends of the slider are cut off
        for curve in _curves(key):
            _snap(curve, fps)
    _forget_here_and_now()
    bpy.ops.export_scene.fbx(
        filepath=fbx,
        object_types={"ARMATURE", "EMPTY", "MESH"},
        use_mesh_modifiers=False,  # a mesh whose modifiers are applied loses its shapes
        add_leaf_bones=False,
        path_mode="COPY",
        embed_textures=True,
        bake_anim=count > 0,
        bake_anim_use_all_bones=False,
        bake_anim_use_nla_strips=False,  # with either of these the animation of shapes is left out
        bake_anim_use_all_actions=False,
        bake_anim_force_startend_keying=True,
        bake_anim_step=1,
        bake_anim_simplify_factor=0,
    )


def _forget_here_and_now() -> None:
    """Have the exporter write 1970 for the date and bare names for pictures: equal takes make equal files."""
    from io_scene_fbx import export_fbx_bin

    clock = SimpleNamespace(now=lambda: datetime.datetime(1970, 1, 1))
    export_fbx_bin.datetime = SimpleNamespace(datetime=clock)
    export_fbx_bin._gen_vid_path = _picture


def _picture(image: Any, _scene: Any) -> tuple[str, str]:
    """The path of a picture and its path from the file: its name in both."""
    import bpy

    name = f"{bpy.path.clean_name(image.name)}.{image.file_format.lower()}"
    return name, name


def _curves(key: Any) -> Iterator[Any]:
    """The animation curves of a mesh's shapes."""
    data = key.animation_data
    if data is not None and data.action is not None:
        for layer in data.action.layers:
            for strip in layer.strips:
                for bag in strip.channelbags:
                    yield from bag.fcurves


def _snap(curve: Any, fps: Fraction) -> None:
    """Put keys on the frames of the take, which are whole numbers, from their seconds, which are not."""
    points = curve.keyframe_points
    places = [0.0] * (2 * len(points))
    points.foreach_get("co", places)
    frames = float(fps / _SECOND)
    places[::2] = [float(round(place * frames)) for place in places[::2]]
    points.foreach_set("co", places)
    curve.update()


if __name__ == "__main__":
    try:
        import bpy  # noqa: F401
    except ImportError as error:
        print(error, file=sys.stderr)
        sys.exit(NO_BLENDER)
    main(sys.argv[1], sys.argv[2], Fraction(int(sys.argv[3]), int(sys.argv[4])), int(sys.argv[5]))
