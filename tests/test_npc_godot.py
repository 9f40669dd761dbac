"""The Godot project of the NPC sample, run in real time against the service, in a game without a picture."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sounds import VOXRIG

from voxrig.types import Array

SAMPLE = Path(__file__).parent.parent / "samples" / "npc_dialogue"
PROJECT = SAMPLE / "godot"
NODES = json.loads((SAMPLE / "toll_bridge.json").read_text())["nodes"]
GODOT = shutil.which("godot3-server")
CUTS = {"halt": 1.5, "doubt": 3.0}
CLOSED = 9  # frames, 150 ms
REST = 0.03  # of jawOpen
needs_godot = pytest.mark.skipif(GODOT is None, reason="godot3-server is not installed")


@contextmanager
def service(log: Path) -> Iterator[str]:
    """Where the service is, for engines."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    command = [*VOXRIG, "serve", "--port", "0", "--websocket", str(port), "--model", "live"]
    with log.open("w") as out:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=out, text=True)
    try:
        assert process.stdout is not None
        assert "127.0.0.1" in process.stdout.readline(), log.read_text()
        yield f"ws://127.0.0.1:{port}/v1/face"
    finally:
        process.terminate()
        process.wait(20)


def run(game: Path, home: Path, *options: str) -> subprocess.CompletedProcess[str]:
    assert GODOT is not None
    return subprocess.run(
        [GODOT, "--path", str(game), *options],
        env=os.environ | {"HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=240,
    )


@pytest.fixture(scope="module")
def game(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project, filled as its README says; the head is not imported."""
    pytest.importorskip("hibari", reason="needs the extra tts")
    folder = tmp_path_factory.mktemp("bridge")
    shutil.copytree(PROJECT, folder, dirs_exist_ok=True, ignore=lambda *_: ["addons", ".import", "lines"])
    subprocess.run([sys.executable, PROJECT / "prepare.py", "--into", folder], check=True, timeout=120)
    return folder


@pytest.fixture(scope="module")
def events(game: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What the game told of a minute of dialogue with two interruptions."""
    tmp = tmp_path_factory.mktemp("take")
    (tmp / "part.json").write_text(json.dumps({"interrupt": CUTS, "answers": ["1"]}))
    began = time.monotonic()
    with service(tmp / "service.log") as url:
        done = run(game, tmp, f"--server={url}", f"--log={tmp / 'log'}", f"--rehearse={tmp / 'part.json'}")
    said = done.stdout + done.stderr
    assert done.returncode == 0, said[-2000:]
    assert "SCRIPT ERROR" not in said
    told = [json.loads(line) for line in (tmp / "log").read_text().splitlines()]
    assert (time.monotonic() - began) > 50  # in real time
    assert told[-1]["kind"] == "end"
    return told


def jaw(events: list[dict[str, Any]], npc: str) -> tuple[Array, Array]:
    """(t,) indices of frames that were shown, and how far the jaw was open."""
    column = events[-1]["curves"].index("JawOpen")
    shown = [event for event in events if event["kind"] == "frame" and event["npc"] == npc]
    return (
        np.array([event["frame"] for event in shown]),
        np.array([event["values"][column] for event in shown], np.float32),
    )


def test_the_head_says_where_its_shapes_move_nothing(game: Path) -> None:
    whole = json.loads((game / "lines" / "dialogue.json").read_text())
    assert whole["nodes"] == NODES
    glb = (game / "avatar.glb").read_bytes()
    magic, version, size, length, kind = struct.unpack_from("<4sIII4s", glb)
    assert (magic, version, size, kind) == (b"glTF", 2, len(glb), b"JSON")
    head = json.loads(glb[20 : 20 + length])
    for accessor in head["accessors"]:  # without, Godot 3.2 takes whatever is in its memory
        view = head["bufferViews"][accessor["bufferView"]]
        assert view.get("byteOffset", 0) + view["byteLength"] <= head["buffers"][0]["byteLength"]
    (data,) = struct.unpack_from("<I", glb, 20 + length)
    assert data == head["buffers"][0]["byteLength"] == len(glb) - 28 - length
    last = head["bufferViews"][-1]
    assert not any(glb[28 + length + last["byteOffset"] :])


@needs_godot
def test_a_minute_is_shown_in_order(events: list[dict[str, Any]]) -> None:
    for npc in ("Mara", "Oswin"):
        frames, values = jaw(events, npc)
        assert frames[-1] > 50 * 60
        assert np.all(np.diff(frames) >= 0)
        assert len(set(frames.tolist())) > 0.5 * frames[-1]
        assert values.max() > 0.2


@needs_godot
def test_interrupted_mouths_shut_within_150_ms_and_npcs_react_and_resume(
    events: list[dict[str, Any]],
) -> None:
    cuts = [event for event in events if event["kind"] == "interrupted"]
    assert [cut["node"] for cut in cuts] == list(CUTS)
    for cut in cuts:
        frames, open_ = jaw(events, cut["npc"])
        told = [event for event in events[events.index(cut) :] if event["kind"] == "node"]
        reaction, again = told[:2]
        assert (reaction["node"], again["node"]) == (f"{cut['npc'].lower()}_cut", cut["node"])
        assert reaction["from"] == 0
        assert 0 < again["from"] <= CUTS[cut["node"]] + 0.1
        at = cut["frame"]

        def most(first: int, end: int, frames: Array = frames, open_: Array = open_) -> float:
            return float(open_[(frames >= first) & (frames < end)].max())

        assert most(at - 30, at) > 0.1  # it was in the middle of a word
        assert most(at + CLOSED, reaction["first"]) < REST
        assert most(reaction["first"], reaction["first"] + 60) > 0.1
        assert most(again["first"], again["first"] + 60) > 0.1


@needs_godot
def test_listeners_keep_their_mouths_shut(events: list[dict[str, Any]]) -> None:
    column, speaker, heard = events[-1]["curves"].index("JawOpen"), "", 0
    for event in events:
        match event["kind"]:
            case "node":
                speaker = event["npc"]
            case "interrupted":
                speaker = ""
            case "frame" if speaker and event["npc"] != speaker:
                assert event["values"][column] < REST, (speaker, event["frame"])
                heard += 1
    assert heard > 1000


@needs_godot
def test_subtitles_are_the_words_in_order(events: list[dict[str, Any]]) -> None:
    said: list[tuple[str, list[str]]] = []
    for event in events:
        if event["kind"] == "node":
            said.append((event["node"], []))
        elif event["kind"] == "word":
            said[-1][1].append(event["word"])
    whole = {name: NODES[name].get("text", "").split() for name in NODES}
    for name in CUTS:
        cut, rest = (words for node, words in said if node == name)
        assert cut == whole[name][: len(cut)]
        assert rest == whole[name][len(whole[name]) - len(rest) :]
        assert len(cut) + len(rest) <= len(whole[name]) + 1
    for node, words in said:
        assert node in CUTS or words == whole[node]
    assert [node for node, _ in said] == [
        "halt", "mara_cut", "halt", "doubt", "oswin_cut", "doubt", "retort", "question", "paid", "farewell"
    ]  # fmt: skip


@needs_godot
def test_a_service_that_is_not_there_is_told(game: Path, tmp_path: Path) -> None:
    done = run(game, tmp_path, "--server=ws://127.0.0.1:9/v1/face")
    assert done.returncode == 1
    assert re.search(r"UNAVAILABLE: ws://127\.0\.0\.1:9/v1/face does not answer", done.stdout + done.stderr)
