"""What an avatar is, read from the files that people have. Knows nothing of how it is drawn."""

from voxrig.avatar.figure import Figure, Material, Moves

__all__ = ["Figure", "Material", "Moves"]
