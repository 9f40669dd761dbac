"""What Prometheus may scrape: one registry and one page for each process. Names: docs/serving.md."""

from __future__ import annotations

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    start_http_server,
)

from .._version import __version__
from ..errors import VoxrigError
from .parts import Summary

_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128)


class Metrics:
    """Counters and histograms of the service."""

    def __init__(self, streams: int) -> None:
        own = self.registry = CollectorRegistry()
        ProcessCollector(registry=own)
        Gauge("voxrig_info", "1, with the version", ["version"], registry=own).labels(__version__).set(1)
        Gauge("voxrig_streams_limit", "Streams that may be open", registry=own).set(streams)
        self._open = Gauge("voxrig_streams", "Streams that are open", registry=own)
        self._ended = Counter("voxrig_streams_ended", "Streams by how they ended", ["how"], registry=own)
        self._refused = Counter("voxrig_refused", "Calls turned away", ["reason"], registry=own)
        self._frames = Counter("voxrig_frames", "Frames sent", registry=own)
        self._dropped = Counter("voxrig_frames_dropped", "Frames dropped for clients too slow", registry=own)
        self._first = Histogram(
            "voxrig_first_frame_seconds", "First sound to first frame", buckets=_SECONDS, registry=own
        )
        self._lateness = Histogram(
            "voxrig_lateness_seconds", "From the sound that completes a frame to the frame", buckets=_SECONDS,
            registry=own,
        )  # fmt: skip
        self._step = Histogram("voxrig_step_seconds", "Of one batch", buckets=_SECONDS, registry=own)
        self._batch = Histogram("voxrig_batch_size", "Streams in a step", buckets=_SIZES, registry=own)
        self._renders = Gauge("voxrig_renders", "Streams that draw pictures", registry=own)
        self._pictures = Histogram(
            "voxrig_picture_seconds", "To draw and encode a picture", buckets=_SECONDS, registry=own
        )
        for how in ("done", "failed", "cut", "left"):  # a rate needs a zero to begin with
            self._ended.labels(how)
        for reason in ("full", "stopping", "order", "key", "renders"):
            self._refused.labels(reason)

    def stepped(self, size: int, seconds: float) -> None:
        """A step of so many streams."""
        self._step.observe(seconds)
        self._batch.observe(size)

    def came(self, lateness: float) -> None:
        """Frames came so many seconds after the sound that completes them."""
        self._lateness.observe(lateness)

    def refused(self, reason: str) -> None:
        """A call was turned away: full, stopping, order, key or renders."""
        self._refused.labels(reason).inc()

    def rendering(self, count: int) -> None:
        """So many streams draw pictures now."""
        self._renders.set(count)

    def drew(self, seconds: float) -> None:
        """A picture was drawn and encoded."""
        self._pictures.observe(seconds)

    def opened(self) -> None:
        """A stream was admitted."""
        self._open.inc()

    def sent(self, frames: int, dropped: int) -> None:
        """So many more frames."""
        self._frames.inc(frames)
        self._dropped.inc(dropped)

    def closed(self, summary: Summary, how: str) -> None:
        """A stream is over: done, failed, cut by us, or its client left."""
        self._open.dec()
        self._ended.labels(how).inc()
        if summary.first_frame is not None:
            self._first.observe(max(0.0, summary.first_frame))


class Page:
    """/metrics over HTTP, served by a thread of its own."""

    def __init__(self, metrics: Metrics, host: str, port: int) -> None:
        """Port 0 finds a free one. Raises VoxrigError."""
        try:
            self._server, self._thread = start_http_server(port, host.strip("[]"), metrics.registry)
        except (OSError, OverflowError) as error:
            raise VoxrigError(f"cannot serve metrics on {host}:{port}: {error}") from error
        self.port = int(self._server.server_port)

    def close(self) -> None:
        """Frees the port. Takes up to half a second; closing twice is fine."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
