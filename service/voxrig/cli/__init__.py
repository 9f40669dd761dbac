"""The command line: a verb parses, calls the library and prints."""

from voxrig.cli.main import main

__all__ = ["main"]
