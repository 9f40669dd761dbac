"""The sample of NPCs that talk: interruptions close the mouth, listeners listen, whatever answers them.

Times are counted in frames of the stream and ticks of the stage, never by the clock.
"""

from __future__ import annotations

import asyncio
import copy
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sounds import VOXRIG

from voxrig.errors import VoxrigError
from voxrig.types import Array

SAMPLE = Path(__file__).parent.parent / "samples" / "npc_dialogue"
sys.path.insert(0, str(SAMPLE))

import brain  # noqa: E402
import graph  # noqa: E402
import speech  # noqa: E402
import stage  # noqa: E402
import talk  # noqa: E402

DIALOGUE = json.loads((SAMPLE / "toll_bridge.json").read_text())
CUTS = {"halt": 1.5, "river": 3.0}
SPEED = 2.0  # the service makes frames many times faster than they are shown
REST = 0.03  # of jawOpen


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a service."""
    log = tmp_path_factory.mktemp("service") / "log"
    command = [*VOXRIG, "serve", "--port", "0", "--model", "live"]
    with log.open("w") as out:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=out, text=True)
    try:
        assert process.stdout is not None
        said = re.search(r"on (127\.0\.0\.1:\d+)", process.stdout.readline())
        assert said, log.read_text()
        yield said[1]
    finally:
        process.terminate()
        process.wait(20)


class Take:
    """What a performance told: events in order, and what was heard."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.heard: list[Array] = []

    def log(self, kind: str, fields: dict[str, Any]) -> None:
        self.events.append({"kind": kind, **fields})

    def play(self, samples: Array) -> None:
        self.heard.append(samples)

    def all(self, *kinds: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["kind"] in kinds]

    def curve(self, npc: str, name: str) -> Array:
        """(t,) by frame; checks that each was shown once and in order."""
        (curves,) = [event["curves"] for event in self.all("rig") if event["npc"] == npc]
        frames = [event for event in self.all("frame") if event["npc"] == npc]
        assert [event["frame"] for event in frames] == list(range(len(frames)))
        return np.array([event["values"][curves.index(name)] for event in frames])

    def by_tick(self, npc: str, name: str) -> Array:
        """(t,) by tick of the stage."""
        ticks = [event["tick"] for event in self.all("frame") if event["npc"] == npc]
        curve = self.curve(npc, name)
        return curve[np.searchsorted(ticks, np.arange(ticks[-1]), "right") - 1]

    def turns(self) -> Iterator[tuple[str, str, int, int]]:
        """Who speaks, in which node, from which tick until which."""
        told = self.all("voice", "interrupted", "node", "resumed", "answer")
        for event, after in zip(told, [*told[1:], {"tick": len(self.heard)}], strict=True):
            if event["kind"] == "voice":
                yield event["npc"], event["node"], event["tick"], after["tick"]


def perform(server: str, told: Any, player: talk.Player, **more: Any) -> Take:
    speaker = pytest.importorskip("voxrig.tts").Speaker()
    whole, take = graph.read(told), Take()
    voices: dict[str, speech.Voice] = {
        actor.name: speech.LocalVoice(speaker, actor.voice) for actor in whole.actors.values()
    }
    asyncio.run(talk.perform(whole, server, voices, player, take, log=take.log, speed=SPEED, **more))
    return take


@pytest.fixture(scope="module")
def take(server: str) -> Take:
    """More than a minute of dialogue, interrupted twice."""
    pytest.importorskip("hibari", reason="needs the extra tts")
    done = perform(server, DIALOGUE, talk.Rehearsal(interrupt=dict(CUTS), answers=["2", "1"]))
    assert sum(map(len, done.heard)) > 60 * speech.RATE
    return done


def test_an_interrupted_mouth_is_shut_within_150_ms_and_the_npc_reacts_and_resumes(take: Take) -> None:
    cuts = take.all("interrupted")
    assert [cut["node"] for cut in cuts] == list(CUTS)
    for cut in cuts:
        npc, jaw = cut["npc"], take.curve(cut["npc"], "jawOpen")
        told = take.events[take.events.index(cut) :]
        node, reaction, resumed, again = [
            event for event in told if event["kind"] in ("node", "voice", "resumed")
        ][:4]
        assert [e["kind"] for e in (node, reaction, resumed, again)] == ["node", "voice", "resumed", "voice"]
        assert node["node"] == f"{npc.lower()}_cut"
        assert again["node"] == resumed["node"] == cut["node"]
        assert jaw[cut["frame"] - 30 : cut["frame"]].max() > 0.1  # it was in the middle of a word
        assert jaw[cut["frame"] + 9 : reaction["frame"]].max() < REST
        assert jaw[reaction["frame"] : reaction["frame"] + 60].max() > 0.1
        assert jaw[again["frame"] : again["frame"] + 60].max() > 0.1


def test_what_was_cut_is_not_heard(take: Take) -> None:
    for cut in take.all("interrupted"):
        after = take.events[take.events.index(cut) :]
        reaction = next(event for event in after if event["kind"] == "voice")
        assert np.any(np.concatenate(take.heard[cut["tick"] - 30 : cut["tick"]]))
        loud = [tick for tick in range(cut["tick"], reaction["tick"] - 1) if np.any(take.heard[tick])]
        assert len(loud) <= 1  # 1/60 s in which it fades
        assert all(tick < cut["tick"] + 9 for tick in loud)


def test_listeners_keep_their_mouths_shut_and_look_at_the_speaker(take: Take) -> None:
    looked = []
    for npc, node, first, last in take.turns():
        (listener,) = DIALOGUE["cast"].keys() - {npc}
        assert take.by_tick(listener, "jawOpen")[first:last].max() < REST, node
        # Mara sees Oswin at her right, he sees her at his left.
        right = take.by_tick(listener, "eyeLookOutRight") - take.by_tick(listener, "eyeLookOutLeft")
        looked.append(np.median(right[first + 20 : last]) * (1 if listener == "Mara" else -1))
    assert len(looked) == 13
    assert np.min(looked) > 0.2


def test_listeners_live(take: Take) -> None:
    for npc in DIALOGUE["cast"]:
        blink = take.curve(npc, "eyeBlinkLeft")
        assert np.count_nonzero((blink[1:] > 0.5) & (blink[:-1] <= 0.5)) > 10


def test_a_face_feels_what_its_node_says(take: Take) -> None:
    spans = {node: (npc, first, last) for npc, node, first, last in take.turns()}
    smiles = {
        node: take.by_tick(npc, "mouthSmileLeft")[first + 30 : last].mean()
        for node, (npc, first, last) in spans.items()
    }
    assert smiles["farewell"] > smiles["river"] + 0.1  # happy; afraid, then sad


def test_sound_and_mouth_go_together(take: Take) -> None:
    """Over a whole dialogue the jaw follows loudness best when neither is moved by more than 50 ms."""
    frames = [event["tick"] for event in take.all("frame") if event["npc"] == "Mara"]
    last = frames[-1]
    jaw = take.by_tick("Mara", "jawOpen") + take.by_tick("Oswin", "jawOpen")[:last]
    loud = np.array([np.sqrt(np.mean(piece**2)) if len(piece) else 0.0 for piece in take.heard])[:last]
    shifts = range(-20, 21)
    likeness = [np.corrcoef(np.roll(jaw, -shift)[200:], loud[200:])[0, 1] for shift in shifts]
    assert abs(shifts[int(np.argmax(likeness))]) <= 3
    assert max(likeness) > 0.5


def test_subtitles_are_the_words_in_order(take: Take) -> None:
    said: dict[str, list[list[str]]] = {}
    for event in take.all("voice", "word"):
        if event["kind"] == "voice":
            said.setdefault(event["node"], []).append(lines := [])
        else:
            lines.append(event["word"])
    for node, times in said.items():
        whole = DIALOGUE["nodes"][node]["text"].split()
        if node in CUTS:
            cut, rest = times
            assert cut == whole[: len(cut)]
            assert rest == whole[len(whole) - len(rest) :]
            assert len(whole) <= len(cut) + len(rest) <= len(whole) + 1  # the word that was cut is said again
        else:
            assert times == [whole] * len(times)


def test_lines_are_ready_when_their_turn_comes(take: Take) -> None:
    waited = [event["waited"] for event in take.all("line")]
    assert len(waited) > 10
    assert [event["ready"] for event in take.all("line")][1:] == [True] * (len(waited) - 1)
    assert not any(waited[1:])


# -- graphs


def changed(change: Callable[[Any], object]) -> Any:
    told = copy.deepcopy(DIALOGUE)
    change(told)
    return told


NODES = "halt, doubt, retort, question, river, believe, talk, paid, farewell, mara_cut, oswin_cut"
WRONG: list[tuple[Callable[[Any], object], str]] = [
    (lambda g: g["nodes"]["halt"].update(next="ended"), f"unknown next of node 'halt' 'ended'; have {NODES}"),
    (lambda g: g.update(start="x"), "unknown start 'x'; have"),
    (lambda g: g["nodes"]["halt"].update(text=" "), "node 'halt' has no text"),
    (
        lambda g: g["nodes"]["retort"].update(next="halt"),
        "nodes doubt, halt, retort form a loop without an exit",
    ),
    (lambda g: g["nodes"]["halt"].update(direction="splendiferous"), "node 'halt': .*'splendiferous'"),
    (lambda g: g["nodes"]["halt"].update(direction="angry, then blorpy"), "node 'halt': 'blorpy'"),
    (lambda g: g["nodes"]["halt"].update(speaker="Bob"), "speaker of node 'halt' 'Bob'; have Mara, Oswin"),
    (
        lambda g: g["nodes"]["halt"].update(emotion="joy"),
        "unknown key in node 'halt' 'emotion'; have speaker",
    ),
    (lambda g: g["nodes"]["halt"].update(text=5), "text of node 'halt' is a text"),
    (lambda g: g["nodes"]["halt"].update(choices=[{}], next=""), "choice 1 of node 'halt' lacks its text"),
    (lambda g: g["nodes"]["question"]["choices"].pop(0), "every choice has a condition"),
    (lambda g: g["nodes"]["river"].pop("set"), "no node sets 'river'"),
    (lambda g: g["nodes"]["question"].update(next="halt"), "both a next and choices"),
    (lambda g: g["nodes"].update(resume=g["nodes"]["paid"]), "a node is named 'resume'"),
    (lambda g: g["cast"]["Mara"].update(sees={"Oswin": 9}), "sees 'Oswin' at 9; write -1.5 to 1.5"),
    (lambda g: g["cast"]["Mara"].update(interrupted="x"), "interrupted of actor 'Mara' 'x'; have"),
    (lambda g: g.update(nodes={}), "a dialogue has a cast and nodes"),
    (lambda g: g.update(nodes=[]), "nodes of the dialogue is an object"),
]


@pytest.mark.parametrize(("change", "sentence"), WRONG, ids=[sentence[:40] for _, sentence in WRONG])
def test_what_is_wrong_with_a_graph_is_told_in_a_sentence(
    change: Callable[[Any], object], sentence: str
) -> None:
    with pytest.raises(VoxrigError, match=sentence) as told:
        graph.read(changed(change))
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("text", "sentence"), [("{", "is no JSON"), ("[]", "the dialogue is no object"), (None, "cannot read")]
)
def test_files_that_are_no_graphs_are_told(tmp_path: Path, text: str | None, sentence: str) -> None:
    path = tmp_path / "g.json"
    if text is not None:
        path.write_text(text)
    done = subprocess.run(
        [sys.executable, SAMPLE / "talk.py", path, "--mute"], capture_output=True, text=True, env=os.environ
    )
    assert done.returncode == 2
    assert done.stderr.startswith("talk: ")
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1


# -- brains


@contextmanager
def chat(answer: Callable[[BaseHTTPRequestHandler, Any], None]) -> Iterator[str]:
    """A server of chat completions; ``answer`` gets the request's handler and its JSON."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            assert self.path == "/v1/chat/completions"
            answer(self, json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/v1"
        finally:
            server.shutdown()
            thread.join()


def begin(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("content-type", "text/event-stream")
    handler.send_header("transfer-encoding", "chunked")
    handler.end_headers()


def put(handler: BaseHTTPRequestHandler, text: str) -> None:
    """A chunk of the body."""
    data = text.encode()
    handler.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
    handler.wfile.flush()


def event(piece: str) -> str:
    return f"data: {json.dumps({'choices': [{'delta': {'content': piece}}]})}\n\n"


def whole(handler: BaseHTTPRequestHandler, asked: Any) -> None:
    assert asked["stream"] is True
    begin(handler)
    text = ': a comment\n\ndata: {"choices": [{"delta": {"role": "assistant"}}]}\n\n'
    text += (
        event("Well, ") + event("trav") + event("eller.") + 'data: {"choices": []}\n\n' + "data: [DONE]\n\n"
    )
    for at in range(0, len(text), 7):  # cut anywhere
        put(handler, text[at : at + 7])
    put(handler, "")


def refusing(handler: BaseHTTPRequestHandler, asked: Any) -> None:
    handler.send_error(503, "still\nloading")


def breaking(handler: BaseHTTPRequestHandler, asked: Any) -> None:
    begin(handler)
    put(handler, event("Well, "))


def ending(handler: BaseHTTPRequestHandler, asked: Any) -> None:
    begin(handler)
    put(handler, event("Well, "))
    put(handler, "")


def babbling(handler: BaseHTTPRequestHandler, asked: Any) -> None:
    begin(handler)
    put(handler, event("Well, ") + 'data: {"choices": 5}\n\n')


def gibbering(handler: BaseHTTPRequestHandler, asked: Any) -> None:
    begin(handler)
    put(handler, event("Well, ") + "data: " + "[" * 100_000 + "\n\n")


def test_an_answer_comes_in_its_pieces() -> None:
    with chat(whole) as url:
        assert list(brain.ChatServer(url).reply([])) == ["Well, ", "trav", "eller."]


@pytest.mark.parametrize(
    ("answer", "sentence", "heard"),
    [
        (refusing, "answers 503", 0),
        (breaking, "broke off", 1),
        (ending, "broke off in the middle of its answer", 1),
        (babbling, 'sent no chat completion: {"choices": 5}', 1),
        (gibbering, r"sent no chat completion: \[\[\[", 1),
    ],
)
def test_a_server_that_fails_is_told(
    answer: Callable[[BaseHTTPRequestHandler, Any], None], sentence: str, heard: int
) -> None:
    got: list[str] = []
    with chat(answer) as url, pytest.raises(brain.BrainError, match=sentence) as told:
        got.extend(brain.ChatServer(url).reply([]))
    assert got == ["Well, "][:heard]
    assert "\n" not in str(told.value)


def test_a_server_that_is_not_there_is_told() -> None:
    with chat(whole) as url:
        pass
    with pytest.raises(brain.BrainError, match=r"broke off: .*refused"):
        list(brain.ChatServer(url).reply([]))
    with pytest.raises(VoxrigError, match="'ftp://x' is no brain; write http://HOST:PORT/v1"):
        brain.ChatServer("ftp://x")


def test_sentences_are_whole_as_soon_as_they_can_be() -> None:
    text = 'Halt! "Who goes there?" It is 3.5 o\'clock... I see'
    for size in (1, 2, 7, 100):
        cut = speech.sentences(text[at : at + size] for at in range(0, len(text), size))
        assert list(cut) == ["Halt!", '"Who goes there?"', "It is 3.5 o'clock...", "I see"]

    def endless() -> Iterator[str]:
        yield "Halt! Wh"
        raise AssertionError("it was not said")

    assert next(speech.sentences(endless())) == "Halt!"


class Guest(talk.Rehearsal):
    """Tells when the first word of an answer is heard."""

    def __init__(self, answers: list[str], interrupt: dict[str, float]) -> None:
        super().__init__(interrupt, answers)
        self.hears = threading.Event()
        self.told: list[str] = []

    def word(self, speaker: str, word: str, first: bool) -> None:
        self.hears.set()

    def tell(self, text: str) -> None:
        self.told.append(text)


TALK = {
    "cast": {"Mara": {"voice": "heart"}},
    "start": "ask",
    "nodes": {
        "ask": {"speaker": "Mara", "text": "Yes?", "choices": [{"text": "Bye", "next": "bye"},
                {"text": "Talk", "next": "talk", "if": "brain"}]},
        "talk": {"speaker": "Mara", "persona": "You are Mara.", "direction": "happy", "next": "bye"},
        "bye": {"speaker": "Mara", "text": "Farewell."},
    },
}  # fmt: skip


def test_an_answer_is_spoken_while_it_is_thought_and_what_was_cut_is_forgotten(server: str) -> None:
    pytest.importorskip("hibari", reason="needs the extra tts")
    guest = Guest(["2", "Who are you?", "Go on.", ""], {"talk": 3.0})
    asked: list[Any] = []

    def answer(handler: BaseHTTPRequestHandler, request: Any) -> None:
        asked.append(request["messages"])
        begin(handler)
        guest.hears.clear()
        put(handler, event("I keep this bridge. "))
        assert guest.hears.wait(20)  # the first sentence is heard before the second is thought of
        put(handler, event("I have kept it for eleven years, and I am tired of the rain and of the river."))
        put(handler, "data: [DONE]\n\n")
        put(handler, "")

    with chat(answer) as url:
        done = perform(server, TALK, guest, brain=brain.ChatServer(url))
    assert [message["role"] for message in asked[1]] == ["system", "user", "assistant", "user"]
    heard = asked[1][2]["content"]
    full = "I keep this bridge. I have kept it for eleven years, and I am tired of the rain and of the river."
    assert full.startswith(heard)
    assert 4 < len(heard.split()) < len(full.split())
    assert [e["node"] for e in done.all("node")] == ["ask", "talk", "bye"]
    assert [e["node"] for e in done.all("interrupted")] == ["talk"]


def test_an_answer_that_breaks_off_is_told_and_the_dialogue_goes_on(server: str) -> None:
    pytest.importorskip("hibari", reason="needs the extra tts")
    guest = Guest(["2", "Who are you?", ""], {})
    with chat(babbling) as url:
        done = perform(server, TALK, guest, brain=brain.ChatServer(url))
    assert any("sent no chat completion" in text for text in guest.told)
    assert [e["node"] for e in done.all("voice")][-1] == "bye"


# -- receivers


def test_faces_are_told_by_npc() -> None:
    told = graph.read(DIALOGUE)
    opener = talk.Opener(talk.Fraction(stage.FPS), rate=speech.RATE)
    urls = ["Mara=vmc://127.0.0.1:39541", "livelink://127.0.0.1:11112?subject={npc}"]
    shown = talk.faces(told, urls, opener)
    assert {name: [outlet.name for outlet in outlets] for name, outlets in shown.items()} == {
        "Mara": ["vmc://127.0.0.1:39541", "livelink://127.0.0.1:11112?subject=Mara"],
        "Oswin": ["livelink://127.0.0.1:11112?subject=Oswin"],
    }
    with pytest.raises(VoxrigError, match=r"which of Mara, Oswin is vmc://127\.0\.0\.1"):
        talk.faces(told, ["vmc://127.0.0.1"], opener)
    with pytest.raises(VoxrigError, match="unknown NPC 'Bob'; have Mara, Oswin"):
        talk.faces(told, ["Bob=vmc://127.0.0.1"], opener)
    for outlets in shown.values():
        for outlet in outlets:
            outlet.end()
