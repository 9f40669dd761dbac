"""Captures on the disk: capture.json and what lies beside it, read with suspicion."""

from __future__ import annotations

import csv
import json
import math
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from voxrig.errors import FormatError, one_line, unknown
from voxrig.rigs.native import NATIVE
from voxrig.types import Array
from voxrig_train.gaussian.capture import USES, Capture, Clip, Landmarks, Shot, View

FORMAT, VERSION = "voxrig-capture", 1
SIDES = (16, 4096)
"""Pixels that a picture may measure."""
_MOST = 1_000_000
"""Rows of curves, and pictures, at most."""
_LARGEST = 256 << 20
"""Bytes of capture.json and of the table of curves at most."""


def read(folder: Path) -> Capture:
    """The capture in a folder. Raises FormatError with what is wrong with it."""
    path = folder / "capture.json"
    try:
        return _checked(folder, json.loads(_text(path)))
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FormatError(f"{path} is no JSON: {one_line(str(error))}") from error
    except _WrongError as wrong:
        raise FormatError(f"cannot use capture {folder}: {wrong}") from None


def write(capture: Capture) -> None:
    """Writes capture.json and the curves; pictures lie there already. Raises OSError."""
    with (capture.folder / "curves.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["time_s", *NATIVE.curves])
        for row, values in enumerate(capture.values):
            table.writerow([f"{row / capture.fps:.4f}", *(f"{value:.5g}" for value in values)])
    whole = {
        "format": FORMAT,
        "version": VERSION,
        "size": list(capture.size),
        "fps": capture.fps,
        "curves": "curves.csv",
        "cameras": [
            {
                "name": v.name,
                "view": v.rigid.tolist(),
                "focal": v.focal,
                "centre": list(v.centre),
                "use": v.use,
            }
            for v in capture.views
        ],
        "clips": [{"name": c.name, "first": c.first, "count": c.count, "use": c.use} for c in capture.clips],
        "shots": [
            {"picture": s.picture, "camera": s.view, "row": s.row} | ({"mask": s.mask} if s.mask else {})
            for s in capture.shots
        ],
    }
    if capture.background is not None:
        whole["background"] = list(capture.background)
    if capture.landmarks is not None:
        whole["landmarks"] = "landmarks.npz"
        np.savez(
            capture.folder / "landmarks.npz", vertex=capture.landmarks.vertex, points=capture.landmarks.points
        )
    if capture.figure is not None:
        whole["figure"] = capture.figure.name
    (capture.folder / "capture.json").write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")


class _WrongError(Exception):
    """What is wrong, without the name of the capture."""


def _checked(folder: Path, whole: Any) -> Capture:
    needed = {"format", "version", "size", "fps", "curves", "cameras", "clips", "shots"}
    whole = _object("capture.json", whole, needed, needed | {"background", "figure", "landmarks"})
    if whole["format"] != FORMAT or whole["version"] != VERSION:
        raise _WrongError(f"capture.json must be '{FORMAT}' of version {VERSION}")
    h, w = (_whole("size", side, *SIDES) for side in _list("size", whole["size"], 2, 2))
    fps = _number("fps", whole["fps"], 1, 1000)
    values = _curves(folder, _inside(folder, "curves", whole["curves"]))
    views = tuple(
        _view(i, each, (h, w)) for i, each in enumerate(_list("cameras", whole["cameras"], 1, 10_000))
    )
    clips = tuple(
        _clip(i, each, len(values)) for i, each in enumerate(_list("clips", whole["clips"], 1, _MOST))
    )
    for kind, all_ in (("cameras", views), ("clips", clips)):
        if len({each.name for each in all_}) != len(all_):
            raise _WrongError(f"two of the {kind} have one name")
    covered = np.zeros(len(values), np.int32)
    for clip in clips:
        covered[clip.first : clip.first + clip.count] += 1
    if covered.max() > 1:
        raise _WrongError(f"row {int(covered.argmax())} of the curves is in two clips")
    taken = _list("shots", whole["shots"], 1, _MOST)
    shots = tuple(_shot(folder, i, each, views, covered) for i, each in enumerate(taken))
    background = None
    if whole.get("background") is not None:
        red, green, blue = (
            _number("background", x, 0, 1) for x in _list("background", whole["background"], 3, 3)
        )
        background = red, green, blue
    figure = None if whole.get("figure") is None else folder / _inside(folder, "figure", whole["figure"])
    marks = None
    if whole.get("landmarks") is not None:
        marks = _landmarks(folder / _inside(folder, "landmarks", whole["landmarks"]), len(values))
    return Capture(folder, (h, w), fps, values, views, clips, shots, background, figure, marks)


def _view(i: int, whole: Any, size: tuple[int, int]) -> View:
    name = f"camera {i}"
    whole = _object(name, whole, {"name", "view", "focal"}, {"name", "view", "focal", "centre", "use"})
    rows = _list(f"view of {name}", whole["view"], 4, 4)
    rigid = np.array(
        [[_number(f"view of {name}", x, -1e6, 1e6) for x in _list(name, row, 4, 4)] for row in rows]
    )
    turn, last = rigid[:3, :3], rigid[3]
    turns = np.abs(turn @ turn.T - np.eye(3)).max() < 1e-3 and np.linalg.det(turn) > 0
    if not turns or np.abs(last - [0, 0, 0, 1]).max() > 1e-6:
        raise _WrongError(
            f"view of {name} must only turn and shift: world to a camera that looks along its -Z, by rows"
        )
    centre = [size[1] / 2, size[0] / 2]
    if "centre" in whole:
        centre = [_number(f"centre of {name}", x, -1e5, 1e5) for x in _list(name, whole["centre"], 2, 2)]
    focal = _number(f"focal of {name}", whole["focal"], 1, 1e6)
    return View(
        _name(name, whole["name"]), rigid.astype(np.float32), focal, (centre[0], centre[1]), _use(name, whole)
    )


def _clip(i: int, whole: Any, rows: int) -> Clip:
    name = f"clip {i}"
    whole = _object(name, whole, {"name", "first", "count"}, {"name", "first", "count", "use"})
    first, count = (
        _whole(f"first of {name}", whole["first"], 0, rows),
        _whole(f"count of {name}", whole["count"], 1, rows),
    )
    if first + count > rows:
        raise _WrongError(f"{name} ends at row {first + count} of the curves, there are {rows}")
    return Clip(_name(name, whole["name"]), first, count, _use(name, whole))


def _shot(folder: Path, i: int, whole: Any, views: tuple[View, ...], covered: np.ndarray) -> Shot:
    name = f"shot {i}"
    whole = _object(name, whole, {"picture", "camera", "row"}, {"picture", "camera", "row", "mask"})
    row = _whole(f"row of {name}", whole["row"], 0, len(covered) - 1)
    if not covered[row]:
        raise _WrongError(f"row {row} of {name} is in no clip")
    camera = _whole(f"camera of {name}", whole["camera"], 0, len(views) - 1)
    mask = None if whole.get("mask") is None else _inside(folder, f"mask of {name}", whole["mask"])
    return Shot(_inside(folder, f"picture of {name}", whole["picture"]), camera, row, mask)


def _curves(folder: Path, name: str) -> Array:
    """(t, c) of the native rig; curves that the table lacks rest."""
    rows = list(csv.reader(_text(folder / name).splitlines()))
    if len(rows) < 2:
        raise _WrongError(f"{name} holds no rows")
    head, body = rows[0], rows[1:]
    if len(body) > _MOST:
        raise _WrongError(f"{name} holds more than {_MOST} rows")
    if len(set(head)) != len(head):
        raise _WrongError(f"{name} names a curve twice")
    columns = []
    for title in head:
        if title != "time_s" and title not in NATIVE.curves:
            raise _WrongError(
                f"{name}: unknown curve '{one_line(title)}'; have time_s and those of the native rig"
            )
        columns.append(-1 if title == "time_s" else NATIVE.index(title))
    out = np.tile(NATIVE.rest, (len(body), 1)).astype(np.float32)
    for i, row in enumerate(body):
        try:
            numbers = np.array([float(cell) for cell in row])
        except ValueError:
            raise _WrongError(f"row {i} of {name} holds something that is no number") from None
        if len(row) != len(head) or not np.isfinite(numbers).all():
            raise _WrongError(f"row {i} of {name} must hold {len(head)} finite numbers")
        for column, number in zip(columns, numbers, strict=True):
            if column >= 0:
                out[i, column] = number
    return np.clip(out, NATIVE.low, NATIVE.high).astype(np.float32)


def _landmarks(path: Path, rows: int) -> Landmarks:
    try:
        with np.load(path, allow_pickle=False) as whole:
            vertex, points = whole["vertex"], whole["points"]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise _WrongError(
            f"{path.name} must hold the arrays vertex and points: {one_line(str(error))}"
        ) from error
    fits = vertex.ndim == 1 and vertex.dtype.kind in "iu" and points.dtype.kind == "f"
    if not fits or points.shape != (rows, len(vertex), 3) or not np.isfinite(points).all():
        raise _WrongError(f"{path.name} must hold vertex (l,) whole and points ({rows}, l, 3) finite")
    return Landmarks(vertex.astype(np.int64), points.astype(np.float32))


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _LARGEST:
            raise FormatError(f"{path} is larger than {_LARGEST >> 20} MiB")
        return path.read_text("utf-8-sig")
    except OSError as error:
        raise FormatError(f"cannot read {path}: {error.strerror or error}") from error


def _object(name: str, whole: Any, needed: Iterable[str], known: Iterable[str]) -> Mapping[str, Any]:
    if not isinstance(whole, dict):
        raise _WrongError(f"{name} must be an object")
    for key in whole:
        if key not in known:
            raise _WrongError(f"{name}: " + unknown("key", one_line(str(key)), sorted(known)))
    for key in needed:
        if key not in whole:
            raise _WrongError(f"{name} lacks '{key}'")
    return whole


def _list(name: str, whole: Any, least: int, most: int) -> list[Any]:
    if not isinstance(whole, list) or not least <= len(whole) <= most:
        many = str(least) if least == most else f"{least} to {most}"
        raise _WrongError(f"{name} must be a list of {many}")
    return whole


def _number(name: str, value: Any, low: float, high: float) -> float:
    fits = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not fits or not (math.isfinite(value) and low <= value <= high):
        raise _WrongError(f"{name} must be a number from {low:g} to {high:g}")
    return float(value)


def _whole(name: str, value: Any, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise _WrongError(f"{name} must be a whole number from {low} to {high}")
    return value


def _name(of: str, value: Any) -> str:
    if not isinstance(value, str) or not value or len(value) > 200:
        raise _WrongError(f"name of {of} must be a text of 1 to 200 letters")
    return value


def _use(of: str, whole: Mapping[str, Any]) -> str:
    use = whole.get("use", "learn")
    if use not in USES:
        raise _WrongError(f"{of}: " + unknown("use", one_line(str(use)), USES))
    return str(use)


def _inside(folder: Path, name: str, value: Any) -> str:
    """A file of the folder: names that climb out of it are refused."""
    if not isinstance(value, str) or not value or "\0" in value:
        raise _WrongError(f"{name} must be the name of a file")
    if not (folder / value).resolve().is_relative_to(folder.resolve()):
        raise _WrongError(f"{name} '{one_line(value)}' lies outside the capture")
    return value
