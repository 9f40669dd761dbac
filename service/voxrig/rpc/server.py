"""One process that serves: gRPC on one port, WebSockets and metrics on others, and an orderly end."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from ..emotion import load_ear
from ..errors import VoxrigError
from ..expression import load_expression
from ..model import OnnxModel
from ..pack import Device
from ..pb.nvidia_ace import (
    a2f_authoring_service_pb2,
    a2f_controller_service_pb2,
    a2x_export_config_service_pb2,
)
from ..pb.nvidia_ace import a2f_authoring_service_pb2_grpc as authoring_grpc
from ..pb.nvidia_ace import a2f_controller_service_pb2_grpc as controller_grpc
from ..pb.nvidia_ace import a2x_export_config_service_pb2_grpc as configs_grpc
from ..pb.voxrig.v1 import face_pb2, face_pb2_grpc
from ..render.look import drawable
from .a2f import Controller
from .a2f_authoring import Authoring
from .a2f_configs import Configs
from .auth import Keys, Tls, loopback
from .face import Face, FileFormat
from .floor import Floor, Visit
from .limits import Limits
from .metrics import Metrics, Page
from .stop import Stop, by_signals
from .studio import Studio
from .traces import Traces, over_http
from .web import Entrance, Front

_GRACE = 2.0  # s for calls that were told to go
_HASTE = 1.0  # s for them where all is to end at once
_OTHERS = 100  # calls at once that are no streams: of health and Describe, and those that will be turned away
_OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.keepalive_time_ms", 20_000),  # finds clients that have vanished
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.http2.bdp_probe", 0),  # or the network buffers a minute of frames for a client that does not read
)

_log = logging.getLogger("voxrig.server")


@dataclass(frozen=True)
class Setup:
    """How to serve."""

    host: str = "127.0.0.1"
    port: int = 52000
    """0 finds a free one."""
    keys: tuple[str, ...] = ()
    tls: Tls | None = None
    public: bool = False
    """Whether strangers may call from other machines without key or certificate."""
    metrics: int | None = None
    """Port for Prometheus, on the same host; 0 finds a free one."""
    websocket: int | None = None
    """Port for WebSockets, on the same host; 0 finds a free one."""
    origins: tuple[str, ...] = ()
    """Of pages that may open WebSockets, beside those of this machine and of the server's own host."""
    avatars: Mapping[str, Path] = field(default_factory=dict)
    """Files of heads that may be drawn, by name, beside the one that ships."""
    shared: bool = False
    """Whether other processes listen on the same ports."""
    limits: Limits = field(default_factory=Limits)
    most: int = 64
    """Streams in one step."""
    type_url: str = "type.googleapis.com/nvidia_ace.emotion_aggregate.v1.EmotionAggregate"
    """Of emotion metadata, which clients of NVIDIA's newer packages expect elsewhere."""
    traces: str | None = None
    """Where an OpenTelemetry collector takes spans."""


class Server:
    """A server that was started. ``async with`` stops it."""

    def __init__(
        self,
        grpc_server: Any,
        floor: Floor,
        port: int,
        checks: Any,
        beside: Sequence[Page | Traces | Studio],
        front: Front | None = None,
    ) -> None:
        self._server, self._floor, self._checks, self._beside = grpc_server, floor, checks, beside
        self._front = front
        self.port = port

    async def __aenter__(self) -> Server:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop(0)

    @property
    def streams(self) -> int:
        """Open now."""
        return len(self._floor)

    @property
    def metrics(self) -> int | None:
        """Port of /metrics."""
        return next((thing.port for thing in self._beside if isinstance(thing, Page)), None)

    @property
    def websocket(self) -> int | None:
        """Port for WebSockets."""
        return self._front.port if self._front else None

    async def stop(self, seconds: float, grace: float = _GRACE) -> None:
        """Takes nobody in, serves who is there for so long, tells the rest, and ends. Twice is fine.

        ``grace`` is how many seconds those who were told may take to hear it.
        """
        await self._checks.enter_graceful_shutdown()
        await self._floor.drain(seconds)
        fronts = [self._front] if self._front else []
        await asyncio.gather(self._server.stop(grace), *(front.stop(grace) for front in fronts))
        await self._floor.close()
        loop = asyncio.get_running_loop()
        await asyncio.gather(*(loop.run_in_executor(None, thing.close) for thing in self._beside))


async def start(setup: Setup, models: Mapping[str, OnnxModel], formats: Sequence[FileFormat] = ()) -> Server:
    """Starts to serve the models, the first of which is the default. Raises VoxrigError."""
    if not (setup.keys or setup.public or loopback(setup.host) or (setup.tls and setup.tls.client_authority)):
        raise VoxrigError(
            f"{setup.host} can be reached from other machines: give --keys or --client-ca, or say --public"
        )
    metrics = Metrics(setup.limits.streams)
    traces = [over_http(setup.traces)] if setup.traces else []
    ended = traces[0].ended if traces else _nothing
    studio = _studio(setup, metrics)
    gpu = any("CPU" not in model.providers[0] for model in models.values())
    device: Device = "auto" if gpu else "cpu"
    expression, ear = load_expression(device), load_ear(device)
    floor = Floor(models, setup.limits, metrics, setup.most, ended, expression, ear)
    server = grpc.aio.server(
        interceptors=[*traces, *([Keys(setup.keys, partial(metrics.refused, "key"))] if setup.keys else [])],
        options=[
            *_OPTIONS,
            ("grpc.max_receive_message_length", setup.limits.max_message),
            ("grpc.so_reuseport", int(setup.shared)),
        ],
        maximum_concurrent_rpcs=setup.limits.streams + _OTHERS,
    )
    face_pb2_grpc.add_FaceServicer_to_server(Face(floor, formats, studio), server)
    services = [face_pb2.DESCRIPTOR.services_by_name["Face"].full_name]
    services += _join_nvidia(server, floor, setup)
    checks = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(checks, server)
    reflection.enable_server_reflection([*services, health.SERVICE_NAME, reflection.SERVICE_NAME], server)
    pages: list[Page] = []
    try:
        pages += [Page(metrics, setup.host, setup.metrics)] if setup.metrics is not None else []
        port = _listen(server, setup)
        front = await _front(floor, setup)
    except VoxrigError:
        for page in pages:
            page.close()
        await floor.close()
        raise
    await server.start()
    for service in ("", *services):
        await checks.set(service, health_pb2.HealthCheckResponse.SERVING)
    studios = [] if studio is None else [studio]
    return Server(server, floor, port, checks, (*pages, *traces, *studios), front)


async def serve(
    setup: Setup,
    models: Mapping[str, OnnxModel],
    formats: Sequence[FileFormat] = (),
    started: Callable[[Server], None] = lambda server: None,
    told: Callable[[], Stop] = by_signals,
) -> bool:
    """Serves until it is told to stop, then drains. Whether it could drain to the end. Raises VoxrigError."""
    stop = told()
    server = await start(setup, models, formats)
    gc.collect()
    gc.freeze()  # or a full collection, now and then, holds every stream up for 50 ms
    started(server)
    await stop.drain.wait()
    _log.info("draining", extra={"streams": server.streams, "seconds": setup.limits.drain})
    draining = asyncio.create_task(server.stop(setup.limits.drain))
    ending = asyncio.create_task(stop.end.wait())
    await asyncio.wait({draining, ending}, return_when=asyncio.FIRST_COMPLETED)
    if ending.cancel():
        await draining
        return True
    draining.cancel()
    _log.warning("ended at once", extra={"streams": server.streams})
    await server.stop(0, _HASTE)
    return False


def run(main: Coroutine[Any, Any, bool]) -> bool:
    """Runs a coroutine on the quickest loop at hand."""
    sys.setswitchinterval(0.0002)  # the batch thread must not keep the loop waiting for 5 ms at a time
    try:
        import uvloop
    except ImportError:
        return asyncio.run(main)
    return bool(uvloop.run(main))


def _listen(server: Any, setup: Setup) -> int:
    """Adds the port; returns its number. Raises VoxrigError."""
    host = f"[{setup.host}]" if ":" in setup.host.strip("[]") and setup.host[0] != "[" else setup.host
    address = f"{host}:{setup.port}"
    credentials = setup.tls.credentials() if setup.tls else None
    try:
        if credentials is not None:
            return int(server.add_secure_port(address, credentials))
        return int(server.add_insecure_port(address))
    except RuntimeError as error:  # which does not tell one from the other
        why = "in use, or no address of this machine; --port 0 finds a free one"
        raise VoxrigError(f"cannot listen on {address}: {why}") from error


def _studio(setup: Setup, metrics: Metrics) -> Studio | None:
    """Where pictures are drawn, if they can and may be. Raises VoxrigError."""
    wanted = setup.limits.renders > 0 and (bool(setup.avatars) or drawable())
    return Studio(setup.avatars, setup.limits, metrics) if wanted else None


async def _front(floor: Floor, setup: Setup) -> Front | None:
    """Starts to take WebSockets, if they are wanted. Raises VoxrigError."""
    if setup.websocket is None:
        return None
    tls = setup.tls.context() if setup.tls else None
    entrance = Entrance(setup.host, setup.websocket, setup.keys, setup.origins, tls, setup.shared)
    front = Front(floor, entrance)
    await front.start()
    return front


def _nothing(visit: Visit) -> None:
    pass


def _join_nvidia(server: Any, floor: Floor, setup: Setup) -> list[str]:
    """Adds NVIDIA's services; returns their names."""
    secure = "disabled" if setup.tls is None else "mtls" if setup.tls.client_authority else "tls"
    controller_grpc.add_A2FControllerServiceServicer_to_server(Controller(floor, setup.type_url), server)
    configs_grpc.add_A2XExportConfigServiceServicer_to_server(Configs(floor, secure, setup.type_url), server)
    authoring_grpc.add_A2FAuthoringServiceServicer_to_server(Authoring(floor), server)
    files = (a2f_controller_service_pb2, a2x_export_config_service_pb2, a2f_authoring_service_pb2)
    return [service.full_name for file in files for service in file.DESCRIPTOR.services_by_name.values()]
