"""Curve files that engines and editors import: one module a format, one table of them all."""

from voxrig_export.options import Options
from voxrig_export.reading import read, readable
from voxrig_export.sink import FileSink, open_sink, write
from voxrig_export.table import FORMATS, Format, format_for, formats

__all__ = [
    "FORMATS",
    "FileSink",
    "Format",
    "Options",
    "format_for",
    "formats",
    "open_sink",
    "read",
    "readable",
    "write",
]
