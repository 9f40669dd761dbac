"""A photo that speaks: its face follows the values of the native rig, its head turns a little."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from voxrig.avatar.figure import Picture
from voxrig.render.portrait import atlas, eyes, landmarks, mouth, photo, sheet, slit
from voxrig.render.portrait.background import behind, matte
from voxrig.render.portrait.compose import composed
from voxrig.render.portrait.fit import fitted
from voxrig.render.portrait.landmarks import Landmarks
from voxrig.render.portrait.mark import drawn, stamped
from voxrig.render.portrait.motion import Motion
from voxrig.rigs import head as heads
from voxrig.rigs.native import NATIVE
from voxrig.types import Array

_TALL = 2.3
"""Heights of the face that the picture shows, if the photo has so much."""


def load(path: Path, size: int = 512, landmarker: Path | None = None, mark: bool = True) -> Portrait:
    """The face in a photo, ready to speak.

    Raises FormatError if there is not exactly one face to be seen well, ModelError if networks are missing.
    """
    picture = photo.read(path)
    return Portrait(picture, landmarks.find(picture, landmarker, str(path)), size, mark, str(path))


class Portrait:
    """Draws the face of one photo."""

    transparent = False

    def __init__(
        self, picture: Picture, marks: Landmarks, size: int = 512, mark: bool = True, name: str = "photo"
    ) -> None:
        if size < 64 or size % 2:
            raise ValueError(f"size must be an even number of pixels from 64 on, got {size}")
        self.size = (size, size)
        self.photo, self.marks = _framed(photo.checked(picture), marks, size)
        """What is drawn of the photo (size, size, 3), and the landmarks there."""
        head = heads.load()
        laid = fitted(head, atlas.load(), self.marks, name)
        self.expression = laid.weights.astype(np.float32)
        """The weights (52,) of the expression that the photo shows."""
        self.lips = slit.lips(self.marks.points)
        cloth = sheet.made(head, laid, self.marks, self.lips, size)
        self.motion = Motion(cloth, laid, self.lips)
        seen = self.photo.astype(np.float32)
        plain = mouth.cleaned(seen, self.lips)
        alpha = matte(plain, self.marks)[..., None]
        self._step = np.float32(cloth.step)
        self._behind = behind(plain, alpha[..., 0])
        self._person = np.concatenate([plain - (1 - alpha) * self._behind, alpha], 2).astype(np.float32)
        self._eyes = eyes.made(self._person, self.marks)
        rest = self.motion.edge(np.zeros(len(NATIVE), np.float32))
        self.mouth = mouth.made(head, laid, self.lips, rest, seen)
        self._frame = np.array([*self.lips.middle, *self.lips.along, self.lips.half, 0.7], np.float32)
        self._mark = drawn(size) if mark else None
        self._out = np.empty_like(self.photo)

    def draw(self, values: Array) -> Picture:
        """The picture (size, size, 3) for values (110,) of the native rig. Valid until the next call."""
        lips, inside = self.lips, self.mouth
        self.motion.pose(values)
        for eye in self._eyes:
            eye.draw(values, self._person)
        composed(
            self.motion.sources, self._step, self._person, self._behind, lips.upper, lips.lower, self._frame,
            inside.rows, mouth.placed(inside, values, self.motion.turn), inside.tints, self._out,
        )  # fmt: skip
        if self._mark is not None:
            stamped(self._out, self._mark)
        return self._out


def _framed(picture: Picture, marks: Landmarks, size: int) -> tuple[Picture, Landmarks]:
    """The square of a photo that is drawn, and the landmarks in it."""
    h, w = picture.shape[:2]
    points = marks.points
    chin, top = points[landmarks.CHIN, :2], points[landmarks.FOREHEAD, :2]
    tall = float(np.linalg.norm(chin - top))
    side = int(min(h, w, round(_TALL * tall)))
    middle = (chin + top) / 2 + [0, -0.02 * tall]
    left = int(np.clip(round(middle[0] - side / 2), 0, w - side))
    up = int(np.clip(round(middle[1] - side / 2), 0, h - side))
    part = photo.resized(np.ascontiguousarray(picture[up : up + side, left : left + side]), size, size)
    person = marks.person
    if person is not None:
        person = photo.resized(np.ascontiguousarray(person[up : up + side, left : left + side]), size, size)
    return part, marks.moved(left, up, size / side, person)
