"""What the page takes in and sends out beside recordings: spoken lines, curves of others, engines."""

from __future__ import annotations

import socket
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from pages import PATIENCE, Tab
from sounds import SAMPLE

from voxrig.rigs import get
from voxrig.types import Frames
from voxrig_bridge.livelink import parse
from voxrig_export import write


def test_a_line_is_spoken_with_its_words(tab: Tab) -> None:
    pytest.importorskip("hibari", reason="needs the extra tts")
    pytest.importorskip("gruut", reason="needs the extra text")
    tab.page.click("#speak")
    tab.page.fill("#words-dialog textarea", "Bring me my boots.")
    tab.page.keyboard.press("Tab")
    tab.page.click("#words-dialog button[value=ok]")
    tab.wait("voxrigStudio.debug().take !== null")
    told = tab.settle()
    assert tab.page.inner_text("#takes").startswith("Bring me my boots")
    assert told["shown"]


def test_curves_of_a_file_move_the_face_as_b(tab: Tab, tmp_path: Path) -> None:
    tab.hear(SAMPLE)
    rig, file = get("arkit"), tmp_path / "open.csv"
    values = np.zeros((120, len(rig)), np.float32)
    values[:, rig.index("jawOpen")] = 0.75
    write(file, Frames(rig, values, Fraction(60)))
    tab.page.set_input_files("#file-b", file)
    tab.wait("!document.querySelector('#ab').disabled")
    tab.page.keyboard.press("b")
    tab.wait("voxrigStudio.debug().which === 'B'")
    assert tab.picture()["shown"]["jawOpen"] == pytest.approx(0.75, abs=1e-5)


def test_an_engine_gets_frames_while_the_take_plays(tab: Tab) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(PATIENCE)
        url = f"livelink://127.0.0.1:{receiver.getsockname()[1]}?subject=Ada"
        tab.hear(SAMPLE)
        tab.page.click("#tab-engines")
        tab.page.fill("input[aria-label='Address of the receiver']", url)
        tab.page.click("#engines button[type=submit]")
        tab.page.click("#play")
        heard = [parse(receiver.recv(4096)) for _ in range(120)]
        assert {packet.subject for packet in heard} == {"Ada"}
        assert len({tuple(packet.values) for packet in heard}) > 30
        tab.wait("document.querySelector('#engines').textContent.includes('sending')")
        tab.page.click(f"button[aria-label='Disconnect {url}']")
        tab.wait("document.querySelector('#tab-engines').textContent === 'Engines'")
