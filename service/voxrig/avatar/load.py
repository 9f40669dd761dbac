"""Whoever is to be drawn: a figure from whatever the user has."""

from __future__ import annotations

from pathlib import Path

from voxrig.avatar.figure import Figure
from voxrig.errors import FormatError

_KINDS = "a .glb or .vrm file, a FLAME model (.pkl or .npz) or a folder of ICT-FaceKit"


def load(path: Path | None = None, calibration: Path | None = None) -> Figure:
    """The figure in a file or a folder; without one, that which ships.

    ``calibration`` is for FLAME: what ``voxrig flame calibrate`` wrote, else it is made anew, which takes
    some seconds and scipy. Raises FormatError for what is not there or cannot be used.
    """
    kind = path.suffix.casefold() if path else ".glb"
    if calibration is not None and kind not in (".pkl", ".npz"):
        raise FormatError(
            f"a calibration goes with a FLAME model (.pkl or .npz), not with {path or 'our own head'}"
        )
    if path is not None and path.is_dir():
        from voxrig.avatar import ict

        return ict.load(path)
    if kind in (".glb", ".vrm"):
        from voxrig.avatar import glb_figure

        return glb_figure.load(path)
    if path is not None and kind in (".pkl", ".npz"):
        from voxrig.avatar import flame_figure

        return flame_figure.load(path, calibration)
    if path is not None and not path.exists():
        raise FormatError(f"cannot read avatar {path}: no such file; it can be {_KINDS}")
    raise FormatError(f"cannot use avatar {path}: it must be {_KINDS}")
