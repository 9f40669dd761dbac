"""A Python script for the Unreal Editor (5.1 and later) that makes a face animation.

It carries the keys. For curves, it makes an AnimSequence at ``asset`` on ``skeleton``: ``CTRL_expressions_*``
for a MetaHuman's face, or morph targets. For rig ``metahuman-controls`` it keys the control board in a Level
Sequence at ``asset``, on the face of the actor that is called ``mesh``; ``skeleton`` may then name another
control board. What is empty is looked for where MetaHumans keep it.

Curves go in within one bracket of the sequence's controller, without which each call rebuilds the asset.
The board is keyed through its channels: the calls that set a control by name give cubic keys, and those for
controls with two axes have been seen to write zeros. Calls and signatures are those of Epic's reference of
the Python API, 5.1 to 5.7.
"""

from __future__ import annotations

from typing import BinaryIO

from voxrig.errors import FormatError
from voxrig.types import Array
from voxrig_export.editor_script import keys, rate, script
from voxrig_export.keys import Held
from voxrig_export.take import Take, Writer

_HEAD = r'''"""Face animation by voxrig. Run it in the Unreal Editor: Tools > Execute Python Script."""
import json

import unreal

ASSET = @ASSET@
RATE = @RATE@  # frames a second, as a fraction
FRAMES = @FRAMES@
CURVES = json.loads(r"""@CURVES@""")


def first_asset(paths, what):
    """The first of some assets that this project has."""
    for path in paths:
        if unreal.EditorAssetLibrary.does_asset_exist(path):
            return unreal.EditorAssetLibrary.load_asset(path)
    raise RuntimeError("voxrig: no %s at %s; say where it is" % (what, " or ".join(paths)))


def asset(kind, factory):
    """The asset that is animated, and whether it is new."""
    if unreal.EditorAssetLibrary.does_asset_exist(ASSET):
        found = unreal.EditorAssetLibrary.load_asset(ASSET)
        if not isinstance(found, kind):
            raise RuntimeError("voxrig: %s exists and is no %s" % (ASSET, kind.__name__))
        return found, False
    folder, name = ASSET.rsplit("/", 1)
    made = unreal.AssetToolsHelpers.get_asset_tools().create_asset(name, folder, kind, factory)
    if made is None:
        raise RuntimeError("voxrig: %s could not be made" % ASSET)
    return made, True
'''

_SEQUENCE = (
    _HEAD
    + r'''

SKELETON = @SKELETON@  # empty: that of a MetaHuman's face
SKELETONS = (
    "/MetaHumanCharacter/Face/Face_Archetype_Skeleton",
    "/Game/MetaHumans/Common/Face/Face_Archetype_Skeleton",
)
MORPHS = @MORPHS@  # whether curves drive morph targets of the mesh, and not a rig


def fill(sequence):
    """Each curve anew, in straight lines."""
    library, kind = unreal.AnimationLibrary, unreal.RawCurveTrackTypes.RCT_FLOAT
    controller = sequence.get_editor_property("controller")
    controller.open_bracket("voxrig", False)
    try:
        controller.set_frame_rate(unreal.FrameRate(RATE[0], RATE[1]), False)
        controller.set_number_of_frames(unreal.FrameNumber(max(1, FRAMES - 1)), False)
        for curve in CURVES:
            name = curve["name"]
            if library.does_curve_exist(sequence, name, kind):
                library.remove_curve(sequence, name, False)
            library.add_curve(sequence, name, kind, False)
            times = [frame * RATE[1] / RATE[0] for frame in curve["frames"]]
            library.add_float_curve_keys(sequence, name, times, curve["values"])
    finally:
        controller.close_bracket(False)


def mark_morphs(skeleton):
    """Tell the skeleton which curves are morph targets; without it the mesh does not move."""
    for curve in CURVES:
        unreal.AnimationLibrary.add_curve_meta_data(skeleton, curve["name"], True)
        unreal.AnimationLibrary.set_curve_meta_data_morph_target(skeleton, curve["name"], True)
    unreal.EditorAssetLibrary.save_loaded_asset(skeleton)


def main():
    skeleton = first_asset([SKELETON] if SKELETON else SKELETONS, "skeleton")
    factory = unreal.AnimSequenceFactory()
    factory.set_editor_property("target_skeleton", skeleton)
    sequence, _ = asset(unreal.AnimSequence, factory)
    fill(sequence)
    if MORPHS:
        mark_morphs(skeleton)
    unreal.EditorAssetLibrary.save_loaded_asset(sequence)
    unreal.log("voxrig: %d curves, %d frames in %s" % (len(CURVES), FRAMES, ASSET))


main()
'''
)

_BOARD = (
    _HEAD
    + r'''

ACTOR = @ACTOR@  # label of the actor in the level; empty is the first that has a face
BOARD = @BOARD@  # empty: that of a MetaHuman
BOARDS = (
    "/MetaHumanCharacter/Face/Face_ControlBoard_CtrlRig",
    "/Game/MetaHumans/Common/Face/Face_ControlBoard_CtrlRig",
)


def face():
    """The component that shows the face of the actor."""
    for actor in unreal.get_editor_subsystem(unreal.EditorActorSubsystem).get_all_level_actors():
        if ACTOR in ("", actor.get_actor_label()):
            for component in actor.get_components_by_class(unreal.SkeletalMeshComponent):
                if component.get_name() == "Face":
                    return component
    raise RuntimeError("voxrig: the level has no actor %r with a component Face" % ACTOR)


def section(sequence):
    """Where the board's keys lie: on the track that is there, or on a new one for the face."""
    library = unreal.ControlRigSequencerLibrary
    for proxy in library.get_control_rigs(sequence):
        if "Face_ControlBoard" in proxy.control_rig.get_name():
            return proxy.track.get_sections()[0]
    board = first_asset([BOARD] if BOARD else BOARDS, "control board")
    world = unreal.get_editor_subsystem(unreal.UnrealEditorSubsystem).get_editor_world()
    binding = sequence.add_possessable(face())
    track = library.find_or_create_control_rig_track(
        world, sequence, board.get_control_rig_class(), binding
    )
    return track.get_sections()[0]


def fill(channel, curve, display):
    """The curve anew, in straight lines, at the rate that the sequence has."""
    for key in channel.get_keys():
        channel.remove_key(key)
    for frame, value in zip(curve["frames"], curve["values"]):
        part = frame * RATE[1] * display.numerator
        whole, rest = divmod(part, RATE[0] * display.denominator)
        channel.add_key(
            unreal.FrameNumber(whole),
            value,
            rest / (RATE[0] * display.denominator),
            interpolation=unreal.MovieSceneKeyInterpolation.LINEAR,
        )


def main():
    sequence, new = asset(unreal.LevelSequence, unreal.LevelSequenceFactoryNew())
    if new:
        sequence.set_display_rate(unreal.FrameRate(RATE[0], RATE[1]))
        sequence.set_playback_start(0)
        sequence.set_playback_end(FRAMES)
    # A sequence that is not open in Sequencer takes no keys for a control rig.
    unreal.LevelSequenceEditorBlueprintLibrary.open_level_sequence(sequence)
    channels = {
        str(channel.channel_name): channel
        for channel in section(sequence).get_all_channels()
        if not isinstance(channel, unreal.MovieSceneScriptingBoolChannel)  # a switch is no slider
    }
    missing = [curve["name"] for curve in CURVES if curve["name"] not in channels]
    for curve in CURVES:
        if curve["name"] in channels:
            fill(channels[curve["name"]], curve, sequence.get_display_rate())
    if missing:
        unreal.log_warning("voxrig: the control board has no slider %s" % ", ".join(missing))
    unreal.LevelSequenceEditorBlueprintLibrary.refresh_current_level_sequence()
    unreal.EditorAssetLibrary.save_loaded_asset(sequence)
    unreal.log("voxrig: %d channels, %d frames in %s" % (len(CURVES) - len(missing), FRAMES, ASSET))


main()
'''
)


class UnrealScript(Writer):
    """Holds the take and writes the script when it is whole."""

    def __init__(self, out: BinaryIO, take: Take) -> None:
        self._out, self._take, self._held = out, take, Held(take)
        self._asset = _asset(take.options.asset)

    def write(self, values: Array, start: int) -> None:
        """Append rows (t, c), of which the first is frame ``start``."""
        self._held.write(values)

    def finish(self, count: int) -> None:
        """Write the script."""
        rows = [{"name": curve.name, **keys(curve)} for curve in self._held.keyed()] if count else []
        rig, options = self._take.rig, self._take.options
        settings = {"ASSET": self._asset, "RATE": rate(self._take.fps), "FRAMES": count}
        if rig.name == "metahuman-controls":
            more = {"ACTOR": options.mesh, "BOARD": options.skeleton}
            self._out.write(script(_BOARD, settings | more, rows))
        else:
            morphs = not all(curve.startswith("CTRL_") for curve in rig.curves)
            self._out.write(
                script(_SEQUENCE, settings | {"SKELETON": options.skeleton, "MORPHS": morphs}, rows)
            )

    def release(self) -> None:
        """Let go of the rows."""
        self._held.release()


def _asset(path: str) -> str:
    """The path of the asset, without the object's name that Unreal copies along. Raises FormatError."""
    asset = (path or "/Game/voxrig/Talk").split(".")[0]
    parts = asset.split("/")
    if len(parts) < 3 or parts[0] or not all(parts[1:]):
        raise FormatError(f"'{path}' is no path of an Unreal asset; it looks like /Game/Folder/Name")
    return asset
