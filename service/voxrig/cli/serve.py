"""``voxrig serve``: its words, and how they become a server in one process or several."""

from __future__ import annotations

import argparse
import math
import os
from importlib import import_module
from pathlib import Path

_SERVING = """Serves voxrig's own API and NVIDIA Audio2Face-3D's over gRPC. Without --keys or --client-ca only
this machine may call. SIGTERM or Ctrl-C ends it once open streams have ended, a second one at once."""

_ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",  # a step is too small to be shared by cores
    "OMP_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "passive",  # or threads that draw would burn the processor while they wait
    "GRPC_VERBOSITY": "NONE",  # its core writes lines of a form of its own
    "ORT_DISABLE_TELEMETRY": "1",  # ONNX Runtime 1.31 would tell its makers of every start
}


def add(parser: argparse.ArgumentParser) -> None:
    """The words of the verb."""
    parser.description = _SERVING
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=_port, default=52000, help="0 finds a free one (52000)")
    parser.add_argument(
        "--model", nargs="+", metavar="PACK", default=["live", "fast", "file"],
        help="live, fast, file or folders; clients that name none get the first (live fast file)",
    )  # fmt: skip
    parser.add_argument("--streams", type=_count, default=200, metavar="N", help="at once, in a worker (200)")
    parser.add_argument(
        "--avatar", action="append", default=[], metavar="NAME=FILE", dest="avatars",
        help="a head that clients may have rendered, beside the one that ships (default); repeatable",
    )  # fmt: skip
    parser.add_argument(
        "--max-renders", type=_renders, default=2, metavar="N",
        help="of the streams, those that draw pictures; 0 is none (2; extra render)",
    )  # fmt: skip
    parser.add_argument(
        "--workers", type=_count, metavar="N", help="processes that share the port; one a core"
    )
    parser.add_argument(
        "--keys", type=Path, metavar="FILE", help="callers need one of these keys, a line each"
    )
    parser.add_argument("--cert", type=Path, metavar="PEM", help="certificate of the server; encrypts")
    parser.add_argument("--key", type=Path, metavar="PEM", help="key of the certificate")
    parser.add_argument(
        "--client-ca", type=Path, metavar="PEM", help="callers need a certificate of this authority"
    )
    parser.add_argument("--public", action="store_true", help="let strangers call from other machines")
    parser.add_argument(
        "--websocket", type=_port, metavar="PORT", help="pages and engines at ws://HOST:PORT/v1/face"
    )
    parser.add_argument(
        "--origin", action="append", default=[], metavar="URL",
        help="whose pages may connect, as https://example.com; those of this machine and host may",
    )  # fmt: skip
    parser.add_argument(
        "--metrics",
        type=_port,
        metavar="PORT",
        help="Prometheus at http://HOST:PORT/metrics; workers count up",
    )
    parser.add_argument("--log", choices=("text", "json"), default="text", help="lines on stderr (text)")
    parser.add_argument(
        "--idle",
        type=_seconds,
        default=60.0,
        metavar="S",
        help="end streams that say nothing for so long (60)",
    )
    parser.add_argument(
        "--drain", type=_seconds, default=30.0, metavar="S", help="open streams get so long at the end (30)"
    )
    parser.add_argument("--a2f-type-url", metavar="URL", help="of Audio2Face emotion metadata: docs/a2f.md")
    parser.add_argument(
        "--traces", metavar="URL", help="OTLP collector, http://HOST:4318/v1/traces (extra otel)"
    )


def run(args: argparse.Namespace) -> int:
    """Exit code 0 after a drain, 1 if that was cut short. Raises VoxrigError."""
    # What libraries read when they load, which is not yet.
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    return int(import_module("voxrig.cli.service").run(args))


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"'{text}' is no port; have 0 to 65535")
    return int(text)


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 10_000:
        raise argparse.ArgumentTypeError(f"'{text}' is no number from 1 to 10000")
    return int(text)


def _renders(text: str) -> int:
    return 0 if text == "0" else _count(text)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 86_400:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of seconds from 0 to 86400")
    return value
