"""``voxrig serve``: who may call, what it tells of itself, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import StringIO
from pathlib import Path
from typing import Any

import grpc
import pytest
from calls import KEY, code, collect, config, open_channel, serving, talk
from conftest import Run
from grpc_health.v1 import health_pb2, health_pb2_grpc
from sounds import TINY, VOXRIG

from voxrig.cli import main
from voxrig.errors import VoxrigError
from voxrig.model import OnnxModel
from voxrig.pb.voxrig.v1 import face_pb2 as pb
from voxrig.pb.voxrig.v1 import face_pb2_grpc
from voxrig.rpc import logs, workers
from voxrig.rpc.limits import Limits
from voxrig.rpc.server import Server, Setup, start

SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING
ENDS, REFUSALS = ("done", "failed", "cut", "left"), ("full", "stopping", "order", "key")
DOCS = Path(__file__).parent.parent / "docs" / "serving.md"
SILENCE = pb.AnimateRequest(audio=pb.Audio(samples=bytes(2 * 640)))  # 40 ms at 16 kHz


class Process:
    """``voxrig serve`` as an operator starts it."""

    def __init__(self, home: Path, *words: str) -> None:
        self._process = subprocess.Popen(
            [*VOXRIG, "serve", "--port", "0", "--model", str(TINY), *words],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"HOME": str(home)},
        )  # fmt: skip
        self._guard = threading.Timer(60, self._process.kill)  # so that no mistake hangs the tests
        self._guard.start()
        assert self._process.stdout is not None
        self.said = self._process.stdout.readline()
        self.pid = self._process.pid

    @property
    def port(self) -> int:
        found = re.search(r":(\d+):", self.said)
        assert found, (self.said, self._process.communicate())
        return int(found[1])

    def signal(self, kind: signal.Signals) -> None:
        self._process.send_signal(kind)

    def end(self) -> tuple[int, list[str]]:
        """Waits; exit code and lines of standard error."""
        _, told = self._process.communicate()
        return self._process.returncode, told.splitlines()

    def lines(self) -> Iterator[str]:
        """Lines of standard error as they come."""
        assert self._process.stderr is not None
        yield from self._process.stderr

    def close(self) -> None:
        self._guard.cancel()
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    with contextlib.ExitStack() as stack:

        def begin(*words: str) -> Process:
            process = Process(tmp_path, *words)
            stack.callback(process.close)
            return process

        yield begin


# ── what it tells of itself ───────────────────────────────────────────────────────────────────────────


async def scrape(server: Server) -> dict[str, float]:
    """Metrics by name and labels."""
    url = f"http://127.0.0.1:{server.metrics}/metrics"
    page = await asyncio.to_thread(lambda: urllib.request.urlopen(url, timeout=10).read().decode())
    rows = (line.rpartition(" ") for line in page.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in rows}


def test_metrics(tiny: OnnxModel) -> None:
    async def act(server: Server) -> None:
        nonlocal page
        page = f"http://127.0.0.1:{server.metrics}/metrics"
        async with open_channel(server) as channel:
            face = face_pb2_grpc.FaceStub(channel)
            assert await code(face.Animate().read()) == "UNAUTHENTICATED"
            key = {"metadata": [("x-api-key", KEY)]}
            wrong = face.Animate(**key)
            await wrong.write(config(fps_numerator=1000, fps_denominator=1))
            assert await code(wrong.read()) == "INVALID_ARGUMENT"
            summary = await talk(face, **key)
            first = face.Animate(**key)
            await first.write(config())
            await first.read()
            assert (await scrape(server))["voxrig_streams"] == 1
            second = face.Animate(**key)
            await second.write(config())
            assert await code(second.read()) == "RESOURCE_EXHAUSTED"
            await first.done_writing()
            while await first.read() is not grpc.aio.EOF:
                pass
        found = await scrape(server)
        assert found["voxrig_frames_total"] == summary.frames == 24
        assert found["voxrig_frames_dropped_total"] == 0
        assert found["voxrig_streams_limit"] == 1
        assert found["voxrig_streams"] == 0
        assert found["voxrig_first_frame_seconds_count"] == 1
        for name in ("lateness_seconds", "step_seconds", "batch_size"):
            assert found[f"voxrig_{name}_count"] > 0
        ended = {how: found[f'voxrig_streams_ended_total{{how="{how}"}}'] for how in ENDS}
        assert ended == {"done": 2, "left": 0, "failed": 0, "cut": 0}
        refused = {why: found[f'voxrig_refused_total{{reason="{why}"}}'] for why in REFUSALS}
        assert refused == {"key": 1, "full": 1, "order": 1, "stopping": 0}
        assert "process_cpu_seconds_total" in found or sys.platform != "linux"
        assert documented >= {
            re.sub(r"(_total|_bucket|_count|_sum|_created)?({.*)?$", "", n)
            for n in found
            if n.startswith("voxrig_")
        }

    page, documented = "", set(re.findall(r"`(voxrig_\w+?)(?:_total)?[`{]", DOCS.read_text(encoding="utf-8")))
    threads = threading.active_count()
    serving(tiny, act, metrics=0, keys=(KEY,), limits=Limits(streams=1))
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(page, timeout=10)
    assert threading.active_count() <= threads + 1  # grpc keeps one for its loops


def test_ports_in_use_are_named(tiny: OnnxModel) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for fault, setup in (
            (f"cannot listen on 127.0.0.1:{port}: in use, .*; --port 0 finds a free one", Setup(port=port)),
            (f"cannot serve metrics on 127.0.0.1:{port}: .*in use", Setup(port=0, metrics=port)),
        ):
            with pytest.raises(VoxrigError, match=fault):
                asyncio.run(start(setup, {"tiny": tiny}))  # type: ignore[arg-type]


def test_log_lines() -> None:
    lines = {}
    root = logging.getLogger()
    before = root.handlers[:], root.level
    try:
        for kind in ("text", "json"):
            logs.begin(kind, to := StringIO(), worker=3)  # type: ignore[arg-type]
            log = logging.getLogger("voxrig.test")
            log.info("stream %s", "done", extra={"stream": "a b\n", "rigs": ["arkit", "flame"], "frames": 7})
            try:
                raise ValueError("no")
            except ValueError:
                log.exception("failed")
            lines[kind] = to.getvalue().splitlines()
    finally:
        root.handlers[:] = before[0]
        root.setLevel(before[1])
    first, second = lines["text"]
    want = r'voxrig.test: stream done worker=3 stream="a b\n" rigs=arkit,flame frames=7'
    assert first[24:] == f" info {want}"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first[:24])
    assert "ValueError: no" in second
    told = json.loads(lines["json"][0])
    assert told.pop("time")[-1] == "Z"
    assert told == {
        "level": "info", "logger": "voxrig.test", "message": "stream done", "worker": 3,
        "stream": "a b\n", "rigs": ["arkit", "flame"], "frames": 7,
    }  # fmt: skip
    assert "ValueError: no" in json.loads(lines["json"][1])["trace"]


def test_a_span_for_each_stream(tiny: OnnxModel) -> None:
    proto = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http")
    spans: list[Any] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            for resource in proto.ExportTraceServiceRequest.FromString(body).resource_spans:
                spans.extend(span for scope in resource.scope_spans for span in scope.spans)
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    async def act(server: Server) -> None:
        async with open_channel(server) as channel:
            face = face_pb2_grpc.FaceStub(channel)
            await talk(face, metadata=[("traceparent", f"00-{7:032x}-{5:016x}-01")])
            await talk(face)

    with HTTPServer(("127.0.0.1", 0), Collector) as collector:
        threading.Thread(target=collector.serve_forever, daemon=True).start()
        serving(tiny, act, traces=f"http://127.0.0.1:{collector.server_port}/v1/traces")
        collector.shutdown()
    one, two = sorted(spans, key=lambda span: span.parent_span_id == b"")
    assert (one.trace_id, one.parent_span_id) == (bytes(15) + b"\7", bytes(7) + b"\5")
    assert two.parent_span_id == b""
    assert one.name == "voxrig.stream"
    assert 0 < one.end_time_unix_nano - one.start_time_unix_nano < 30e9
    told = {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in one.attributes}
    assert [value.string_value for value in told.pop("voxrig.rigs").values] == ["arkit"]
    assert told.pop("voxrig.lateness") >= 0
    assert told == {
        "voxrig.stream": "test", "voxrig.model": "tiny", "voxrig.fps": 60.0, "voxrig.samples": 6400,
        "voxrig.frames": 24, "voxrig.dropped": 0, "voxrig.late": 0, "voxrig.outcome": "done",
    }  # fmt: skip


# ── how it ends ───────────────────────────────────────────────────────────────────────────────────────


class Talker:
    """A live client: the next sound goes out when a frame comes in, so it goes as fast as frames are due."""

    def __init__(self, face: Any, leaves: bool) -> None:
        self._call, self._leaves = face.Animate(), leaves
        self.moving, self.warned = asyncio.Event(), asyncio.Event()
        self.frames, self.seconds = 0, 0.0
        self.summary: pb.Summary | None = None

    async def run(self) -> str:
        """How the stream ends."""
        try:
            await self._call.write(config())
            for _ in range(5):
                await self._call.write(SILENCE)
            while (part := await self._call.read()) is not grpc.aio.EOF:
                await self._hear(part)
            await self._call.code()
        except grpc.aio.AioRpcError as error:
            return f"{error.code().name}: {error.details()}"
        return "OK"

    async def _hear(self, part: pb.AnimateResponse) -> None:
        kind = part.WhichOneof("part")
        if kind == "frames":
            self.frames += part.frames.count
            self.moving.set()
            if not (self._leaves and self.warned.is_set()):
                await self._call.write(
                    pb.AnimateRequest(audio=pb.Audio(samples=bytes(534 * part.frames.count)))
                )
        elif kind == "notice" and part.notice.code == pb.Notice.CODE_GOING_AWAY:
            self.seconds = part.notice.seconds
            self.warned.set()
            if self._leaves:
                await self._call.done_writing()
        elif kind == "summary":
            self.summary = part.summary


def test_draining_under_load(serve: Callable[..., Process]) -> None:
    process = serve("--drain", "1")

    async def act() -> list[str]:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{process.port}") as channel:
            face, health = face_pb2_grpc.FaceStub(channel), health_pb2_grpc.HealthStub(channel)
            talkers = [Talker(face, leaves=i % 2 == 0) for i in range(50)]
            running = [asyncio.create_task(talker.run()) for talker in talkers]
            await asyncio.gather(*(talker.moving.wait() for talker in talkers))
            process.signal(signal.SIGTERM)
            await asyncio.gather(*(talker.warned.wait() for talker in talkers))
            assert {talker.seconds for talker in talkers} == {1.0}
            assert (await health.Check(health_pb2.HealthCheckRequest())).status == NOT_SERVING
            assert await Talker(face, leaves=True).run() == "UNAVAILABLE: the server is stopping; try another"
            ends = await asyncio.gather(*running)
            for talker in talkers[::2]:
                assert talker.summary is not None
                assert talker.summary.frames == talker.frames > 0
            return list(ends)

    ends = asyncio.run(asyncio.wait_for(act(), 30))
    stopped = "UNAVAILABLE: the server has stopped; open the stream elsewhere"
    assert ends == ["OK", stopped] * 25
    status, told = process.end()
    assert status == 0
    assert len([line for line in told if "info voxrig.floor: stream done" in line]) == 25
    assert len([line for line in told if "info voxrig.floor: stream cut" in line]) == 25
    assert len(told) == 51, told  # and the word of draining: nothing else was noisy


def test_a_second_signal_ends_at_once(serve: Callable[..., Process]) -> None:
    process = serve("--drain", "60", "--metrics", "0")

    async def act() -> str:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{process.port}") as channel:
            talker = Talker(face_pb2_grpc.FaceStub(channel), leaves=False)
            running = asyncio.create_task(talker.run())
            await talker.moving.wait()
            process.signal(signal.SIGINT)
            await asyncio.to_thread(lambda: next(line for line in process.lines() if "draining" in line))
            process.signal(signal.SIGTERM)
            return await running

    assert asyncio.run(asyncio.wait_for(act(), 30)).startswith("UNAVAILABLE: the server has stopped")
    assert process.end()[0] == 1


def test_who_says_nothing_is_sent_away(tiny: OnnxModel) -> None:
    async def act(server: Server) -> None:
        async with open_channel(server) as channel:
            call = face_pb2_grpc.FaceStub(channel).Animate()
            assert await code(call.read()) == "DEADLINE_EXCEEDED"
            assert await call.details() == "nothing was sent for 0.05 s"

    serving(tiny, act, limits=Limits(idle=0.05))


def test_nonsense_is_refused(tiny: OnnxModel) -> None:
    async def act(server: Server) -> None:
        async with open_channel(server) as channel:
            animate = channel.stream_stream("/voxrig.v1.Face/Animate")
            for messages in ([b"\xff"], [config().SerializeToString(), b"\xff"]):
                call = animate(iter(messages))
                assert await code(collect(call)) == "INVALID_ARGUMENT"
                assert await call.details() == "a request that is no message of this method"

    serving(tiny, act)


# ── several processes ─────────────────────────────────────────────────────────────────────────────────


async def ask_health(port: int) -> None:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        check = health_pb2_grpc.HealthStub(channel).Check
        reply = await check(health_pb2.HealthCheckRequest(), wait_for_ready=True, timeout=20)
        assert reply.status == SERVING


def workers_of(process: Process) -> list[int]:
    """Processes that a parent started and that serve."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [int(pid) for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]


needs_shared_ports = pytest.mark.skipif(sys.platform != "linux", reason="workers share a port on Linux")


@needs_shared_ports
def test_workers(serve: Callable[..., Process], run: Run) -> None:
    process = serve("--workers", "2", "--log", "json")
    assert "2 workers of 200 streams at most" in process.said
    asyncio.run(ask_health(process.port))

    taken = run("serve", "--port", str(process.port), "--workers", "2", "--model", TINY)
    assert (taken.returncode, taken.stdout) == (2, "")
    assert taken.stderr == f"voxrig: cannot listen on 127.0.0.1:{process.port}: Address already in use\n"

    first, second = workers_of(process)
    os.kill(first, signal.SIGKILL)
    said = map(json.loads, process.lines())
    died = next(line for line in said if line["message"] == "worker died")
    assert died["code"] == -signal.SIGKILL
    next(line for line in said if line["message"] == "worker serves" and line["worker"] == died["worker"])
    assert second in workers_of(process)
    assert len(workers_of(process)) == 2
    asyncio.run(ask_health(process.port))

    process.signal(signal.SIGTERM)
    status, told = process.end()
    assert status == 0
    assert [json.loads(line)["message"] for line in told] == ["draining"] * 2


@needs_shared_ports
def test_workers_that_cannot_start(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        page = str(taken.getsockname()[1])
        done = run("serve", "--port", "0", "--workers", "1", "--metrics", page, "--model", TINY)
    assert (done.returncode, done.stdout) == (2, "")
    first, second = done.stderr.splitlines()
    assert first.startswith(f"voxrig: cannot serve metrics on 127.0.0.1:{page}: ")
    assert second == "voxrig: worker 0 cannot start"


@needs_shared_ports
def test_workers_that_die_at_once(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(workers, "_PAUSE", 0.001)
    monkeypatch.setattr(workers, "_TRIES", 2)
    mistake: Any = divmod  # whose second argument is a number, too
    with pytest.raises(VoxrigError, match=r"worker 0 died 2 times in a row within 10 s of its start"):
        workers.supervise(1, mistake, lambda: None, 1)
    assert [record.code for record in caplog.records] == [1]  # type: ignore[attr-defined]


@needs_shared_ports
def test_workers_without_their_parent(serve: Callable[..., Process]) -> None:
    process = serve("--workers", "1", "--drain", "0")
    (worker,) = workers_of(process)
    gone = os.pidfd_open(worker)
    process.signal(signal.SIGKILL)
    assert select.select([gone], [], [], 20)[0]
    os.close(gone)


# ── the command line ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ("--host 0.0.0.0", "0.0.0.0 can be reached from other machines: give --keys or --client-ca, or say"),
        ("--cert a.pem", "--cert and --key go together, and --client-ca goes with them"),
        ("--client-ca a.pem", "--cert and --key go together, and --client-ca goes with them"),
        ("--keys none", "cannot read none: No such file or directory"),
        ("--model live live", "each model needs a name of its own; have live, live"),
        ("--model nobody", "no model pack at 'nobody'; give a folder"),
        ("--traces nowhere", "traces"),
        ("--workers 2 --metrics 65535", "there are no 2 ports from --metrics 65535 on"),
        ("--port 70000", "argument --port: '70000' is no port; have 0 to 65535"),
        ("--streams 0", "argument --streams: '0' is no number from 1 to 10000"),
        ("--drain forever", "argument --drain: 'forever' is not a number of seconds from 0 to 86400"),
    ],
)
def test_faults_are_told_in_a_line(capsys: pytest.CaptureFixture[str], words: str, fault: str) -> None:
    before = logging.getLogger().handlers[:]
    with contextlib.suppress(SystemExit):
        main(["serve", "--port", "0", *words.split()])
    logging.getLogger().handlers[:] = before
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 1
    assert fault in told[0]


def test_health(serve: Callable[..., Process], run: Run, tmp_path: Path) -> None:
    process = serve()
    address = f"127.0.0.1:{process.port}"
    done = run("health", address)
    assert (done.returncode, done.stdout) == (0, f"{address}: SERVING\n")
    process.signal(signal.SIGTERM)
    assert process.end()[0] == 0
    assert list(tmp_path.iterdir()) == []  # its home: neither caches nor telemetry
    done = run("health", address)
    assert (done.returncode, done.stderr) == (2, f"voxrig: cannot reach {address}: Connection refused\n")
