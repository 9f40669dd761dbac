"""The pictures of a capture as tensors, all in memory, no larger than a fit wants them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from voxrig.avatar.figure import Picture
from voxrig.errors import FormatError
from voxrig.types import Array
from voxrig_train.gaussian.capture import Capture, Shot


class Album:
    """Shots of one capture. Raises FormatError for a picture that cannot be used, or if there is none."""

    def __init__(self, capture: Capture, shots: Sequence[Shot], side: int, device: str = "cpu") -> None:
        if not shots:
            raise FormatError(
                f"capture {capture.folder} has no picture of that use: "
                "its clips and cameras must have some to learn from and some to test with"
            )
        self.capture, self.shots = capture, tuple(shots)
        self.device = torch.device(device)
        self._shrunk = max(1, -(-max(capture.size) // side))
        h, w = capture.size
        self.size = h // self._shrunk, w // self._shrunk
        """Height and width of pictures, pixels."""
        self._at = {shot.picture: i for i, shot in enumerate(self.shots)}
        pictures = [shrunk(capture.picture(shot), self._shrunk) for shot in self.shots]
        self._pictures = torch.from_numpy(np.stack(pictures)).to(self.device)

    @property
    def pixel(self) -> float:
        """Metres that a pixel measures on the face, in the middle of the first camera's picture."""
        view, focal = self.view(self.shots[0])
        return float(np.linalg.norm(view[:3, 3])) / focal

    def view(self, shot: Shot) -> tuple[Array, float]:
        """World to camera (4, 4), and focal length in pixels of ``size``."""
        own = self.capture.views[shot.view]
        return own.matrix(self.capture.size), own.focal / self._shrunk

    def background(self, chance: np.random.Generator) -> Tensor:
        """(3,) what to draw the head on: any colour, unless the pictures have one themselves."""
        known = self.capture.background
        colour = chance.random(3) if known is None else np.array(known)
        return torch.from_numpy(colour.astype(np.float32)).to(self.device)

    def goal(self, shot: Shot, background: Tensor) -> Tensor:
        """The picture (h, w, 3), 0..1, on a colour."""
        whole = self._pictures[self._at[shot.picture]].float() / 255
        return whole[..., :3] + (1 - whole[..., 3:]) * background

    def cover(self, shot: Shot) -> Tensor:
        """How much of each pixel the person covers: (h, w)."""
        return self._pictures[self._at[shot.picture]][..., 3].float() / 255


def shrunk(picture: Picture, factor: int) -> Picture:
    """(h, w, 4) with straight alpha to (h // factor, w // factor, 4), colours multiplied by alpha."""
    h, w = picture.shape[0] // factor, picture.shape[1] // factor
    whole = picture[: h * factor, : w * factor].astype(np.float32)
    whole[..., :3] *= whole[..., 3:] / 255
    out: Picture = np.rint(whole.reshape(h, factor, w, factor, 4).mean((1, 3))).astype(np.uint8)
    return out
