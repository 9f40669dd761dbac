"""Rigs by name, and maps from one to another. See docs/rigs.md for what each map keeps."""

from voxrig.rigs.arkit import LIVELINK_CSV_ORDER
from voxrig.rigs.maps import RigMap, map_to
from voxrig.rigs.native import NATIVE
from voxrig.rigs.table import describe, get, names

__all__ = ["LIVELINK_CSV_ORDER", "NATIVE", "RigMap", "describe", "get", "map_to", "names"]
