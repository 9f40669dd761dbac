"""The studio as a server: addresses, and what each does. docs/studio.md tells them for clients."""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, TypeVar, cast
from urllib.parse import quote

from aiohttp import WSCloseCode, web

from voxrig_bridge.fields import Fields
from voxrig_export import format_for

from ..errors import TextError, VoxrigError, one_line
from ..pack import Device
from ..recital import Script
from ..rigs import get
from ..types import AudioChunk
from . import about, files, page
from .entrance import COOKIE, Entrance
from .face import Faces
from .films import Films
from .links import Links
from .packs import Packs
from .photos import Photos, sat
from .refusal import INTERNAL, Refusal, status_of
from .shelf import Shelf
from .show import Show
from .stage import Stage
from .take import Curves, Speech
from .wishes import body, direction_in, rate, rate_in

T = TypeVar("T")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_IN_MEMORY = 4 << 20  # bytes of an upload that need no file
_LONGEST_JSON = 1 << 20  # bytes
_BLOCK = 1 << 20  # bytes of a file sent at once
_WATCH = 0.25  # s between looks at the links
_TELL = 4  # looks from one report to the next where nothing changed

_log = logging.getLogger("voxrig.studio")


@dataclass(frozen=True)
class Limits:
    """Bounds on what pages may ask for."""

    upload: int = 100 << 20
    """Bytes of a file."""
    seconds: float = 600.0
    """Of a take."""
    takes: int = 50
    takes_bytes: int = 1 << 30
    """Of all takes together."""
    links: int = 16
    sockets: int = 16
    """Pages, and conversations of microphones."""


class Studio:
    """Everything that one studio has. Made on the event loop that it lives on."""

    def __init__(
        self,
        entrance: Entrance,
        device: Device = "auto",
        avatar: Path | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.limits, self._entrance, self._avatar = limits or Limits(), entrance, avatar
        self._packs = Packs(device)
        self._shelf = Shelf(self.limits.takes, self.limits.takes_bytes)
        self._links = Links(self.limits.links)
        self._faces = Faces(self._packs)
        self._folder = tempfile.TemporaryDirectory(prefix="voxrig-studio-", ignore_cleanup_errors=True)
        self._films = Films(Path(self._folder.name), self._packs, avatar)
        self._photos = Photos()
        self._work = ThreadPoolExecutor(2, "voxrig-work")
        self._directing = ThreadPoolExecutor(1, "voxrig-stage")  # of its own: frames wait for no upload
        self._stages: set[Stage] = set()
        self._sockets: set[web.WebSocketResponse] = set()
        self._open = 0

    def app(self) -> web.Application:
        """All addresses, as aiohttp serves them."""
        app = web.Application(middlewares=[self._guard], client_max_size=_LONGEST_JSON)
        app.router.add_get("/", self._index)
        app.router.add_get("/avatar.glb", self._figure)
        app.router.add_get("/v1/face", self._face)
        app.router.add_get("/api/stage", self._stage)
        app.router.add_get("/api/about", self._about)
        app.router.add_get("/api/takes", self._list)
        app.router.add_post("/api/takes", self._upload)
        app.router.add_post("/api/takes/speak", self._speak)
        app.router.add_post("/api/takes/sample", self._sample)
        app.router.add_post("/api/takes/curves", self._read)
        app.router.add_get("/api/takes/{id}", self._take)
        app.router.add_delete("/api/takes/{id}", self._forget)
        app.router.add_get("/api/takes/{id}/sound", self._sound)
        app.router.add_get("/api/takes/{id}/frames", self._frames)
        app.router.add_post("/api/takes/{id}/export", self._export)
        app.router.add_post("/api/takes/{id}/video", self._video)
        app.router.add_post("/api/photos", self._sit)
        app.router.add_get("/api/jobs/{id}", self._job)
        app.router.add_get("/api/jobs/{id}/file", self._film)
        app.router.add_delete("/api/jobs/{id}", self._stop_job)
        app.router.add_get("/api/links", self._list_links)
        app.router.add_post("/api/links", self._open_link)
        app.router.add_delete("/api/links/{id}", self._close_link)
        app.router.add_get("/{path:(?!api/|v1/).+}", self._asset)
        app.cleanup_ctx.append(self._running)
        app.on_response_prepare.append(self._headers)
        app.on_shutdown.append(self._leave)
        return app

    # Who comes in, and what goes wrong

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            self._entrance.check(request.path, request.host, request.headers, request.cookies)
            return await handler(request)
        except VoxrigError as error:
            return _refused(status_of(error), str(error))
        except web.HTTPRequestEntityTooLarge:
            return _refused(413, f"the request has more than {_LONGEST_JSON} bytes")
        except web.HTTPException as error:
            if error.status < 400:
                raise
            return _refused(error.status, _SENTENCES.get(error.status, error.reason.lower()))
        except ConnectionError:  # who asked is gone, and hears no answer
            return web.Response(status=400)
        except Exception:
            _log.exception("%s %s failed", request.method, request.path)
            return _refused(500, INTERNAL)

    async def _headers(self, request: web.Request, response: web.StreamResponse) -> None:
        for name, value in page.HEADERS.items():
            response.headers.setdefault(name, value)

    async def _running(self, app: web.Application) -> AsyncIterator[None]:
        watching = asyncio.create_task(self._watch())
        self._work.submit(self._packs.ready)
        yield
        watching.cancel()
        await self._faces.stop()
        self._films.stop()
        self._work.shutdown(wait=False, cancel_futures=True)
        self._directing.shutdown(wait=False, cancel_futures=True)
        await asyncio.to_thread(self._links.stop)
        await asyncio.to_thread(self._folder.cleanup)

    async def _leave(self, app: web.Application) -> None:
        for socket in list(self._sockets):
            await socket.close(code=WSCloseCode.GOING_AWAY, message=b"the studio ends")

    # The page

    async def _index(self, request: web.Request) -> web.StreamResponse:
        token = request.query.get("token")
        if token is None:
            return page.index()
        if self._entrance.token and not self._entrance.right(token):
            raise Refusal(401, "a wrong token; open the address that voxrig studio printed")
        response = web.HTTPFound("/")
        if self._entrance.token:
            response.set_cookie(COOKIE, token, httponly=True, samesite="Strict", path="/")
        raise response

    async def _asset(self, request: web.Request) -> web.StreamResponse:
        return page.asset(request.match_info["path"])

    async def _figure(self, request: web.Request) -> web.StreamResponse:
        return web.FileResponse(self._avatar or about.AVATAR, headers={"Content-Type": "model/gltf-binary"})

    async def _about(self, request: web.Request) -> web.StreamResponse:
        told = await self._do(about.told)
        limits = self.limits
        told["limits"] = {"upload": limits.upload, "seconds": limits.seconds, "takes": limits.takes}
        return web.json_response(told)

    # Takes

    async def _list(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"takes": [take.told() for take in self._shelf.all()]})

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        name = files.plain_name(request.query.get("name", ""))
        script = _script(request.query.get("text", ""), request.query.get("language", "en"))
        with await self._received(request) as data:
            return await self._keep(partial(self._heard, data, name, script))

    async def _speak(self, request: web.Request) -> web.StreamResponse:
        told = await _json(request)
        text, voice = told.words("text", None, files.LONGEST_TEXT), told.words("voice", "heart")
        told.check_known()
        return await self._keep(partial(self._spoken, text, voice))

    async def _sample(self, request: web.Request) -> web.StreamResponse:
        if not about.SAMPLE.is_file():
            raise Refusal(409, "the sample comes with a checkout of the project, and is not here")
        with about.SAMPLE.open("rb") as data:
            return await self._keep(partial(self._said, data))

    async def _read(self, request: web.Request) -> web.StreamResponse:
        name = files.plain_name(request.query.get("name", ""))
        fps = rate_in(request.query["fps"]) if request.query.get("fps") else None
        with await self._received(request) as data:
            return await self._keep(partial(files.curves, data, name, fps, self.limits.seconds))

    async def _take(self, request: web.Request) -> web.StreamResponse:
        return web.json_response(self._shelf.get(request.match_info["id"]).told())

    async def _forget(self, request: web.Request) -> web.StreamResponse:
        self._shelf.remove(request.match_info["id"])
        return web.Response(status=204)

    async def _sound(self, request: web.Request) -> web.StreamResponse:
        take = self._shelf.get(request.match_info["id"])
        if not isinstance(take, Speech):
            raise Refusal(409, f"{take.name} has curves and no sound")
        data = await self._do(lambda: files.wav(take.heard()))
        return web.Response(body=data, content_type="audio/wav")

    async def _frames(self, request: web.Request) -> web.StreamResponse:
        take = self._shelf.get(request.match_info["id"])
        if not isinstance(take, Curves):
            raise Refusal(409, f"{take.name} is a sound; its frames come over /api/stage")
        return web.Response(body=files.own(take.frames.values), content_type="application/octet-stream")

    def _heard(self, data: BinaryIO, name: str, script: Script | None) -> Speech:
        """A sound with what the pack for files tells of it; called in another thread."""
        sound = files.sound(data, name, self.limits.seconds)
        take = Speech(name, sound, script)
        take.rehearsal("file", self._packs)
        return take

    def _spoken(self, text: str, voice: str) -> Speech:
        """A text as a local voice says it."""
        from ..tts import VOICES

        sound = self._packs.speaker().say(text, voice)
        name = files.plain_name(" ".join(text.split())[:40])
        return self._fitted(name, sound, Script(text, VOICES[voice].language))

    def _said(self, data: BinaryIO) -> Speech:
        """The sample."""
        sound = files.sound(data, about.SAMPLE.name, self.limits.seconds)
        return self._fitted(about.SAMPLE.name, sound, Script(about.SAYS))

    def _fitted(self, name: str, sound: AudioChunk, script: Script) -> Speech:
        """A sound with a text that nobody insists on: where it cannot be fitted, what is heard does."""
        take = Speech(name, sound, script)
        try:
            take.rehearsal("file", self._packs)
        except TextError:  # said otherwise than it is written, or the extra text is not installed
            take = Speech(name, sound)
            take.rehearsal("file", self._packs)
        return take

    async def _keep(self, make: Callable[[], Speech | Curves]) -> web.Response:
        take = await self._do(make)
        self._shelf.add(take)
        return web.json_response(take.told(), status=201)

    # Files

    async def _export(self, request: web.Request) -> web.StreamResponse:
        take = self._shelf.get(request.match_info["id"])
        told = await _json(request)
        kind = format_for("", told.words("format"))
        rig = get(told.words("rig", kind.default_rig))
        kind.check(rig)
        direction = direction_in(told, rig, rate(told.number("fps", 60.0)))
        options = files.options_in(told, kind, self._avatar)
        told.check_known()
        with tempfile.TemporaryDirectory(dir=self._folder.name) as folder:
            show = partial(Show, take, direction, self._packs)
            path = await self._do(lambda: files.exported(show(), kind, options, folder))
            name = Path(take.name).stem + kind.suffix
            response = web.StreamResponse(headers=_attachment(name, "application/octet-stream"))
            response.content_length = path.stat().st_size
            await response.prepare(request)
            with path.open("rb") as file:
                while block := await self._do(partial(file.read, _BLOCK)):
                    await response.write(block)
        self._shelf.tidy()
        return response

    async def _video(self, request: web.Request) -> web.StreamResponse:
        take = self._shelf.get(request.match_info["id"])
        told = await _json(request)
        renderer, width = told.words("renderer", "mesh"), told.whole("width", 512)
        photo = told.words("photo", "")
        sitter = self._photos.get(photo) if photo else None
        rig = get(told.words("rig", "arkit"))
        direction = direction_in(told, rig, rate(told.number("fps", 30.0)))
        told.check_known()
        return web.json_response(
            self._films.begin(take, direction, renderer, width, sitter).told(), status=202
        )

    async def _sit(self, request: web.Request) -> web.StreamResponse:
        if request.query.get("consent") != "yes":
            whose = "the word of whom the photo shows, or of who may give it"
            raise Refusal(400, f"a photo needs consent=yes: {whose}")
        name = files.plain_name(request.query.get("name", "photo"))
        with await self._received(request) as data:
            sitter = await self._do(partial(sat, data, name))
        return web.json_response({"id": self._photos.add(sitter), "name": name}, status=201)

    async def _job(self, request: web.Request) -> web.StreamResponse:
        return web.json_response(self._films.get(request.match_info["id"]).told())

    async def _film(self, request: web.Request) -> web.StreamResponse:
        job = self._films.get(request.match_info["id"])
        if job.state != "done":
            raise Refusal(409, job.error or "the video is not done yet")
        return web.FileResponse(job.path, headers=_attachment(job.name + ".mp4", "video/mp4"))

    async def _stop_job(self, request: web.Request) -> web.StreamResponse:
        self._films.remove(request.match_info["id"])
        return web.Response(status=204)

    # Links

    async def _list_links(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"links": self._links.told()})

    async def _open_link(self, request: web.Request) -> web.StreamResponse:
        told = await _json(request)
        url = told.words("url", None, 1000)
        told.check_known()
        link = await self._do(partial(self._links.open, url))
        self._tell_links()
        return web.json_response(link, status=201)

    async def _close_link(self, request: web.Request) -> web.StreamResponse:
        await self._do(partial(self._links.close, request.match_info["id"]))
        self._tell_links()
        return web.Response(status=204)

    def _tell_links(self) -> None:
        for stage in self._stages:
            stage.tell_links(always=True)

    async def _watch(self) -> None:
        """Tells pages how the links are: when that changes, and once a second."""
        before: list[tuple[str, str]] = []
        looks = 0
        while True:
            await asyncio.sleep(_WATCH)
            told = [(link["id"], link["state"]) for link in self._links.told()]
            looks += 1
            if told != before or looks >= _TELL:
                before, looks = told, 0
                for stage in self._stages:
                    stage.tell_links()

    # Sockets

    async def _stage(self, request: web.Request) -> web.StreamResponse:
        self._check_room(request)
        stage = Stage(self._shelf, self._packs, self._links, self._directing)
        self._open += 1
        self._stages.add(stage)
        try:
            return await stage.serve(request, self._sockets)
        finally:
            self._open -= 1
            self._stages.discard(stage)

    async def _face(self, request: web.Request) -> web.StreamResponse:
        self._check_room(request)
        self._open += 1
        try:
            return await self._faces.serve(request, self._sockets)
        finally:
            self._open -= 1

    def _check_room(self, request: web.Request) -> None:
        if request.headers.get("Upgrade", "").lower() != "websocket":
            raise Refusal(400, f"{request.path} is a WebSocket; open ws://{request.host}{request.path}")
        if self._open >= self.limits.sockets:
            raise Refusal(429, f"{self.limits.sockets} connections are open, as many as there may be")

    # Tools

    async def _do(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._work, work)

    async def _received(self, request: web.Request) -> BinaryIO:
        """The body of a request, in a file that the caller closes. Raises Refusal."""
        most = self.limits.upload
        if (request.content_length or 0) > most:
            raise Refusal(413, f"the file has more than {most} bytes; cut or compress it")
        file = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - closed by the caller
        data = cast(BinaryIO, file)
        try:
            count = 0
            async for block in request.content.iter_chunked(1 << 18):
                count += len(block)
                if count > most:
                    raise Refusal(413, f"the file has more than {most} bytes; cut or compress it")
                data.write(block)
            if not count:
                raise Refusal(400, "the request has no file: its body is empty")
            data.seek(0)
        except BaseException:
            data.close()
            raise
        return data


_SENTENCES = {404: "there is nothing at this address", 405: "this address is asked in another way"}


def _refused(status: int, sentence: str) -> web.Response:
    return web.json_response({"error": one_line(sentence)}, status=status)


async def _json(request: web.Request) -> Fields:
    return body(await request.read(), "the request")


def _script(text: str, language: str) -> Script | None:
    if len(text) > files.LONGEST_TEXT:
        raise Refusal(413, f"the text has {len(text)} characters; have at most {files.LONGEST_TEXT}")
    return Script(text, language) if text.strip() else None


def _attachment(name: str, kind: str) -> dict[str, str]:
    plain = "".join(c if c.isascii() and (c.isalnum() or c in " ._-") else "_" for c in name)
    told = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
    return {"Content-Disposition": told, "Content-Type": kind}
