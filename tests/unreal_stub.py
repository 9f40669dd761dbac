"""A stand-in for the Unreal Editor's ``unreal`` module, as far as voxrig's scripts use it.

It has the classes and calls of Epic's Python API reference (5.1 to 5.7) with their parameter names, and
nothing else: a script that calls what is not documented fails. What a script does is recorded in ``calls``,
and the assets it makes can be read. Rules that the editor has are kept: a curve takes keys once it is there,
lengths are set within a bracket, control rigs take keys while their sequence is open.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any


class RawCurveTrackTypes(enum.Enum):
    RCT_FLOAT = 0
    RCT_VECTOR = 1
    RCT_TRANSFORM = 2


class MovieSceneKeyInterpolation(enum.Enum):
    AUTO = 0
    USER = 1
    BREAK = 2
    LINEAR = 3
    CONSTANT = 4


class MovieSceneTimeUnit(enum.Enum):
    DISPLAY_RATE = 0
    TICK_RESOLUTION = 1


@dataclass(frozen=True)
class FrameNumber:
    value: int = 0

    def __post_init__(self) -> None:
        assert type(self.value) is int


@dataclass(frozen=True)
class FrameRate:
    numerator: int = 60
    denominator: int = 1

    def __post_init__(self) -> None:
        assert type(self.numerator) is int
        assert type(self.denominator) is int


@dataclass
class Object:
    """Any asset."""

    path: str


class Skeleton(Object):
    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.morphs: set[str] = set()
        self.known: set[str] = set()


class ControlRigBlueprint(Object):
    def get_control_rig_class(self) -> str:
        return self.path + "_C"


class Controller:
    """AnimSequencerController."""

    def __init__(self) -> None:
        self.depth, self.rate, self.frames = 0, FrameRate(30, 1), 1

    def open_bracket(self, title: str, should_transact: bool = True) -> None:
        self.depth += 1

    def close_bracket(self, should_transact: bool = True) -> None:
        assert self.depth
        self.depth -= 1

    def set_frame_rate(self, frame_rate: FrameRate, should_transact: bool = True) -> None:
        assert self.depth
        assert frame_rate.numerator > 0 < frame_rate.denominator
        self.rate = frame_rate

    def set_number_of_frames(self, new_length_in_frames: FrameNumber, should_transact: bool = True) -> None:
        assert self.depth
        assert new_length_in_frames.value > 0, "has to be positive and non-zero"
        self.frames = new_length_in_frames.value


class AnimSequence(Object):
    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.controller, self.curves = Controller(), dict[str, dict[float, float]]()
        self.skeleton: Skeleton | None = None

    def get_editor_property(self, name: str) -> Any:
        assert name == "controller"
        return self.controller


class AnimSequenceFactory:
    def __init__(self) -> None:
        self.target_skeleton: Skeleton | None = None

    def set_editor_property(self, name: str, value: Skeleton) -> None:
        assert name == "target_skeleton"
        assert isinstance(value, Skeleton)
        self.target_skeleton = value


class AnimationLibrary:
    @staticmethod
    def does_curve_exist(
        animation_sequence: AnimSequence, curve_name: str, curve_type: RawCurveTrackTypes
    ) -> bool:
        assert curve_type is RawCurveTrackTypes.RCT_FLOAT
        return curve_name in animation_sequence.curves

    @staticmethod
    def add_curve(
        animation_sequence: AnimSequence,
        curve_name: str,
        curve_type: RawCurveTrackTypes = RawCurveTrackTypes.RCT_FLOAT,
        meta_data_curve: bool = False,
    ) -> None:
        assert curve_name not in animation_sequence.curves
        assert animation_sequence.controller.depth, "each call alone takes seconds"
        animation_sequence.curves[curve_name] = {}

    @staticmethod
    def remove_curve(
        animation_sequence: AnimSequence, curve_name: str, remove_name_from_skeleton: bool = False
    ) -> None:
        del animation_sequence.curves[curve_name]

    @staticmethod
    def add_float_curve_keys(
        animation_sequence: AnimSequence, curve_name: str, times: list[float], values: list[float]
    ) -> None:
        assert len(times) == len(values)
        for time, value in zip(times, values, strict=True):
            assert isinstance(time, float | int)
            assert isinstance(value, float)
            animation_sequence.curves[curve_name][time] = value

    @staticmethod
    def add_curve_meta_data(skeleton: Skeleton, curve_meta_data_name: str, transact: bool = True) -> bool:
        skeleton.known.add(curve_meta_data_name)
        return True

    @staticmethod
    def set_curve_meta_data_morph_target(
        skeleton: Skeleton, curve_name: str, override_morph_target: bool
    ) -> None:
        assert curve_name in skeleton.known
        skeleton.morphs.add(curve_name)


@dataclass
class Key:
    frame: float
    value: float
    interpolation: MovieSceneKeyInterpolation


class Channel:
    """MovieSceneScriptingFloatChannel."""

    def __init__(self, name: str, section: Section) -> None:
        self.channel_name, self._section, self.keys = name, section, list[Key]()

    def get_keys(self) -> list[Key]:
        return list(self.keys)

    def remove_key(self, key: Key) -> None:
        self.keys.remove(key)

    def add_key(
        self,
        time: FrameNumber,
        new_value: float,
        sub_frame: float = 0.0,
        time_unit: MovieSceneTimeUnit = MovieSceneTimeUnit.DISPLAY_RATE,
        interpolation: MovieSceneKeyInterpolation = MovieSceneKeyInterpolation.AUTO,
    ) -> Key:
        assert self._section.sequence.opened, "a sequence that is not open takes no keys"
        assert isinstance(time, FrameNumber)
        assert 0 <= sub_frame < 1
        key = Key(time.value + sub_frame, new_value, interpolation)
        self.keys.append(key)
        return key


class MovieSceneScriptingBoolChannel(Channel):
    def add_key(self, time: FrameNumber, new_value: bool) -> Key:  # type: ignore[override]
        raise AssertionError("takes no numbers")


class Section:
    def __init__(self, sequence: LevelSequence, channels: tuple[str, ...]) -> None:
        self.sequence, self.channels = (
            sequence,
            [
                MovieSceneScriptingBoolChannel(name, self)
                if name == "CTRL_lookAtSwitch"
                else Channel(name, self)
                for name in channels
            ],
        )

    def get_all_channels(self) -> list[Channel]:
        return self.channels


@dataclass
class Track:
    sections: list[Section]

    def get_sections(self) -> list[Section]:
        return self.sections


@dataclass
class ControlRig:
    name: str

    def get_name(self) -> str:
        return self.name


@dataclass
class ControlRigSequencerBindingProxy:
    control_rig: ControlRig
    track: Track


class LevelSequence(Object):
    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.rate, self.start, self.end, self.opened = FrameRate(30, 1), 0, 0, False
        self.bound: list[object] = []
        self.rigs: list[ControlRigSequencerBindingProxy] = []

    def set_display_rate(self, display_rate: FrameRate) -> None:
        self.rate = display_rate

    def get_display_rate(self) -> FrameRate:
        return self.rate

    def set_playback_start(self, start_frame: int) -> None:
        self.start = start_frame

    def set_playback_end(self, end_frame: int) -> None:
        self.end = end_frame

    def add_possessable(self, object_to_possess: object) -> object:
        self.bound.append(object_to_possess)
        return object_to_possess


class LevelSequenceFactoryNew:
    pass


@dataclass
class SkeletalMeshComponent:
    name: str

    def get_name(self) -> str:
        return self.name


@dataclass
class Actor:
    label: str
    components: list[SkeletalMeshComponent]

    def get_actor_label(self) -> str:
        return self.label

    def get_components_by_class(self, component_class: type) -> list[SkeletalMeshComponent]:
        return [part for part in self.components if isinstance(part, component_class)]


class EditorActorSubsystem:
    pass


class UnrealEditorSubsystem:
    pass


@dataclass
class Editor:
    """A project: its assets by path, the actors of its level, and what was done to it."""

    assets: dict[str, Any] = field(default_factory=dict)
    actors: list[Actor] = field(default_factory=list)
    channels: tuple[str, ...] = ()
    """Channels of the face's control board."""
    calls: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    saved: list[str] = field(default_factory=list)

    # unreal.EditorAssetLibrary

    def does_asset_exist(self, asset_path: str) -> bool:
        return asset_path in self.assets

    def load_asset(self, asset_path: str) -> Any:
        return self.assets[asset_path]

    def save_loaded_asset(self, asset_to_save: Object, only_if_is_dirty: bool = True) -> bool:
        self.saved.append(asset_to_save.path)
        return True

    # unreal.AssetToolsHelpers and AssetTools

    def get_asset_tools(self) -> Editor:
        return self

    def create_asset(self, asset_name: str, package_path: str, asset_class: type, factory: object) -> Any:
        path = f"{package_path}/{asset_name}"
        assert path not in self.assets
        made = self.assets[path] = asset_class(path)
        if isinstance(factory, AnimSequenceFactory):
            made.skeleton = factory.target_skeleton
        self.calls.append(f"create {asset_class.__name__} {path}")
        return made

    # unreal.LevelSequenceEditorBlueprintLibrary

    def open_level_sequence(self, level_sequence: LevelSequence) -> bool:
        level_sequence.opened = True
        return True

    def refresh_current_level_sequence(self) -> None:
        self.calls.append("refresh")

    # unreal.ControlRigSequencerLibrary

    def get_control_rigs(self, level_sequence: LevelSequence) -> list[ControlRigSequencerBindingProxy]:
        return level_sequence.rigs

    def find_or_create_control_rig_track(
        self,
        world: object,
        level_sequence: LevelSequence,
        control_rig_class: str,
        binding: object,
        is_layered_control_rig: bool = False,
    ) -> Track:
        assert binding in level_sequence.bound
        assert control_rig_class.endswith("_C")
        track = Track([Section(level_sequence, self.channels)])
        rig = ControlRig(control_rig_class.rpartition("/")[2].removesuffix("_C"))
        level_sequence.rigs.append(ControlRigSequencerBindingProxy(rig, track))
        self.calls.append(f"track {rig.name}")
        return track

    # unreal.get_editor_subsystem and what it gives

    def get_editor_subsystem(self, subsystem: type) -> Editor:
        assert subsystem in (EditorActorSubsystem, UnrealEditorSubsystem)
        return self

    def get_all_level_actors(self) -> list[Actor]:
        return self.actors

    def get_editor_world(self) -> str:
        return "world"

    def module(self) -> ModuleType:
        """What ``import unreal`` gives a script in this editor."""
        unreal: Any = ModuleType("unreal")
        for shown in (
            *(RawCurveTrackTypes, MovieSceneKeyInterpolation, MovieSceneTimeUnit, FrameNumber, FrameRate),
            *(Skeleton, AnimSequence, AnimSequenceFactory, AnimationLibrary),
            *(LevelSequence, LevelSequenceFactoryNew, SkeletalMeshComponent, MovieSceneScriptingBoolChannel),
            *(EditorActorSubsystem, UnrealEditorSubsystem),
        ):
            setattr(unreal, shown.__name__, shown)
        unreal.EditorAssetLibrary = Calls(self, "does_asset_exist load_asset save_loaded_asset")
        unreal.AssetToolsHelpers = Calls(self, "get_asset_tools")
        unreal.LevelSequenceEditorBlueprintLibrary = Calls(
            self, "open_level_sequence refresh_current_level_sequence"
        )
        unreal.ControlRigSequencerLibrary = Calls(self, "get_control_rigs find_or_create_control_rig_track")
        unreal.get_editor_subsystem = self.get_editor_subsystem
        unreal.log = unreal.log_warning = self.log.append
        return unreal


class Calls:
    """A library of static calls, and only those."""

    def __init__(self, editor: Editor, names: str) -> None:
        for name in names.split():
            setattr(self, name, getattr(editor, name))
