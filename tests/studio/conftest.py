"""A server, Chromium, and tabs in which nothing goes wrong unseen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pages import CHROMIUM, FLAGS, PAGE, Server, Tab, light_head


@pytest.fixture(scope="module")  # while it is open, its event loop is that of the whole thread
def browser() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api")
    pytest.importorskip("aiohttp")
    if not CHROMIUM:
        pytest.skip("needs Chromium")
    if not PAGE.is_file():
        pytest.skip("needs the page: make studio-build")
    with api.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def server(browser: Any) -> Iterator[Server]:
    served = Server()
    yield served
    served.kill()


@pytest.fixture(scope="session")
def light() -> bytes:
    return light_head()


@pytest.fixture
def tabs(browser: Any, server: Server, light: bytes) -> Iterator[Callable[..., Tab]]:
    """Opens tabs, with a light head or ours; none complains, or asks anybody but the server."""
    opened = []

    def tab(width: int = 960, height: int = 540, ours: bool = False) -> Tab:
        context = browser.new_context(viewport={"width": width, "height": height})
        made = Tab(context.new_page(), server.url, None if ours else light)
        opened.append((made, context))
        return made.open()

    yield tab
    for made, context in opened:
        context.close()
        assert made.strangers == []
        assert made.complaints == []


@pytest.fixture
def tab(tabs: Callable[..., Tab]) -> Tab:
    return tabs()
