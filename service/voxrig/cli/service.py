"""What ``voxrig serve`` runs: the setup, the models, and the processes."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

from voxrig._version import __version__
from voxrig.errors import VoxrigError, one_line
from voxrig.model import ModelCard, find, load, read_card
from voxrig.rpc import logs, workers
from voxrig.rpc.auth import Tls, loopback, read_keys
from voxrig.rpc.face import FileFormat
from voxrig.rpc.limits import Limits
from voxrig.rpc.server import Server, Setup, serve
from voxrig.rpc.server import run as run_loop
from voxrig.rpc.stop import Stop, by_signals
from voxrig_bridge.door import check_origin
from voxrig_export import formats

_log = logging.getLogger("voxrig.serve")

_PATIENCE = 10.0  # s that a worker may need beyond its drain


def run(args: argparse.Namespace) -> int:
    """Exit code 0 after a drain, 1 if that was cut short. Raises VoxrigError."""
    logs.begin(args.log, sys.stderr)
    setup, cards = _setup(args), _cards(args.model)
    if setup.keys and not setup.tls and not loopback(setup.host):
        _log.warning("keys cross the network in clear: give --cert and --key, or put TLS in front")
    if args.workers is None:
        return _serve(
            setup,
            args.model,
            lambda server: _say(setup, cards, (server.port, server.metrics, server.websocket)),
        )
    with ExitStack() as held:
        port = held.enter_context(workers.reserved(setup.host, setup.port))
        setup = replace(setup, port=port, shared=True)
        if setup.websocket is not None:
            websocket = held.enter_context(workers.reserved(setup.host, setup.websocket))
            setup = replace(setup, websocket=websocket)
        work = partial(_work, setup, args.model, args.log)
        up = partial(_say, setup, cards, (port, setup.metrics, setup.websocket), args.workers)
        patience = setup.limits.drain + _PATIENCE
        return 0 if workers.supervise(args.workers, work, up, patience) else 1


def _setup(args: argparse.Namespace) -> Setup:
    if (args.cert is None) != (args.key is None) or (args.client_ca and not args.cert):
        raise VoxrigError("--cert and --key go together, and --client-ca goes with them")
    if args.workers and args.metrics and args.metrics + args.workers > 65536:
        raise VoxrigError(f"there are no {args.workers} ports from --metrics {args.metrics} on")
    setup = Setup(
        host=args.host,
        port=args.port,
        keys=read_keys(args.keys) if args.keys else (),
        tls=Tls(args.cert, args.key, args.client_ca) if args.cert else None,
        public=args.public,
        metrics=args.metrics,
        websocket=args.websocket,
        origins=_origins(args),
        avatars=_avatars(args),
        limits=Limits(streams=args.streams, renders=args.max_renders, idle=args.idle, drain=args.drain),
        traces=args.traces,
    )
    return replace(setup, type_url=args.a2f_type_url) if args.a2f_type_url else setup


def _origins(args: argparse.Namespace) -> tuple[str, ...]:
    """Raises VoxrigError."""
    if args.origin and args.websocket is None:
        raise VoxrigError("--origin goes with --websocket")
    try:
        return tuple(check_origin(origin) for origin in args.origin)
    except ValueError as error:
        raise VoxrigError(str(error)) from error


def _avatars(args: argparse.Namespace) -> dict[str, Path]:
    """Files of heads by name. Raises VoxrigError."""
    if args.avatars and not args.max_renders:
        raise VoxrigError("--avatar needs --max-renders of 1 or more")
    found: dict[str, Path] = {}
    for word in args.avatars:
        name, equals, file = word.partition("=")
        if not equals or not file or not name.isprintable() or not 1 <= len(name) <= 64:
            raise VoxrigError(f"--avatar is '{one_line(word)}'; write NAME=FILE, as ada=ada.glb")
        if name in found:
            raise VoxrigError(f"two avatars are called '{name}'; each needs a name of its own")
        found[name] = Path(file)
    return found


def _cards(packs: Sequence[str]) -> list[ModelCard]:
    cards = [read_card(find(pack)) for pack in packs]
    names = [card.name for card in cards]
    if len(set(names)) < len(names):
        raise VoxrigError(f"each model needs a name of its own; have {', '.join(names)}")
    return cards


def _serve(
    setup: Setup, packs: Sequence[str], up: Callable[[Server], None], told: Callable[[], Stop] = by_signals
) -> int:
    models = {model.card.name: model for model in map(load, packs)}
    known = [FileFormat(kind.name, kind.description, kind.suffix) for kind in formats()]
    return 0 if run_loop(serve(setup, models, known, up, told)) else 1


def _work(setup: Setup, packs: Sequence[str], log: logs.Kind, index: int, up: Callable[[], None]) -> int:
    """What a worker does."""
    logs.begin(log, sys.stderr, worker=index)
    if setup.metrics:
        setup = replace(setup, metrics=setup.metrics + index)
    try:
        return _serve(setup, packs, lambda server: up(), workers.by_parent)
    except VoxrigError as error:
        print(f"voxrig: {one_line(str(error))}", file=sys.stderr)
        return 2


def _say(
    setup: Setup,
    cards: Sequence[ModelCard],
    ports: tuple[int, int | None, int | None],
    workers: int | None = None,
) -> None:
    """One line for people: where, what, for whom, how many. Ports: of gRPC, metrics and WebSockets."""
    port, metrics, websocket = ports
    names = ", ".join(card.name for card in cards)
    most = f"{setup.limits.streams} streams at most"
    if workers is not None:
        most = f"{workers} workers of {most}"
    callers = "callers from this machine" if loopback(setup.host) else "callers from anywhere"
    shown = [
        *(["a key"] if setup.keys else []),
        *(["a certificate"] if setup.tls and setup.tls.client_authority else []),
    ]
    if shown:
        callers += f" with {' and '.join(shown)}"
    secret = "TLS" if setup.tls else "no TLS"
    page = "" if websocket is None else f"; WebSockets on {websocket}"
    page += "" if metrics is None else f"; metrics on {metrics}"
    print(
        f"voxrig {__version__} on {setup.host}:{port}: {names}; {most}; {callers}, {secret}{page}", flush=True
    )
