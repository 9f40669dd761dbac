"""VRMA: a VRM Animation 1.0, the file that VRM players lay over any VRM avatar.

A GLB without a mesh. Every expression is a node of its own, and the weight of the expression is the
``translation.x`` of that node over time; ``extensions.VRMC_vrm_animation`` says which node is which::

    {"specVersion": "1.0",
     "humanoid": {"humanBones": {"hips": {"node": 0}}},
     "expressions": {"preset": {"aa": {"node": 1}, …}, "custom": {"jawOpen": {"node": 18}, …}}}

The rig ``vrm1`` fills the presets, which every VRM has; looks are left out, since the format has another
place for where the eyes turn. Any other rig fills custom expressions under its own names, for avatars
that have those: ``arkit`` writes ``jawOpen``, ``a2f-52`` writes ``JawOpen``, and players tell them apart.
``Options.names`` gives a curve another name. The hips stand still; nothing moves the body.

Values are exact float32. With a tolerance each expression keeps the keys that it needs.
Facts: VRMC_vrm_animation 1.0.
"""

from __future__ import annotations

from fractions import Fraction
from typing import BinaryIO

import numpy as np

from voxrig.avatar import glb_file
from voxrig.avatar.glb_file import Document, entries, member, place
from voxrig.avatar.glb_targets import match
from voxrig.errors import FormatError
from voxrig.types import Array, Frames
from voxrig_export import glb_animation
from voxrig_export.keys import reduce_all
from voxrig_export.take import Take, Writer

EXTENSION = "VRMC_vrm_animation"

PRESETS = frozenset(
    "aa ih ou ee oh blink blinkLeft blinkRight happy angry sad relaxed surprised neutral".split()
)
"""Expressions that a VRM 1 avatar has under these names, and that an animation may set."""

LOOKS = frozenset("lookUp lookDown lookLeft lookRight".split())
"""Expressions of the eyes, which an animation must not set."""


class Vrma(Writer):
    """Keeps the take and writes the animation when it is whole."""

    def __init__(self, out: BinaryIO, take: Take) -> None:
        self._out, self._take = out, take
        self._rows: list[Array] = []

    def write(self, values: Array, start: int) -> None:
        """Keep rows (t, c), of which the first is frame ``start``."""
        self._rows.append(np.array(values, np.float32))

    def finish(self, count: int) -> None:
        """Write a node for each expression and its curve; without a frame there are only the nodes."""
        take = self._take
        named = _named(take)
        draft = glb_file.Draft(glb_file.Glb(_document(list(named.values()))))
        animation = glb_animation.Animation(draft, take)
        if count:
            values = np.concatenate(self._rows)[:, list(named)]
            for column, keys in enumerate(reduce_all(values, take.options.tolerance or 0.0)):
                moved = np.zeros((len(keys), 3), np.float32)
                moved[:, 0] = values[keys, column]
                animation.add(column + 1, "translation", keys, moved)
        animation.finish()
        draft.write(self._out)

    def release(self) -> None:
        """Forget the take."""
        self._rows.clear()


def read(data: BinaryIO, fps: Fraction | None = None) -> Frames:
    """The expressions of a VRMA, on the rig that it says or that has most of them.

    ``fps`` is the rate to read it at; None is its own. Raises FormatError.
    """
    glb = glb_file.read(data)
    expressions = member(member(member(glb.document, "extensions"), EXTENSION), "expressions")
    if not expressions:
        raise FormatError(f"GLB is no VRM Animation with expressions: it lacks {EXTENSION}.expressions")
    count = len(entries(glb.document, "nodes"))
    nodes = {
        place(member(kind, name).get("node"), count, "node of an expression"): name
        for kind in (member(expressions, "custom"), member(expressions, "preset"))
        for name in kind
    }
    animation, tracks = glb_animation.moving(glb, "translation")
    moved = [(track, nodes[track.node]) for track in tracks if track.node in nodes]
    rig = glb_animation.best_rig(animation, tuple(name for _, name in moved))
    best = match(tuple(name for _, name in moved), rig.curves)
    curves = {curve: (moved[at][0], 0) for curve, at in best.items()}
    return glb_animation.frames(rig, curves, animation, fps)


def _named(take: Take) -> dict[int, str]:
    """Column of each curve that is written, and what the expression is called."""
    rig, names = take.rig, take.options.names
    presets = rig.name == "vrm1"
    named = {
        column: names.get(curve, curve)
        for column, curve in enumerate(rig.curves)
        if not (presets and curve in LOOKS)
    }
    wrong = sorted(set(named.values()) & LOOKS)
    if wrong:
        raise FormatError(
            f"vrma sets no {', '.join(wrong)}: where the eyes turn is no expression of an animation"
        )
    if len(set(named.values())) < len(named):
        raise FormatError("vrma needs a name of its own for each curve; some are called alike")
    return named


def _document(names: list[str]) -> Document:
    """A scene of the hips and, from node 1 on, a node for each expression."""
    nodes: list[Document] = [{"name": "hips", "translation": [0, 1, 0]}, *({"name": name} for name in names)]
    preset = {name: {"node": at} for at, name in enumerate(names, 1) if name in PRESETS}
    custom = {name: {"node": at} for at, name in enumerate(names, 1) if name not in PRESETS}
    expressions = {key: found for key, found in (("preset", preset), ("custom", custom)) if found}
    humanoid = {"humanBones": {"hips": {"node": 0}}}
    return {
        "asset": {"version": "2.0", "generator": "voxrig"},
        "scene": 0,
        "scenes": [{"nodes": list(range(len(nodes)))}],
        "nodes": nodes,
        "extensionsUsed": [EXTENSION],
        "extensions": {EXTENSION: {"specVersion": "1.0", "humanoid": humanoid, "expressions": expressions}},
    }
