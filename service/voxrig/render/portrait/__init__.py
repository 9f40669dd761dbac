"""One photo that speaks: a face is found, our head is laid over it, and the photo moves with the head."""

from voxrig.render.portrait.landmarks import Landmarks
from voxrig.render.portrait.portrait import Portrait, load

__all__ = ["Landmarks", "Portrait", "load"]
