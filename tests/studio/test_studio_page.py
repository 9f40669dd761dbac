"""The page of the studio as its users see it: what is served moves the face, in time with the sound."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pages import USUAL, Server, Tab, lateness, ramp, rows
from sounds import SAMPLE
from wild_glb import Wild, piece


def seek(tab: Tab, share: float) -> None:
    """A click on the timeline, at a share of its width."""
    box = tab.page.locator("#timeline").bounding_box()
    tab.page.mouse.click(box["x"] + share * box["width"], box["y"] + box["height"] - 10)


def row(told: dict[str, Any], names: list[str]) -> np.ndarray:
    return np.array([told["shown"][name] for name in names], np.float32)


def plain(name: str) -> str:
    return name.lower().replace("_", "")


def test_frames_that_are_served_are_put_on_the_face(tab: Tab, server: Server) -> None:
    told = tab.hear(SAMPLE)
    names, values = rows(server, told["take"], told["rig"], **USUAL)
    for share in (0.1, 0.37, 0.62, 0.9):
        seek(tab, share)
        tab.page.keyboard.press("ArrowRight")  # onto a frame
        told = tab.settle()
        assert told["frame"] == pytest.approx(share * len(values), abs=3)
        np.testing.assert_allclose(row(told, names), values[told["frame"]], atol=1e-4)
        weights = {plain(name): weight for name, weight in told["weights"].items()}
        assert len(weights) > 5
        shown = {plain(name): value for name, value in told["shown"].items()}
        for name, weight in weights.items():
            assert weight == pytest.approx(shown[name], abs=1e-6)


def test_our_own_head_speaks(tabs: Callable[..., Tab]) -> None:
    tab = tabs(ours=True)
    tab.hear(SAMPLE)
    assert tab.debug()["rig"] == "livelink"
    seek(tab, 0.37)
    told = tab.settle()
    weights = {plain(name): weight for name, weight in told["weights"].items()}
    for name, value in told["shown"].items():
        if abs(value) > 1e-6 and not re.search("Yaw|Pitch|Roll", name):
            assert weights[plain(name)] == pytest.approx(value, abs=1e-6)


def test_between_frames_values_run_in_straight_lines(tab: Tab, server: Server) -> None:
    told = tab.hear(SAMPLE)
    names, values = rows(server, told["take"], told["rig"], **USUAL)
    for share in (0.2222, 0.3811, 0.5077):
        seek(tab, share)
        told = tab.settle()
        at = told["audioTime"] * 60
        low = int(at)
        mixed = values[low] + (at - low) * (values[low + 1] - values[low])
        np.testing.assert_allclose(row(told, names), mixed, atol=1e-4)


def test_the_face_keeps_time_with_the_sound(tab: Tab, server: Server, tmp_path: Path) -> None:
    tab.hear(ramp(tmp_path / "ramp.wav", 20.0))
    late = lateness(tab, server, 20.0, pictures=60)
    worst = np.quantile(abs(late), 0.95)
    print(f"of {len(late)} pictures, frames off: median {np.median(late):.2f}, p95 {worst:.2f}")
    assert len(late) > 20
    assert worst <= 1.0


def test_sliders_change_frames_while_it_plays(tab: Tab, server: Server) -> None:
    tab.hear(SAMPLE)
    tab.page.keyboard.press("l")
    tab.page.keyboard.press("Space")
    tab.wait("voxrigStudio.debug().audioTime > 0.2")
    before = tab.debug()["asked"]
    for step in range(1, 9):
        tab.slide("joy", step / 10)
    told = tab.settle()
    assert told["playing"]
    assert before < told["serial"] <= before + 8
    tab.page.keyboard.press("Space")
    style = {"emotion": {"joy": 0.8}}
    names, values = rows(server, told["take"], told["rig"], style=style, **USUAL)
    tab.page.keyboard.press("ArrowRight")
    told = tab.settle()
    np.testing.assert_allclose(row(told, names), values[told["frame"]], atol=1e-4)
    print(f"ms from slider to first frames: {', '.join(f'{ms:.0f}' for ms in told['answers'])}")


def test_keys_of_style_hold_from_their_moment(tab: Tab, server: Server) -> None:
    told = tab.hear(SAMPLE)
    plain_names, plain_values = rows(server, told["take"], told["rig"], **USUAL)
    seek(tab, 0.5)
    tab.page.keyboard.press("k")
    tab.slide("anger", 1.0)
    told = tab.settle()
    assert "key 1 at 4.1" in tab.page.inner_text("#direct").lower()
    seek(tab, 0.8)
    tab.page.keyboard.press("ArrowRight")
    after = row(tab.settle(), plain_names)
    assert np.abs(after - plain_values[tab.debug()["frame"]]).max() > 0.1
    tab.page.keyboard.press("Home")
    np.testing.assert_allclose(row(tab.settle(), plain_names), plain_values[0], atol=1e-4)
    tab.page.keyboard.press("Delete")
    seek(tab, 0.8)
    tab.page.keyboard.press("ArrowRight")
    told = tab.settle()
    np.testing.assert_allclose(row(told, plain_names), plain_values[told["frame"]], atol=1e-4)


def test_keys_are_dragged_along_the_timeline(tab: Tab) -> None:
    tab.hear(SAMPLE)
    seek(tab, 0.25)
    tab.page.keyboard.press("k")
    box = tab.page.locator("#timeline").bounding_box()
    tab.page.mouse.move(box["x"] + 0.25 * box["width"], box["y"] + 8)
    tab.page.mouse.down()
    tab.page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 8, steps=4)
    tab.page.mouse.up()
    tab.wait("document.querySelector('#direct').innerText.toLowerCase().includes('key 1 at 4.1')")


def test_words_direct_and_unknown_ones_are_told(tab: Tab) -> None:
    before = tab.hear(SAMPLE)
    tab.page.fill("textarea[aria-label='Direction in words']", "furious, then flabbergastic")
    assert tab.settle()["serial"] > before["serial"]
    tab.wait("document.querySelector('.warning').textContent.includes('flabbergastic')")


def test_a_pinned_take_moves_the_face_in_turn(tab: Tab) -> None:
    tab.hear(SAMPLE)
    seek(tab, 0.5)
    first = tab.settle()
    tab.page.click("#pin")
    tab.slide("grief", 1.0)
    second = tab.settle()
    assert second["shown"] != first["shown"]
    tab.page.keyboard.press("b")
    tab.wait("voxrigStudio.debug().which === 'B'")
    assert tab.picture()["shown"] == first["shown"]
    tab.page.keyboard.press("b")
    tab.wait("voxrigStudio.debug().which === 'A'")
    assert tab.picture()["shown"] == second["shown"]


def test_a_recording_becomes_a_take(tab: Tab) -> None:
    tab.page.click("#record")
    tab.wait("/Stop [1-9]/.test(document.querySelector('#record').textContent)")
    tab.page.click("#record")
    tab.wait("voxrigStudio.debug().take !== null")
    told = tab.settle()
    assert tab.page.inner_text("#takes").startswith("recording")
    assert told["shown"]


def test_the_microphone_moves_the_face(tab: Tab) -> None:
    tab.page.click("#tab-live")
    tab.page.click("text=Start the microphone")
    tab.wait("voxrigStudio.debug().live && voxrigStudio.debug().frame > 30")
    tab.wait("Object.values(voxrigStudio.debug().weights).some((weight) => weight > 0.1)")
    tab.page.click("#tab-direct")
    tab.slide("joy", 1.0)
    tab.wait(
        "Object.entries(voxrigStudio.debug().weights).some(([name, x]) => /smile/i.test(name) && x > 0.2)"
    )
    tab.page.click("#tab-live")
    assert re.search(r"lookahead \d+", tab.page.inner_text("#live"))
    tab.page.click("text=Stop the microphone")
    tab.wait("!voxrigStudio.debug().live")


def test_a_film_takes_the_place_of_the_face_in_step_with_the_sound(tab: Tab, tmp_path: Path) -> None:
    pytest.importorskip("numba", reason="pictures need the extra render")
    pytest.importorskip("av", reason="pictures need the extra render")
    tab.hear(ramp(tmp_path / "ramp.wav", 3.0))
    tab.page.get_by_role("tab", name="Export").click()
    tab.page.get_by_label("Width", exact=True).select_option("256")
    with tab.page.expect_download(timeout=400_000) as download:
        tab.page.get_by_role("button", name="Make a film").click()
    assert download.value.suggested_filename == "ramp.mp4"
    tab.wait("voxrigStudio.debug().film !== null")
    for share in (0.2, 0.8, 0.5):
        seek(tab, share)
        tab.wait("(({film, audioTime}) => Math.abs(film - audioTime) < 0.02)(voxrigStudio.debug())")
    tab.page.keyboard.press("Space")
    tab.wait("voxrigStudio.debug().film > 1.9")
    told = tab.debug()
    assert told["film"] == pytest.approx(told["audioTime"], abs=0.3)
    tab.page.get_by_role("button", name="Back to the face").click()
    assert tab.debug()["film"] is None


def test_a_download_is_the_file_that_was_asked_for(tab: Tab, server: Server) -> None:
    told = tab.hear(SAMPLE)
    tab.page.click("#tab-export")
    tab.page.select_option("select[aria-label=Format]", "csv")
    tab.page.select_option("select[aria-label='Frames a second of the file']", "30")
    tab.page.select_option("select[aria-label='Rig of the file']", "arkit")
    with tab.page.expect_download() as download:
        tab.page.click("#export >> text=Download")
    assert download.value.suggested_filename == "hello.csv"
    names, values = rows(server, told["take"], "arkit", 30, **USUAL)
    lines = Path(download.value.path()).read_text().splitlines()
    assert lines[0].split(",")[1:] == names
    table = np.array([line.split(",")[1:] for line in lines[1:]], np.float32)
    np.testing.assert_allclose(table, values, atol=1e-4)


def test_a_file_that_is_no_sound_is_refused_in_a_sentence(tab: Tab, tmp_path: Path) -> None:
    (tmp_path / "poem.wav").write_text("no sound at all")
    tab.page.set_input_files("#file", tmp_path / "poem.wav")
    tab.wait("document.querySelector('.toast.error') !== null")
    assert "poem.wav" in tab.page.inner_text("#toasts")
    tab.complaints = [text for text in tab.complaints if "status of 4" not in text]  # the browser's own line


def test_a_second_tab_is_a_studio_of_its_own(tabs: Callable[..., Tab]) -> None:
    first, second = tabs(), tabs()
    one = first.hear(SAMPLE)
    other = second.hear(SAMPLE)
    assert one["take"] != other["take"]
    second.slide("joy", 1.0)
    changed = second.settle()
    assert changed["shown"] != other["shown"]
    assert first.debug()["shown"] == one["shown"]
    assert first.debug()["serial"] == one["serial"]


def test_everything_has_a_name_for_those_who_do_not_see(tab: Tab) -> None:
    nameless = """[...document.querySelectorAll('button, input, select, textarea, canvas, [role]')]
    .filter((one) => {
      const told = one.getAttribute('aria-label') || one.getAttribute('aria-labelledby');
      const label = told || one.textContent.trim() || one.labels?.[0]?.textContent.trim();
      return !label && !['presentation', 'alert', 'status'].includes(one.getAttribute('role'));
    }).map((one) => one.outerHTML.slice(0, 120))"""
    assert tab.page.evaluate(nameless) == []


@pytest.mark.parametrize("size", [(1280, 720), (390, 844), (900, 600)])
def test_nothing_sticks_out(tabs: Callable[..., Tab], size: tuple[int, int]) -> None:
    tab = tabs(*size)
    tab.hear(SAMPLE)
    outside = """[...document.querySelectorAll('button, select, input, textarea, canvas')].filter((one) => {
      const box = one.getBoundingClientRect();
      return box.width > 0 && (box.left < -1 || box.right > innerWidth + 1);
    }).map((one) => one.id || one.outerHTML.slice(0, 120))"""
    assert tab.page.evaluate(outside) == []
    assert tab.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_file_of_ones_own_becomes_the_face(tab: Tab, tmp_path: Path) -> None:
    wild = Wild()
    shapes = ["jawOpen", "mouthSmileLeft", "eyeBlinkLeft"]
    wild.node(mesh=wild.mesh(piece(["skin"], shapes), {name: f"Wolf3D.{name}" for name in shapes}))
    path = tmp_path / "own.glb"
    path.write_bytes(wild.bytes())
    tab.page.click("#tab-face")
    tab.page.set_input_files("#face input[type=file]", path)
    tab.wait("document.querySelector('#avatar-name').textContent === 'own.glb'")
    told = tab.hear(SAMPLE)
    assert told["rig"] == "arkit"  # it has no joint for the head
    tab.wait("voxrigStudio.debug().frame === 0")
    seek(tab, 0.4)
    told = tab.settle()
    assert set(told["weights"]) <= {f"Wolf3D.{name}" for name in shapes}
    assert told["weights"]["Wolf3D.jawOpen"] == pytest.approx(told["shown"]["jawOpen"], abs=1e-6)


def vrm() -> bytes:
    """A VRM 1 whose aa opens the jaw, with the bones that it has to have."""
    wild = Wild()
    limbs = [f"{side}{part}" for side in ("left", "right") for part in LIMBS.split()]
    bones = {name: {"node": wild.node(name=name)} for name in ("hips", "spine", "head", *limbs)}
    shapes = ["jawOpen", "mouthSmileLeft"]
    face = wild.node(
        name="Face", mesh=wild.mesh(piece(["skin"], shapes), {"jawOpen": "A", "mouthSmileLeft": "B"})
    )
    preset = {
        name: {"morphTargetBinds": [{"node": face, "index": i, "weight": 1.0}]}
        for i, name in enumerate(("aa", "happy"))
    }
    meta = {"name": "own", "authors": ["voxrig"], "licenseUrl": "https://vrm.dev/licenses/1.0/"}
    about = {
        "specVersion": "1.0",
        "meta": meta,
        "humanoid": {"humanBones": bones},
        "expressions": {"preset": preset},
    }
    wild.document |= {"extensionsUsed": ["VRMC_vrm"], "extensions": {"VRMC_vrm": about}}
    return wild.bytes()


LIMBS = "UpperLeg LowerLeg Foot UpperArm LowerArm Hand"


def test_a_vrm_speaks_by_its_expressions(tab: Tab, tmp_path: Path) -> None:
    (tmp_path / "own.vrm").write_bytes(vrm())
    tab.page.set_input_files("#face input[type=file]", tmp_path / "own.vrm")
    tab.wait("document.querySelector('#avatar-name').textContent === 'own.vrm'")
    assert tab.hear(SAMPLE)["rig"] == "vrm1"
    most = 0.0
    for share in np.arange(0.1, 0.6, 0.05):
        seek(tab, share)
        told = tab.settle()
        assert told["weights"].get("A", 0.0) == pytest.approx(told["shown"]["aa"], abs=1e-6)
        most = max(most, told["shown"]["aa"])
    assert most > 0.2


def test_a_file_without_shapes_is_refused_in_a_sentence(tab: Tab, tmp_path: Path) -> None:
    (tmp_path / "text.glb").write_text(json.dumps({"asset": {}}) * 4)
    tab.page.set_input_files("#face input[type=file]", tmp_path / "text.glb")
    tab.wait("document.querySelector('.toast.error')?.textContent.includes('text.glb')")
    assert tab.page.inner_text("#avatar-name") == "studio's head"
