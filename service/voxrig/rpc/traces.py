"""OpenTelemetry: one span for each stream, told when it is over. Needs the extra ``otel``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

import grpc

from .._version import __version__
from ..errors import VoxrigError
from .floor import Visit

_caller: ContextVar[dict[str, str] | None] = ContextVar("voxrig_caller", default=None)
"""W3C trace context of the call that a task serves."""


class Traces(grpc.aio.ServerInterceptor):
    """Makes spans, inside the client's trace where its call names one."""

    def __init__(self, processor: Any) -> None:
        """``processor`` is an OpenTelemetry SpanProcessor, which takes the spans onwards."""
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider

        told = {"service.name": "voxrig", "service.version": __version__}
        self._provider = TracerProvider(resource=Resource.create(told), shutdown_on_exit=False)
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("voxrig", __version__)

    async def intercept_service(
        self, continuation: Callable[[Any], Awaitable[Any]], handler_call_details: Any
    ) -> Any:
        metadata = handler_call_details.invocation_metadata
        _caller.set({name: value for name, value in metadata if name in ("traceparent", "tracestate")})
        return await continuation(handler_call_details)

    def ended(self, visit: Visit) -> None:
        """A stream is over; called in the task that served it."""
        from opentelemetry.trace import SpanKind, StatusCode
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        order, summary = visit.order, visit.summary
        span = self._tracer.start_span(
            "voxrig.stream",
            context=TraceContextTextMapPropagator().extract(_caller.get() or {}),
            kind=SpanKind.SERVER,
            start_time=_nanoseconds(visit.began),
            attributes={
                "voxrig.stream": order.name,
                "voxrig.model": order.model,
                "voxrig.rigs": [rig.name for rig in order.rigs],
                "voxrig.fps": float(order.fps),
                "voxrig.samples": summary.samples,
                "voxrig.frames": summary.frames,
                "voxrig.dropped": summary.dropped,
                "voxrig.late": summary.late,
                "voxrig.lateness": summary.lateness,
                "voxrig.outcome": visit.how,
            },
        )
        if visit.how == "failed":
            span.set_status(StatusCode.ERROR)
        span.end(_nanoseconds(visit.began + visit.seconds))

    def close(self) -> None:
        """Sends what is left."""
        self._provider.shutdown()


def over_http(endpoint: str) -> Traces:
    """Spans to an OTLP collector, such as http://localhost:4318/v1/traces. Raises VoxrigError."""
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise VoxrigError("traces need OpenTelemetry; pip install 'voxrig[otel]'") from None
    if not endpoint.startswith(("http://", "https://")):
        raise VoxrigError(f"'{endpoint}' is no endpoint for traces; write http://HOST:4318/v1/traces")
    return Traces(BatchSpanProcessor(OTLPSpanExporter(endpoint, timeout=5)))


def _nanoseconds(seconds: float) -> int:
    return int(seconds * 1e9)
