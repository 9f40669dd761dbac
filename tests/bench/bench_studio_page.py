"""The studio's page in Chromium: face against sound for a minute, and from a slider to its frames.

python tests/bench/bench_studio_page.py     (wants the page: make studio-build; and playwright, Chromium)
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from pages import CHROMIUM, FLAGS, Server, Tab, lateness, light_head, ramp
from playwright.sync_api import sync_playwright
from sounds import SAMPLE

SECONDS = 62.0
CHANGES = 60


def main() -> None:
    server = Server()
    with sync_playwright() as driver, tempfile.TemporaryDirectory() as home:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = chromium.new_page(viewport={"width": 960, "height": 540})
        tab = Tab(page, server.url, light_head()).open()
        tab.hear(ramp(Path(home) / "ramp.wav", SECONDS))
        late = abs(lateness(tab, server, SECONDS, pictures=100_000, until=60.0))
        told = ", ".join(f"p{q} {np.percentile(late, q):.2f}" for q in (50, 95, 99))
        print(f"face against sound, {len(late)} pictures in a minute, frames of 1/60 s: {told}")
        tab.hear(SAMPLE)
        page.keyboard.press("l")
        page.keyboard.press("Space")
        answers = []
        for i in range(CHANGES):
            tab.slide("joy", (i % 10 + 1) / 10)
            answers.append(tab.settle()["answers"][-1])
        told = ", ".join(f"p{q} {np.percentile(answers, q):.0f}" for q in (50, 95))
        print(f"slider to first frames while playing, {CHANGES} changes, ms: {told}")
        chromium.close()
    server.kill()


if __name__ == "__main__":
    main()
