"""``voxrig studio``: a page that shows a face speak while it is tuned."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

_ABOUT = """Serves a page on which a face speaks while you tune it, and opens it in a browser: takes by file,
microphone or text, emotions and directions, files for editors, links to engines. Needs the extra studio.
Only this machine may come in; with another --host so may who has the token. Ctrl-C ends it."""
_ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "passive",
    "ORT_DISABLE_TELEMETRY": "1",
}
"""What libraries read when they load, which is not yet."""


def add(parser: argparse.ArgumentParser) -> None:
    """The words of the verb."""
    parser.description = _ABOUT
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=_port, default=8600, help="0 finds a free one (8600)")
    parser.add_argument("--no-browser", action="store_true", help="only print the address")
    parser.add_argument("--token", type=_token, help="what visitors must show (drawn, where needed)")
    parser.add_argument("--device", choices=("auto", "cpu", "gpu"), default="auto", help="of the models")
    parser.add_argument(
        "--avatar", type=Path, metavar="FILE", help="your GLB or VRM on the page (the head that ships)"
    )


def run(args: argparse.Namespace) -> int:
    """Exit code 0 after Ctrl-C or SIGTERM. Raises VoxrigError."""
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    from importlib.util import find_spec

    from voxrig.errors import VoxrigError

    if find_spec("aiohttp") is None:
        raise VoxrigError("the studio needs aiohttp; pip install 'voxrig[studio]'")
    from voxrig.studio.serve import Address, serve

    return serve(
        Address(args.host, args.port, args.token or ""), args.device, args.avatar, browse=not args.no_browser
    )


def _port(text: str) -> int:
    if not text.isdecimal() or not text.isascii() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"'{text}' is no port; have 0 to 65535")
    return int(text)


def _token(text: str) -> str:
    if (
        not 8 <= len(text) <= 200
        or not text.isascii()
        or not text.replace("-", "").replace("_", "").isalnum()
    ):
        raise argparse.ArgumentTypeError("a token has 8 to 200 letters, digits, - and _")
    return text
