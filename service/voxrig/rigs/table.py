"""Every rig that voxrig knows by name: what it drives, and the rules that lead from it to others.

Rigs and rules are functions, so that a rig with heavy tables costs nothing until it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from voxrig.errors import RigError, unknown
from voxrig.rigs import arkit, metahuman_controls_map, metahuman_map, visemes, vrchat_map, vrm
from voxrig.rigs.metahuman import METAHUMAN, METAHUMAN_V3
from voxrig.rigs.metahuman_controls import METAHUMAN_CONTROLS
from voxrig.rigs.native import NATIVE
from voxrig.rigs.vrchat import VRCHAT
from voxrig.types import Array, Rig

_Rule = Callable[[Array], Array]
_Rules = Mapping[str, Callable[[], _Rule]]


@dataclass(frozen=True)
class _Entry:
    rig: Callable[[], Rig]
    drives: str
    rules: _Rules = field(default_factory=lambda: MappingProxyType({}))
    """Name of a target rig to the maker of the rule that leads there."""


def names() -> tuple[str, ...]:
    """Names of all rigs, native first."""
    return tuple(_TABLE)


def get(name: str) -> Rig:
    """The rig of that name. Raises RigError if there is none."""
    return _entry(name).rig()


def describe(name: str) -> str:
    """One line on what the rig drives.

    >>> describe("visemes")
    '15 curves: OVRLipSync and OpenXR visemes, weights that sum to 1'
    """
    entry = _entry(name)
    return f"{len(entry.rig())} curves: {entry.drives}"


def rules(name: str) -> _Rules:
    """The rules that lead straight from a rig, by target. Raises RigError if there is no such rig."""
    return _entry(name).rules


def _entry(name: str) -> _Entry:
    if name not in _TABLE:
        raise RigError(unknown("rig", name, _TABLE))
    return _TABLE[name]


def _board_from_native() -> _Rule:
    raw, board = metahuman_map.from_native(METAHUMAN), metahuman_controls_map.board_from_raw()
    return lambda values: board(raw(values))


def _flame() -> Rig:
    from voxrig.rigs import flame

    return flame.RIG


def _flame_from_native() -> _Rule:
    from voxrig.rigs import flame

    return flame.from_native


_FROM_NATIVE: _Rules = {
    "arkit": lambda: arkit.from_native(arkit.ARKIT),
    "livelink": lambda: arkit.from_native(arkit.LIVELINK),
    "a2f": lambda: arkit.from_native(arkit.A2F),
    "a2f-52": lambda: arkit.from_native(arkit.A2F_52),
    "metahuman": lambda: metahuman_map.from_native(METAHUMAN),
    "metahuman-v3": lambda: metahuman_map.from_native(METAHUMAN_V3),
    "metahuman-controls": _board_from_native,
    "vrm0": vrm.vrm0_from_native,
    "vrm1": vrm.vrm1_from_native,
    "visemes": visemes.from_native,
    "vrchat": vrchat_map.from_native,
    "flame": _flame_from_native,
}

_TABLE: Mapping[str, _Entry] = MappingProxyType(
    {
        "native": _Entry(
            lambda: NATIVE, "what the model speaks: ARKit shapes, tongue shapes and head angles", _FROM_NATIVE
        ),
        "arkit": _Entry(
            lambda: arkit.ARKIT,
            "ARKit blendshapes, as in Apple, Unity, Blender and three.js faces",
            {"native": lambda: arkit.to_native(arkit.ARKIT)},
        ),
        "livelink": _Entry(
            lambda: arkit.LIVELINK,
            "Unreal's Live Link Face subject: ARKit shapes, head and eye angles",
            {"native": lambda: arkit.to_native(arkit.LIVELINK)},
        ),
        "a2f": _Entry(
            lambda: arkit.A2F,
            "Audio2Face-3D with its tongue shapes",
            {"native": lambda: arkit.to_native(arkit.A2F)},
        ),
        "a2f-52": _Entry(
            lambda: arkit.A2F_52,
            "Audio2Face-3D without tongue shapes",
            {"native": lambda: arkit.to_native(arkit.A2F_52)},
        ),
        "metahuman": _Entry(
            lambda: METAHUMAN,
            "MetaHuman raw controls CTRL_expressions_*, DNA version 4",
            {"metahuman-controls": metahuman_controls_map.board_from_raw},
        ),
        "metahuman-v3": _Entry(
            lambda: METAHUMAN_V3, "MetaHuman raw controls CTRL_expressions_*, DNA version 3"
        ),
        "metahuman-controls": _Entry(
            lambda: METAHUMAN_CONTROLS,
            "MetaHuman control board, for keys in Sequencer or Maya",
            {"metahuman": metahuman_controls_map.raw_from_board},
        ),
        "flame": _Entry(_flame, "FLAME head model: neck, jaw and eye rotations in radians"),
        "vrm0": _Entry(lambda: vrm.VRM0, "VRM 0 blend shape presets, as VMC receivers expect them"),
        "vrm1": _Entry(lambda: vrm.VRM1, "VRM 1 expression presets"),
        "visemes": _Entry(lambda: visemes.VISEME_RIG, "OVRLipSync and OpenXR visemes, weights that sum to 1"),
        "vrchat": _Entry(lambda: VRCHAT, "VRChat avatars through VRCFaceTracking parameters"),
    }
)
