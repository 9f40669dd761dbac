"""The page over time: a server that goes and comes, and many takes one after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from pages import USUAL, Server, Tab, rows
from sounds import SAMPLE


def test_a_server_that_comes_back_is_taken_up_again(tab: Tab, server: Server) -> None:
    told = tab.hear(SAMPLE)
    tab.slide("joy", 0.5)
    asked = tab.settle()["asked"]
    server.kill()
    tab.wait("document.querySelector('#line').textContent === 'reconnecting'")
    tab.slide("joy", 1.0)  # meanwhile
    server.start()
    tab.wait("document.querySelector('#line').textContent === 'ready'")
    tab.wait(f"voxrigStudio.debug().asked > {asked}")
    told = tab.settle()
    names, values = rows(server, told["take"], told["rig"], style={"emotion": {"joy": 1.0}}, **USUAL)
    shown = np.array([told["shown"][name] for name in names], np.float32)
    np.testing.assert_allclose(shown, values[told["frame"]], atol=1e-4)
    refused = ("ERR_CONNECTION_REFUSED", "WebSocket connection", "status of 404", "ERR_EMPTY_RESPONSE")
    tab.complaints = [text for text in tab.complaints if not any(word in text for word in refused)]


def used(tab: Tab, cdp: Any) -> float:
    """Bytes of the page's heap after its waste is collected."""
    for _ in range(3):
        cdp.send("HeapProfiler.collectGarbage")
    size: float = cdp.send("Runtime.getHeapUsage")["usedSize"]
    return size


def test_memory_does_not_grow_with_takes_and_directions(tab: Tab) -> None:
    cdp = tab.page.context.new_cdp_session(tab.page)

    def work(rounds: int) -> None:
        for i in range(rounds):
            tab.hear(SAMPLE)
            for step in range(5):
                tab.slide("joy", (i * 5 + step) % 10 / 10)
                tab.page.wait_for_timeout(30)
            tab.settle()

    work(4)
    before, graphics = used(tab, cdp), tab.debug()["graphics"]
    work(24)
    after = used(tab, cdp)
    print(f"heap {before / 2**20:.1f} MB, after 24 takes and 120 directions {after / 2**20:.1f} MB")
    assert after - before < 4 * 2**20
    assert tab.debug()["graphics"] == graphics


def test_faces_that_are_taken_off_are_let_go(tabs: Callable[..., Tab]) -> None:
    tab = tabs()
    tab.page.click("#tab-face")

    def change() -> dict[str, int]:
        tab.page.evaluate("document.querySelector('#avatar-name').textContent = ''")
        tab.page.click("text=Ours")
        tab.wait("document.querySelector('#avatar-name').textContent !== ''")
        tab.wait("document.querySelector('#busy').hidden")
        tab.page.wait_for_timeout(300)
        told: dict[str, int] = tab.debug()["graphics"]
        return told

    assert change() == change() == change()
