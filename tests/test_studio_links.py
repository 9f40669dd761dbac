"""Links to engines: real sockets get the frames that the page plays, in time, and rest when it is gone."""

from __future__ import annotations

import io
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import soundfile
from sounds import SAMPLE

pytest.importorskip("aiohttp", reason="needs the extra studio")

from studio_server import Page, Running, running

from voxrig.audio import read
from voxrig.rigs import get
from voxrig.studio.app import Limits
from voxrig.studio.clock import Clock
from voxrig.types import Array, AudioChunk
from voxrig_bridge.livelink import parse

JAW = get("livelink").index("JawOpen")


class Receiver:
    """An engine's end of a link."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(5.0)
        self.port = self.socket.getsockname()[1]

    @property
    def url(self) -> str:
        return f"livelink://127.0.0.1:{self.port}?subject=Ada"

    def hear(self, seconds: float) -> list[tuple[float, Array]]:
        """When frames came, and what they are."""
        came, end = [], time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                data = self.socket.recv(4096)
            except TimeoutError:
                break
            came.append((time.monotonic(), parse(data).values))
        return came


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.socket.close()


@pytest.fixture(scope="module")
def studio() -> Iterator[Running]:
    with running(Limits(links=4)) as found:
        yield found


@pytest.fixture(scope="module")
def take(studio: Running) -> str:
    whole = read(SAMPLE)
    out = io.BytesIO()
    soundfile.write(out, whole.samples, whole.rate, format="WAV", subtype="FLOAT")
    return str(studio.upload(out.getvalue()).json["id"])


@dataclass(frozen=True)
class Linked:
    """A link, and the frames that its receiver should see."""

    id: str
    values: np.ndarray
    page: Page


@pytest.fixture
def linked(studio: Running, take: str, receiver: Receiver) -> Iterator[Callable[[], Linked]]:
    """Opens a link and directs a page."""
    ids: list[str] = []
    with studio.page() as page:

        def open_() -> Linked:
            answer = studio.ask("POST", "/api/links", {"url": receiver.url})
            assert answer.status == 201
            ids.append(answer.json["id"])
            direction = {"style": {"emotion": {"joy": 0.7}}}
            shown = page.direct(1, take, rig="livelink", direction=direction)
            return Linked(ids[-1], shown.values, page)

        yield open_
    for id in ids:
        studio.ask("DELETE", f"/api/links/{id}")


def link(studio: Running, id: str) -> dict[str, Any]:
    [found] = [told for told in studio.ask("GET", "/api/links").json["links"] if told["id"] == id]
    return dict(found)


def clock(page: Page, take: str, playing: bool, at: float, speed: float = 1) -> None:
    page.say(type="clock", playing=playing, take=take, serial=1, at=at, speed=speed)


def place(values: np.ndarray, pose: Array, low: int, high: int) -> tuple[float, float]:
    """Where a pose lies on the way from frame to frame of (t, c), and how far off that way it is."""
    start, way = values[low : high - 1], np.diff(values[low:high], axis=0)
    part = np.clip(((pose - start) * way).sum(1) / np.maximum((way**2).sum(1), 1e-12), 0, 1)
    off = np.abs(start + part[:, None] * way - pose).max(1)
    best = int(off.argmin())
    return low + best + float(part[best]), float(off[best])


def test_frames_go_where_the_page_is(
    studio: Running, take: str, receiver: Receiver, linked: Callable[[], Linked]
) -> None:
    """At the page's own moment, sixty times a second; held on a pause; at rest when it is gone."""
    made = linked()
    began = time.monotonic()
    clock(made.page, take, True, 1.0)
    came = receiver.hear(2.0)
    spread = came[-1][0] - came[0][0]
    assert (len(came) - 1) / spread == pytest.approx(60, rel=0.2)
    for moment, values in came[10:]:
        frame = (1.0 + moment - began) * 60
        at, off = place(made.values, values, int(frame) - 18, int(frame) + 12)
        assert off < 1e-4
        assert abs(at - frame) < 12  # a fifth of a second, for machines that are busy
    told = link(studio, made.id)
    assert told["state"] == "sending"
    assert told["fps"] == pytest.approx(60, rel=0.3)
    assert told["frames"] >= len(came)
    assert told["age"] < 0.3

    clock(made.page, take, False, 4.0)
    receiver.hear(0.15)
    held = receiver.hear(1.0)
    assert 7 <= len(held) <= 13
    for _, values in held:
        assert np.abs(values - made.values[240]).max() < 1e-5

    made.page.socket.close()
    gone = receiver.hear(1.0)
    assert len(gone) > 5
    last_moved = next(at for at, values in gone if np.abs(values).max() < 1e-6)
    assert last_moved - gone[0][0] < 0.5
    assert receiver.hear(0.3) == []
    assert link(studio, made.id)["state"] == "idle"


def test_half_speed_plays_half_of_it(take: str, receiver: Receiver, linked: Callable[[], Linked]) -> None:
    made = linked()
    clock(made.page, take, True, 1.0, 0.5)
    came = receiver.hear(1.5)
    (first, _), (last, _) = (place(made.values, values, 55, 120) for _, values in (came[5], came[-1]))
    passed = came[-1][0] - came[5][0]
    assert (last - first) / 60 == pytest.approx(passed / 2, rel=0.25)


def test_a_receiver_that_is_not_there_does_no_harm(
    studio: Running, take: str, receiver: Receiver, linked: Callable[[], Linked]
) -> None:
    nobody = Receiver()
    nobody.socket.close()
    lost = studio.ask("POST", "/api/links", {"url": nobody.url}).json["id"]
    made = linked()
    clock(made.page, take, True, 0.5)
    assert len(receiver.hear(1.0)) > 40
    told = link(studio, lost)
    assert told["state"] == "failed"
    assert "nobody listens" in told["error"]
    assert link(studio, made.id)["error"] is None
    assert studio.ask("DELETE", f"/api/links/{lost}").status == 204


def test_pages_hear_of_links(
    studio: Running, take: str, receiver: Receiver, linked: Callable[[], Linked]
) -> None:
    made = linked()
    clock(made.page, take, True, 0.0)
    end = time.monotonic() + 10
    while not any(told["state"] == "sending" for links in made.page.links for told in links):
        assert time.monotonic() < end
        made.page.socket.send('{"type": "dance"}')  # so that something comes
        made.page.next()
        time.sleep(0.05)
    assert made.page.links[-1][0]["url"] == receiver.url
    studio.ask("DELETE", f"/api/links/{made.id}")
    made.page.direct(2, take)
    made.page.socket.send('{"type": "dance"}')
    made.page.next()
    assert made.page.links[-1] == []


def test_osc_of_another_rig_gets_its_own_curves(studio: Running, take: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as heard, studio.page() as page:
        heard.bind(("127.0.0.1", 0))
        heard.settimeout(5)
        url = f"osc://127.0.0.1:{heard.getsockname()[1]}?rig=visemes"
        answer = studio.ask("POST", "/api/links", {"url": url}).json
        assert answer["rig"] == "visemes"
        page.direct(1, take, rig="arkit", direction={"gain": {"jawOpen": 2}})  # of which visemes know nothing
        clock(page, take, True, 1.0)
        assert b"/face/" in heard.recv(4096)
        studio.ask("DELETE", f"/api/links/{answer['id']}")


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("livelink://", "names no host"),
        ("livelink://127.0.0.1?topic=x", "unknown option 'topic'"),
        ("livelink://no.such.host.invalid", "cannot find 'no.such.host.invalid'"),
        ("osc://127.0.0.1?rig=bob", "unknown rig 'bob'"),
        ("ws://0.0.0.0:0", "can be heard from other machines"),
        ("x" * 1001, "url has 1001 characters"),
    ],
)
def test_wrong_links_get_a_sentence(studio: Running, url: str, sentence: str) -> None:
    answer = studio.ask("POST", "/api/links", {"url": url})
    assert answer.status == 400
    assert sentence in answer.error


def test_links_are_few(studio: Running, receiver: Receiver) -> None:
    ids = [studio.ask("POST", "/api/links", {"url": receiver.url}).json["id"] for _ in range(4)]
    answer = studio.ask("POST", "/api/links", {"url": receiver.url})
    assert (answer.status, answer.error[:16]) == (429, "4 links are open")
    for id in ids:
        studio.ask("DELETE", f"/api/links/{id}")


def test_a_port_that_is_taken_is_told(studio: Running) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        answer = studio.ask("POST", "/api/links", {"url": f"ws://127.0.0.1:{taken.getsockname()[1]}"})
        assert answer.status == 409
        assert "cannot listen" in answer.error


def test_a_clock_follows_small_differences_softly_and_large_ones_at_once() -> None:
    clock = Clock().told("t1", True, 2.0, 1.0, 100.0)
    assert clock.now(101.5) == 3.5
    late = clock.told("t1", True, 2.96, 1.0, 101.0)
    assert late.now(101.0) == pytest.approx(2.99)
    assert clock.told("t1", True, 7.0, 1.0, 101.0).now(101.0) == 7.0
    assert clock.told("t1", True, 3.02, 0.5, 101.0).now(103.0) == pytest.approx(4.02)
    assert clock.told("t1", False, 3.02, 1.0, 101.0).now(109.0) == 3.02
    assert clock.told("t2", True, 3.02, 1.0, 101.0).now(101.0) == 3.02


def test_sound_goes_to_those_who_want_it(studio: Running, take: str) -> None:
    from websockets.sync.client import connect

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    id = studio.ask("POST", "/api/links", {"url": f"ws://127.0.0.1:{port}?subject=Ada"}).json["id"]
    with studio.page() as page, connect(f"ws://127.0.0.1:{port}/v1/face", max_size=None) as listener:
        assert "Ada" in str(listener.recv(timeout=10))
        page.direct(1, take)
        clock(page, take, True, 1.0)
        blocks = [listener.recv(timeout=10) for _ in range(30)]
        assert any(np.frombuffer(block[-1600:], "<i2").any() for block in blocks if isinstance(block, bytes))
    studio.ask("DELETE", f"/api/links/{id}")


def test_the_end_of_the_studio_rests_all_faces(receiver: Receiver) -> None:
    whole = read(SAMPLE)
    sound = AudioChunk(whole.samples[: 2 * whole.rate], whole.rate)
    out = io.BytesIO()
    soundfile.write(out, sound.samples, sound.rate, format="WAV")
    with running() as studio:
        id = studio.upload(out.getvalue()).json["id"]
        studio.ask("POST", "/api/links", {"url": receiver.url})
        with studio.page() as page:
            page.direct(1, id, rig="livelink", direction={"style": {"emotion": {"amazement": 1}}})
            clock(page, id, False, 1.0)
            assert any(np.abs(values).max() > 0.1 for _, values in receiver.hear(0.5))
    assert np.abs(receiver.hear(0.5)[-1][1]).max() < 1e-6
