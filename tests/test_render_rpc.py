"""The laws of rendering over a real port: a picture for every frame, and nobody waits for a slow reader."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from sounds import TINY, babble

pytest.importorskip("numba", reason="pictures need the extra render")
av = pytest.importorskip("av", reason="pictures need the extra render")
pytest.importorskip("PIL", reason="pictures need the extra render")

from PIL import Image  # noqa: E402

import voxrig  # noqa: E402
from voxrig.avatar.load import load as load_figure  # noqa: E402
from voxrig.cli import main  # noqa: E402
from voxrig.client import AsyncClient, Picture, View  # noqa: E402
from voxrig.errors import ServiceError, VoxrigError  # noqa: E402
from voxrig.model import OnnxModel, load  # noqa: E402
from voxrig.pb.voxrig.v1 import face_pb2 as pb  # noqa: E402
from voxrig.pb.voxrig.v1 import face_pb2_grpc  # noqa: E402
from voxrig.performance import animate  # noqa: E402
from voxrig.render.look import Look, open_renderer  # noqa: E402
from voxrig.rpc.limits import Limits  # noqa: E402
from voxrig.rpc.server import Server, Setup, start  # noqa: E402
from voxrig.types import AudioChunk  # noqa: E402

RATE, SIDE = 16000, 64
SHIPS = Path(voxrig.__file__).parent / "packs" / "avatar.glb"
END = pb.RenderRequest(end=pb.End())


@pytest.fixture(scope="module")
def models() -> dict[str, OnnxModel]:
    return {"tiny": load(TINY, "cpu")}


@pytest.fixture(scope="module")
def sound() -> AudioChunk:
    return babble(1.2)


@asynccontextmanager
async def serving(
    models: dict[str, OnnxModel], avatars: dict[str, Path] | None = None, **limits: float
) -> AsyncIterator[tuple[Server, Any]]:
    setup = Setup(port=0, limits=replace(Limits(), **limits), avatars=avatars or {})
    async with (
        await start(setup, models) as server,
        grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel,
    ):
        yield server, face_pb2_grpc.FaceStub(channel)


def config(stream: dict[str, Any] | None = None, **changes: Any) -> pb.RenderRequest:
    plain = {"rate": RATE, "encoding": pb.ENCODING_F32} | (stream or {})
    asked = {"width": SIDE, "height": SIDE, "stream": pb.Config(**plain)} | changes
    return pb.RenderRequest(config=pb.RenderConfig(**asked))


def said(sound: AudioChunk, chunk: int = 1600) -> list[pb.RenderRequest]:
    pieces = [sound.samples[at : at + chunk] for at in range(0, len(sound.samples), chunk)]
    return [pb.RenderRequest(audio=pb.Audio(samples=piece.tobytes())) for piece in pieces]


async def told(stub: Any, requests: Iterable[pb.RenderRequest]) -> list[pb.RenderResponse]:
    async def send() -> AsyncIterator[pb.RenderRequest]:
        for request in requests:
            yield request

    return [response async for response in stub.Render(send())]


async def rest(call: Any) -> list[pb.RenderResponse]:
    """What is still to be read."""
    got = []
    while (response := await call.read()) is not grpc.aio.EOF:
        got.append(response)
    return got


def pictures_of(responses: Iterable[pb.RenderResponse]) -> list[pb.Picture]:
    return [response.picture for response in responses if response.WhichOneof("part") == "picture"]


def run(main: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(main(), 240))  # type: ignore[arg-type]


def frames_at_home(sound: AudioChunk, rig: str = "native", fps: int = 30) -> np.ndarray:
    return animate(sound, rig, fps, pace="live", pack=str(TINY), device="cpu").values


def test_a_picture_for_every_frame_and_those_of_the_library(
    models: dict[str, OnnxModel], sound: AudioChunk
) -> None:
    async def main() -> None:
        async with serving(models) as (_, stub):
            raw = config({"rigs": ["arkit"], "echo": True}, encoding=pb.PICTURE_ENCODING_RAW)
            responses = await told(stub, [raw, *said(sound), END])
        values = frames_at_home(sound)
        header, last = responses[0].header, responses[-1].summary
        assert (header.avatar, header.renderer, header.width, header.height, header.channels) == (
            "default",
            "mesh",
            SIDE,
            SIDE,
            3,
        )
        assert [target.rig for target in header.stream.targets] == ["arkit"]
        made = pictures_of(responses)
        assert [picture.frame for picture in made] == list(range(len(values)))
        assert (last.frames, last.samples, last.dropped) == (len(values), len(sound.samples), 0)
        renderer = open_renderer(Look(size=(SIDE, SIDE)), load_figure())
        for picture, row in zip(made[::7], values[::7], strict=True):
            here = renderer.draw(row)
            there = np.frombuffer(picture.data, np.uint8).reshape(SIDE, SIDE, 3)
            assert np.abs(there.astype(int) - here).max() <= 1  # values travelled as steps of another size
        arkit = np.array([picture.tracks[0].values for picture in made], np.float32)
        assert np.abs(arkit - frames_at_home(sound, "arkit")).max() < 1e-5
        assert b"".join(picture.sound for picture in made) == sound.samples.tobytes()

    run(main)


def test_jpeg_and_h264_decode_to_every_frame(models: dict[str, OnnxModel], sound: AudioChunk) -> None:
    async def main() -> None:
        count = len(frames_at_home(sound))
        async with serving(models) as (_, stub):
            small = pictures_of(await told(stub, [config(), *said(sound), END]))
            assert len(small) == count
            for picture in small:
                assert picture.key
                with Image.open(io.BytesIO(picture.data)) as image:
                    assert (image.format, image.size) == ("JPEG", (SIDE, SIDE))
            wide = config(encoding=pb.PICTURE_ENCODING_H264, width=96)
            units = pictures_of(await told(stub, [wide, *said(sound), END]))
        assert units[0].key
        decoder = av.CodecContext.create("h264", "r")
        shown = [frame for unit in units for frame in decoder.decode(av.Packet(unit.data))]
        shown += decoder.decode(None)
        assert len(shown) == len(units) == count
        assert {(frame.width, frame.height) for frame in shown} == {(96, SIDE)}

    run(main)


_ODD = config(width=65, encoding=pb.PICTURE_ENCODING_H264)
_LOUD = "unknown background 'loud'; have studio, none or a colour (green, #203040)"


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        (config(avatar="nobody"), "unknown avatar 'nobody'; have default"),
        (config(renderer="oil"), "unknown renderer 'oil'; have mesh, splat"),
        (config(width=8), "pictures of 8x64 pixels; have 16 to 4096 a side"),
        (config(height=5000), "pictures of 64x5000 pixels; have 1920 a side at most"),
        (_ODD, "H.264 takes even sides, not 65x64; write 64x64 or 66x64"),
        (config(camera=pb.Camera(framing="feet")), "unknown camera 'feet'; have face, head, bust"),
        (config(camera=pb.Camera(yaw=2)), "the camera's yaw is 114.592 degrees; have -85 to 85"),
        (config(camera=pb.Camera(pitch=float("nan"))), "the camera's pitch is nan degrees; have -60 to 60"),
        (config(background="loud"), _LOUD),
        (config(background="none"), "jpeg holds no transparency; have raw"),
        (config(quality=101), "quality is 101; have 1 to 100"),
        (config(bitrate=1 << 31), "bitrate is 2147483648; have up to 200000000 bits a second"),
        (config(encoding=9), "unknown encoding of pictures 9; have 1 (JPEG), 2 (H.264), 3 (raw)"),
        (config({"rate": 1}), "sample rate is 1 Hz; have 8000 to 192000"),
        (config({"fps_numerator": 500, "fps_denominator": 1}), "fps is 500; have 1 to 240"),
        (END, "a stream begins with a config"),
    ],
)  # fmt: skip
def test_wrong_configs_are_refused_with_a_sentence(
    request_: pb.RenderRequest, sentence: str, models: dict[str, OnnxModel]
) -> None:
    async def main() -> None:
        async with serving(models) as (_, stub):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await told(stub, [request_])
            assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
            assert caught.value.details() == sentence

    run(main)


def test_renders_have_a_limit_of_their_own(models: dict[str, OnnxModel]) -> None:
    async def main() -> None:
        async with serving(models, renders=1) as (server, stub):
            first = stub.Render()
            await first.write(config())
            assert (await first.read()).WhichOneof("part") == "header"
            described = await stub.Describe(pb.DescribeRequest())
            assert (described.limits.renders, described.limits.renders_open) == (1, 1)
            assert (list(described.avatars), list(described.renderers)) == (["default"], ["mesh", "splat"])
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await told(stub, [config(), END])
            assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            assert caught.value.details() == "all 1 streams that draw pictures are taken; try again in 1 s"
            assert dict(caught.value.trailing_metadata())["grpc-retry-pushback-ms"] == "1000"
            await first.write(END)
            assert [part.WhichOneof("part") for part in await rest(first)] == ["summary"]
            assert server.streams == 0
            assert (await told(stub, [config(), END]))[-1].summary.frames == 0
        async with serving(models, renders=0) as (_, stub):
            assert not (await stub.Describe(pb.DescribeRequest())).avatars
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await told(stub, [config(), END])
            assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION

    run(main)


def test_two_streams_on_heads_of_their_own(models: dict[str, OnnxModel], sound: AudioChunk) -> None:
    async def main() -> None:
        raw = pb.PICTURE_ENCODING_RAW
        async with serving(models, {"ada": SHIPS}) as (_, stub):
            one, two = await asyncio.gather(
                told(stub, [config(encoding=raw), *said(sound), END]),
                told(stub, [config(avatar="ada", encoding=raw, background="none"), *said(sound), END]),
            )
        assert two[0].header.avatar == "ada"
        assert len(pictures_of(one)) == len(pictures_of(two)) == len(frames_at_home(sound))
        opaque, clear = pictures_of(one)[0].data, pictures_of(two)[0].data
        solid = np.frombuffer(opaque, np.uint8).reshape(SIDE, SIDE, 3)
        light = np.frombuffer(clear, np.uint8).reshape(SIDE, SIDE, 4)
        inside, around = light[..., 3] == 255, light[..., 3] == 0
        assert inside.mean() > 0.2
        assert around.mean() > 0.1
        assert np.abs(solid[inside].astype(int) - light[inside][:, :3]).max() <= 1

    run(main)


def test_an_avatar_that_is_none(models: dict[str, OnnxModel], tmp_path: Path) -> None:
    (tmp_path / "a.glb").write_bytes(b"no head")

    async def main() -> None:
        with pytest.raises(VoxrigError, match="cannot use avatar"):
            async with serving(models, {"a": tmp_path / "a.glb"}):
                pass

    run(main)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("--avatar ada", "--avatar is 'ada'; write NAME=FILE, as ada=ada.glb"),
        ("--avatar =a.glb", "--avatar is '=a.glb'; write NAME=FILE, as ada=ada.glb"),
        ("--avatar a=1 --avatar a=2", "two avatars are called 'a'; each needs a name of its own"),
        ("--avatar a=1 --max-renders 0", "--avatar needs --max-renders of 1 or more"),
    ],
)
def test_wrong_avatars_are_told(words: str, sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--port", "0", "--model", str(TINY), *words.split()]) == 2
    assert capsys.readouterr().err == f"voxrig: {sentence}\n"


def test_who_reads_slowly_loses_the_oldest_and_is_told(models: dict[str, OnnxModel]) -> None:
    async def main() -> None:
        realtime = {"pacing": pb.PACING_REALTIME, "fps_numerator": 60, "fps_denominator": 1}
        # Raw pictures of a size that fills what the network holds.
        asked = config(realtime, encoding=pb.PICTURE_ENCODING_RAW, width=512, height=512)
        sound = babble(3.0)
        async with serving(models) as (_, stub):
            call = stub.Render()
            await call.write(asked)
            assert (await call.read()).WhichOneof("part") == "header"
            for piece in said(sound, 320):
                await call.write(piece)
                await asyncio.sleep(0.02)
            await call.write(END)
            heard = await rest(call)
        made, last = pictures_of(heard), heard[-1].summary
        dropped = [part.notice for part in heard if part.notice.code == pb.Notice.CODE_DROPPED]
        assert dropped
        assert last.dropped == sum(notice.end - notice.first for notice in dropped) > 0
        assert last.frames == len(made) == 180 - last.dropped
        gone = {frame for notice in dropped for frame in range(notice.first, notice.end)}
        assert sorted(gone | {picture.frame for picture in made}) == list(range(180))

    run(main)


def test_an_interrupt_closes_the_mouth_and_pictures_go_on(models: dict[str, OnnxModel]) -> None:
    async def main() -> None:
        sound = babble(4.0)
        async with serving(models) as (_, stub):
            call = stub.Render()
            stream = {"rigs": ["arkit"], "window": 30}
            await call.write(config(stream, encoding=pb.PICTURE_ENCODING_H264))
            for piece in said(sound):
                await call.write(piece)
            heard = []
            while len(pictures_of(heard)) < 20:
                heard.append(await call.read())
            await call.write(pb.RenderRequest(interrupt=pb.Interrupt()))
            await call.write(END)
            await call.done_writing()
            heard += await rest(call)
        (notice,) = [part.notice for part in heard if part.WhichOneof("part") == "notice"]
        made = pictures_of(heard)
        assert notice.code == pb.Notice.CODE_INTERRUPTED
        assert notice.end - notice.first == round(0.15 * 30)
        assert [picture.frame for picture in made] == list(range(notice.end))
        assert 20 <= notice.first <= 30  # of the 120 that were said
        assert np.abs(made[-1].tracks[0].values).max() < 0.01

    run(main)


def test_going_away_is_told_and_pictures_are_drawn_to_the_end(models: dict[str, OnnxModel]) -> None:
    async def main() -> None:
        sound = babble(1.0)
        async with serving(models) as (server, stub):
            call = stub.Render()
            await call.write(config())
            assert (await call.read()).WhichOneof("part") == "header"
            stopping = asyncio.create_task(server.stop(20))
            for request in [*said(sound), END]:
                await call.write(request)
            heard = await rest(call)
            await stopping
        assert any(part.notice.code == pb.Notice.CODE_GOING_AWAY for part in heard)
        assert len(pictures_of(heard)) == 30
        assert heard[-1].summary.frames == 30

    run(main)


def test_clients_render(models: dict[str, OnnxModel], sound: AudioChunk) -> None:
    async def main() -> None:
        async with serving(models) as (server, _):
            address = f"127.0.0.1:{server.port}"
            view = View(size=(SIDE, 96), background="green", pixels="jpeg")
            async with await voxrig.connect_async(address) as client:
                assert isinstance(client, AsyncClient)
                theirs = [picture async for picture in client.render(sound, view)]
            ours = await asyncio.to_thread(_blocking, address, sound, view)
            with pytest.raises(ServiceError, match="unknown avatar 'x'; have default"):
                await asyncio.to_thread(_blocking, address, sound, View(avatar="x"))
        count = len(frames_at_home(sound))
        assert [picture.frame for picture in theirs] == list(range(count))
        assert [picture.data for picture in ours] == [picture.data for picture in theirs]
        image = np.asarray(Image.open(io.BytesIO(ours[0].data)))
        assert image.shape == (SIDE, 96, 3)
        assert np.abs(image[2, 2].astype(int) - (0, 128, 0)).max() < 6

    run(main)


def _blocking(address: str, sound: AudioChunk, view: View) -> list[Picture]:
    with voxrig.connect(address) as client:
        return list(client.render(sound, view))
