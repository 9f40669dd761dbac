"""A studio as its users have it: the server in a process of its own, and its page in headless Chromium."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import urllib.request
import wave
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
from sounds import SAMPLE, VOXRIG
from wild_glb import Wild, piece

from voxrig.rigs import get, head

PAGE = Path(__file__).parents[1] / "service" / "voxrig" / "studio" / "page" / "index.html"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
USUAL = {"life": dict.fromkeys(("blink", "gaze", "head", "brows", "breath"), 1.0)}
"""How a page directs at first."""
PATIENCE = 90.0
"""Seconds after which something that should happen has not."""
FLAGS = [
    "--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
    "--autoplay-policy=no-user-gesture-required", "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream", f"--use-file-for-fake-audio-capture={SAMPLE}", "--js-flags=--expose-gc",
]  # fmt: skip


class Server:
    """``voxrig studio`` on a port of its own; ``kill`` and ``start`` as often as wanted."""

    def __init__(self) -> None:
        self.port = 0
        self.start()

    def start(self) -> None:
        command = [*VOXRIG, "studio", "--no-browser", "--port", str(self.port)]
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=os.environ | {"COLUMNS": "200"},
        )
        assert self.process.stdout
        for line in self.process.stdout:
            if found := re.search(r"http://127\.0\.0\.1:(\d+)/", line):
                self.port = int(found[1])
                return
        raise AssertionError(f"the studio ended with code {self.process.wait()} before it told its address")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def post(self, path: str, body: dict[str, Any]) -> bytes:
        """What the server answers to a question of a program."""
        request = urllib.request.Request(
            f"{self.url}api/{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request) as answer:
            data: bytes = answer.read()
            return data

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout
        self.process.stdout.close()


class Tab:
    """One page, what it shows, and what it complained of."""

    def __init__(self, page: Any, home: str, avatar: bytes | None = None) -> None:
        self.page, self.home = page, home
        self.complaints: list[str] = []
        self.strangers: list[str] = []
        if avatar:
            page.route("**/avatar.glb", lambda route: route.fulfill(body=avatar))
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._request)
        page.on("websocket", lambda socket: self._address(socket.url.replace("ws", "http", 1)))

    def open(self) -> Tab:
        self.page.goto(self.home)
        # The avatar is on when its name is.
        self.wait("!!window.voxrigStudio && document.querySelector('#avatar-name').textContent !== ''")
        return self

    def debug(self) -> dict[str, Any]:
        told: dict[str, Any] = self.page.evaluate("voxrigStudio.debug()")
        return told

    def wait(self, condition: str) -> None:
        """Until an expression of the page is true."""
        until = monotonic() + PATIENCE
        while not self.page.evaluate(condition):
            assert monotonic() < until, f"it never came true: {condition}"
            self.page.wait_for_timeout(20)

    def picture(self) -> dict[str, Any]:
        """The state after everything that has come is drawn."""
        self.page.evaluate(
            "new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))"
        )
        return self.debug()

    def settle(self) -> dict[str, Any]:
        """Until all changes are shown: the state then."""
        self.page.wait_for_timeout(60)  # the page asks every 50 ms at most
        self.picture()
        self.wait("(({asked, serial}) => serial > 0 && serial === asked)(voxrigStudio.debug())")
        return self.picture()

    def hear(self, sound: Path) -> dict[str, Any]:
        """Opens a sound file, and waits for its face."""
        before = self.debug()["take"]
        self.page.set_input_files("#file", sound)
        self.wait(f"voxrigStudio.debug().take !== {json.dumps(before)}")
        return self.settle()

    def slide(self, label: str, value: float) -> None:
        """Moves a slider."""
        slider = self.page.locator(f'input[type=range][aria-label="{label}"]')
        slider.evaluate(
            "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input')); }", value
        )

    def _console(self, message: Any) -> None:
        if message.type in ("error", "warning") and "GPU stall" not in message.text:
            self.complaints.append(message.text)

    def _request(self, request: Any) -> None:
        if not request.url.startswith(("blob:", "data:")):
            self._address(request.url)

    def _address(self, url: str) -> None:
        if not url.startswith(self.home):
            self.strangers.append(url)


def light_head() -> bytes:
    """A GLB with ARKit's shapes and a joint for the head, quick to draw where there is no card."""
    shape = piece(
        ["skin", "eye_left", "eye_right"],
        [name for name in head.load().curves if name in get("arkit").curves],
    )
    wild = Wild()
    count = len(shape.points)
    joints = wild.accessor(np.zeros((count, 4), np.uint8))
    weights = wild.accessor(np.tile(np.array([1, 0, 0, 0], np.float32), (count, 1)))
    mesh = wild.mesh(shape, JOINTS_0=joints, WEIGHTS_0=weights)
    wild.document["skins"] = [{"joints": [wild.node(name="head")]}]
    wild.node(mesh=mesh, skin=0)
    return wild.bytes()


def rows(
    server: Server, take: str, rig: str, fps: int = 60, **direction: Any
) -> tuple[list[str], np.ndarray]:
    """Names and values (t, c) of a take, as the server exports them."""
    wanted = {"format": "npz", "rig": rig, "fps": fps, "direction": direction}
    with np.load(io.BytesIO(server.post(f"takes/{take}/export", wanted))) as file:
        return list(file["curves"]), file["values"]


def ramp(path: Path, seconds: float) -> Path:
    """A sound that tells by its value how late it is: from -0.5 to 0.5."""
    samples = np.linspace(-0.5, 0.5, round(seconds * 48000))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48000)
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    return path


# Of each picture: the values on the face, and the newest sample that the speaker was handed.
LISTEN = """([pictures, until]) => new Promise((resolve) => {
  const seen = [];
  const look = () => {
    const {samples, latency} = voxrigStudio.heard() ?? {};
    const {shown, audioTime, playing} = voxrigStudio.debug();
    if (samples) seen.push([Object.values(shown), samples.at(-1), latency]);
    if (seen.length < pictures && audioTime < until && playing) requestAnimationFrame(look);
    else resolve(seen);
  };
  requestAnimationFrame(look);
})"""


def place(values: np.ndarray, face: np.ndarray) -> float:
    """Where between frames a face is, in frames: values run in straight lines between them."""
    ways = np.diff(values, axis=0)
    lengths = np.maximum((ways**2).sum(1), 1e-12)
    parts = np.clip(((face - values[:-1]) * ways).sum(1) / lengths, 0, 1)
    off = np.linalg.norm(values[:-1] + parts[:, None] * ways - face, axis=1)
    return float(off.argmin() + parts[off.argmin()])


def lateness(tab: Tab, server: Server, seconds: float, pictures: int, until: float = 1e9) -> np.ndarray:
    """Of each picture, by how many frames the face is from what is heard; both are measured."""
    told = tab.debug()
    _, values = rows(server, told["take"], told["rig"], **USUAL)
    tab.page.keyboard.press("Space")
    tab.wait("voxrigStudio.debug().audioTime > 0.3")
    late = []
    for face, sample, latency in tab.page.evaluate(LISTEN, [pictures, until]):
        heard = (sample + 0.5) * seconds - latency
        late.append(place(values, np.array(face, np.float32)) - heard * 60)
    tab.page.keyboard.press("Space")
    return np.array(late)
