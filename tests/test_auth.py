"""Who may call a server: keys, certificates, and what each fault is called."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import grpc
import pytest
from calls import KEY, code, open_channel, serving, talk
from conftest import Run
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from voxrig.errors import VoxrigError
from voxrig.model import OnnxModel
from voxrig.pb.voxrig.v1 import face_pb2 as pb
from voxrig.pb.voxrig.v1 import face_pb2_grpc
from voxrig.rpc.auth import Tls, loopback, read_keys
from voxrig.rpc.server import Server, Setup, start

SERVING = health_pb2.HealthCheckResponse.SERVING

# ── who may call ──────────────────────────────────────────────────────────────────────────────────────


def test_strangers_need_a_word(tiny: OnnxModel) -> None:
    for host in ("0.0.0.0", "::", "192.0.2.1", "example.com"):
        with pytest.raises(VoxrigError, match="give --keys or --client-ca, or say --public"):
            asyncio.run(start(Setup(host=host, port=0), {"tiny": tiny}))  # type: ignore[arg-type]


def test_loopback_is_this_machine_only() -> None:
    assert all(map(loopback, ("127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost")))
    assert not any(map(loopback, ("0.0.0.0", "::", "10.0.0.1", "localhost.example.com", "")))


@pytest.mark.parametrize(
    ("metadata", "want"),
    [
        ([], "UNAUTHENTICATED"),
        ([("x-api-key", KEY + "x")], "UNAUTHENTICATED"),
        ([("x-api-key", "")], "UNAUTHENTICATED"),
        ([("authorization", KEY)], "UNAUTHENTICATED"),
        ([("authorization", f"Basic {KEY}")], "UNAUTHENTICATED"),
        ([("x-api-key", KEY)], "OK"),
        ([("authorization", f"Bearer {KEY}")], "OK"),
        ([("authorization", f"bearer {KEY}"), ("x-api-key", "of somebody else")], "OK"),
    ],
)
def test_keys(tiny: OnnxModel, metadata: list[tuple[str, str]], want: str) -> None:
    async def act(server: Server) -> None:
        async with open_channel(server) as channel:
            face = face_pb2_grpc.FaceStub(channel)
            assert await code(face.Describe(pb.DescribeRequest(), metadata=metadata)) == want
            if want == "OK":
                await talk(face, metadata=metadata)
            else:  # who is turned away need not say anything
                assert await code(face.Animate(metadata=metadata).read()) == want

    serving(tiny, act, keys=("another-key-of-ours", KEY))


def test_without_a_key_only_health_is_told(tiny: OnnxModel) -> None:
    async def act(server: Server) -> None:
        async with open_channel(server) as channel:
            health = health_pb2_grpc.HealthStub(channel)
            for service in ("", "voxrig.v1.Face"):
                asked = health_pb2.HealthCheckRequest(service=service)
                assert (await health.Check(asked)).status == SERVING
            assert await code(health.Watch(asked).read()) == "UNAUTHENTICATED"
            reflection = reflection_pb2_grpc.ServerReflectionStub(channel)
            wish = iter([reflection_pb2.ServerReflectionRequest(list_services="")])
            assert await code(reflection.ServerReflectionInfo(wish).read()) == "UNAUTHENTICATED"

    serving(tiny, act, keys=(KEY,))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "holds no key; write one a line"),
        ("# only a comment\n\n", "holds no key; write one a line"),
        (f"{KEY}\nshort\n", "line 2: a key has 16 or more printable ASCII characters, no spaces"),
        ("# first\nwith a space in it, long\n", "line 2: a key has 16 or more"),
        ("schlüsselschlüssel\n", "line 1: a key has 16 or more"),
    ],
)
def test_faults_of_key_files_are_named(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "keys"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(VoxrigError, match=re.escape(f"{path}") + ".*" + re.escape(fault)):
        read_keys(path)


def test_key_files(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_bytes(f"\ufeff# ours\r\n\r\n  {KEY} \r\n".encode())
    assert read_keys(path) == (KEY,)
    with pytest.raises(VoxrigError, match=r"cannot read .*: No such file"):
        read_keys(tmp_path / "none")


# ── certificates ──────────────────────────────────────────────────────────────────────────────────────


class Certificates:
    """An authority of our own and what it signed, as PEM files made by openssl."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        self.authority = self._root("authority")
        self.stranger = self._root("stranger")
        self.server = self._signed("server", days=2)
        self.client = self._signed("client", days=2)
        self.expired = self._signed("expired", days=-1)

    def credentials(self, shown: Path | None = None, trusted: Path | None = None) -> Any:
        """A client's."""
        pair = (self.key(shown).read_bytes(), shown.read_bytes()) if shown else (None, None)
        return grpc.ssl_channel_credentials((trusted or self.authority).read_bytes(), *pair)

    @staticmethod
    def key(path: Path) -> Path:
        return path.with_suffix(".key")

    def _root(self, name: str) -> Path:
        return self._new(name, "-x509", "-days", "2")

    def _signed(self, name: str, days: int) -> Path:
        request, path = self._new(f"{name}-request"), self._folder / f"{name}.pem"
        by = ("-CA", self.authority, "-CAkey", self.key(self.authority), "-CAcreateserial")
        for_names = ("-extfile", self._folder / "names")
        self._run("x509", "-req", "-in", request, *by, *for_names, "-days", days, "-out", path)
        self.key(request).rename(self.key(path))
        return path

    def _new(self, name: str, *words: str) -> Path:
        path = self._folder / f"{name}.pem"
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
        self._run("req", *curve, "-subj", f"/CN={name}", "-keyout", self.key(path), "-out", path, *words)
        return path

    @staticmethod
    def _run(*words: object) -> None:
        subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    return Certificates(tmp_path_factory.mktemp("certificates"))


async def told(server: Server, credentials: Any) -> str:
    """OK, or why a call over TLS failed."""
    async with grpc.aio.secure_channel(f"127.0.0.1:{server.port}", credentials) as channel:
        call = face_pb2_grpc.FaceStub(channel).Describe(pb.DescribeRequest(), timeout=20)
        ended = await code(call)
        assert ended in ("OK", "UNAVAILABLE")
        return "OK" if ended == "OK" else str(await call.details())


def test_tls(tiny: OnnxModel, certificates: Certificates, run: Run) -> None:
    own = certificates

    async def act(server: Server) -> None:
        assert await told(server, own.credentials()) == "OK"
        assert "CERTIFICATE_VERIFY_FAILED" in await told(server, own.credentials(trusted=own.stranger))
        health = ["health", f"127.0.0.1:{server.port}", "--ca", own.authority]
        assert (await asyncio.to_thread(run, *health)).returncode == 0
        wrong = await asyncio.to_thread(run, *health, "--name", "example.com")
        assert wrong.returncode == 2
        assert "Hostname Verification Check failed" in wrong.stderr
        async with open_channel(server) as channel:  # without TLS
            assert await code(face_pb2_grpc.FaceStub(channel).Describe(pb.DescribeRequest())) == "UNAVAILABLE"

    serving(tiny, act, tls=Tls(own.server, own.key(own.server)))


def test_an_expired_certificate_is_named_as_such(tiny: OnnxModel, certificates: Certificates) -> None:
    own = certificates

    async def act(server: Server) -> None:
        assert "certificate has expired" in await told(server, own.credentials())

    serving(tiny, act, tls=Tls(own.expired, own.key(own.expired)))


def test_clients_need_certificates_where_an_authority_is_given(
    tiny: OnnxModel, certificates: Certificates
) -> None:
    own = certificates

    async def act(server: Server) -> None:
        assert await told(server, own.credentials(shown=own.client)) == "OK"
        for shown in (None, own.stranger, own.expired):
            assert await told(server, own.credentials(shown)) != "OK"

    serving(tiny, act, host="127.0.0.1", tls=Tls(own.server, own.key(own.server), own.authority))


def test_faults_of_certificates_are_named(
    tiny: OnnxModel, certificates: Certificates, tmp_path: Path
) -> None:
    own, junk = certificates, tmp_path / "junk.pem"
    junk.write_text("junk")
    good, key = own.server, own.key(own.server)
    for tls, fault in (
        (Tls(good, own.key(own.client)), "do not belong together"),
        (Tls(junk, key), "are no PEM certificate and key without a password"),
        (Tls(good, key, junk), "holds no PEM certificate"),
        (Tls(tmp_path / "none", key), "cannot read .*none: No such file"),
    ):
        with pytest.raises(VoxrigError, match=fault):
            asyncio.run(start(Setup(port=0, tls=tls), {"tiny": tiny}))  # type: ignore[arg-type]
