"""The studio's files: exports that can be read again, curves that are converted, videos with sound."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from sounds import SAMPLE

pytest.importorskip("aiohttp", reason="needs the extra studio")

from studio_server import Answer, Running, running

from voxrig.audio import read as read_sound
from voxrig.idle import Life
from voxrig.performance import animate
from voxrig.rigs import get
from voxrig.types import AudioChunk, Style
from voxrig_export import FORMATS, read, readable

DIRECTION = {"style": {"emotion": {"joy": 0.6}}, "life": {}, "seed": 4}


@pytest.fixture(scope="module")
def sound() -> AudioChunk:
    whole = read_sound(SAMPLE)
    return AudioChunk(whole.samples[: 2 * whole.rate], whole.rate)


@pytest.fixture(scope="module")
def studio() -> Iterator[Running]:
    with running() as found:
        yield found


@pytest.fixture(scope="module")
def take(studio: Running, sound: AudioChunk) -> str:
    out = io.BytesIO()
    soundfile.write(out, sound.samples, sound.rate, format="WAV", subtype="FLOAT")
    return str(studio.upload(out.getvalue(), "my líne.wav").json["id"])


def export(studio: Running, take: str, **wishes: Any) -> Answer:
    return studio.ask("POST", f"/api/takes/{take}/export", wishes)


@pytest.mark.parametrize("kind", FORMATS, ids=lambda kind: kind.name)
def test_every_format_is_written(studio: Running, take: str, tmp_path: Path, kind: Any) -> None:
    answer = export(studio, take, format=kind.name, direction=DIRECTION)
    if answer.status == 409:  # a package of the format is not there, and it is told which
        assert "pip install" in answer.error
        return
    assert answer.status == 200
    assert len(answer.body) == int(answer.headers["content-length"])
    told = answer.headers["content-disposition"]
    assert told.startswith(f'attachment; filename="my l_ne{kind.suffix}"')
    assert f"filename*=UTF-8''my%20l%C3%ADne{kind.suffix}" in told
    assert len(answer.body) > 20
    if kind.name in readable():
        path = tmp_path / f"take{kind.suffix}"
        path.write_bytes(answer.body)
        keyed = kind.name in ("glb", "vrma")
        frames = read(path, kind.name, 60 if keyed else None)  # type: ignore[arg-type]
        assert len(frames) in (119, 120, 121)


def test_an_export_is_what_animate_makes(
    studio: Running, take: str, sound: AudioChunk, tmp_path: Path
) -> None:
    path = tmp_path / "take.npz"
    answer = export(studio, take, format="npz", rig="metahuman", fps=29.97, direction=DIRECTION)
    path.write_bytes(answer.body)
    found = read(path)
    expected = animate(sound, "metahuman", found.fps, Style({"joy": 0.6}), idle=Life(), seed=4, device="cpu")
    assert np.abs(found.values - expected.values).max() <= 1e-5


def test_options_go_to_the_format(studio: Running, take: str) -> None:
    few, many = (
        export(studio, take, format="unity", options={"tolerance": t, "mesh": "Body/Head"}).body
        for t in (0.05, 0)
    )
    assert len(few) < len(many)
    assert b"path: Body/Head" in few


@pytest.mark.parametrize(
    ("wishes", "sentence"),
    [
        ({}, "the request without format"),
        ({"format": "avi"}, "unknown format 'avi'; have csv"),
        ({"format": "vrma", "rig": "flame"}, "vrma holds rigs vrm1, arkit"),
        ({"format": "csv", "rig": "bob"}, "unknown rig 'bob'"),
        ({"format": "csv", "fps": 0.5}, "fps is 0.5; have 1 to 240"),
        ({"format": "csv", "options": {"mesh": "x"}}, "csv has no use for --mesh"),
        ({"format": "unity", "options": {"tolerance": 2}}, "tolerance is 2; have 0 to 1"),
        ({"format": "unity", "options": {"avatar": "/etc/passwd"}}, "options has no field 'avatar'"),
        ({"format": "unity", "options": {"names": {"a": 1}}}, "names is no object of at most"),
        ({"format": "csv", "direction": {"gain": {"x": 1}}}, "gain and offset: unknown arkit curve 'x'"),
        ({"format": "csv", "size": 3}, "the request has no field 'size'"),
    ],
)
def test_wrong_exports_get_a_sentence(
    studio: Running, take: str, wishes: dict[str, Any], sentence: str
) -> None:
    answer = export(studio, take, **wishes)
    assert answer.status == 400
    assert sentence in answer.error


def test_curves_are_converted(studio: Running, take: str, tmp_path: Path) -> None:
    first = export(studio, take, format="json", fps=30)
    curves = studio.upload(first.body, "a.json", "/curves").json
    assert (curves["kind"], curves["fps"]) == ("curves", 30.0)
    path = tmp_path / "again.json"
    path.write_bytes(export(studio, curves["id"], format="json", fps=30).body)
    again = read(path)
    before = json.loads(first.body)
    assert np.abs(again.values - np.array(before["frames"], np.float32)).max() <= 1e-5
    assert export(studio, curves["id"], format="csv", rig="native").status == 200
    refused = export(studio, curves["id"], format="csv", rig="visemes")
    assert refused.status in (200, 400)


def test_a_take_that_tells_no_rate_needs_one(studio: Running) -> None:
    names = get("arkit").curves
    single = f"time_s,{','.join(names)}\n0.0{',0.5' * len(names)}\n".encode()
    assert "(fps=60)" in studio.upload(single, "a.csv", "/curves").error
    assert studio.upload(single, "a.csv", "/curves", fps="60").json["frames"] == 1


def wait(studio: Running, job: str) -> dict[str, Any]:
    end = time.monotonic() + 400
    while time.monotonic() < end:
        told: dict[str, Any] = studio.ask("GET", f"/api/jobs/{job}").json
        assert 0 <= told["progress"] <= 1
        if told["state"] != "working":
            return told
        time.sleep(0.05)
    raise AssertionError("the video does not end")


def test_a_video_has_picture_and_sound(studio: Running, take: str) -> None:
    pytest.importorskip("numba", reason="pictures need the extra render")
    av = pytest.importorskip("av", reason="pictures need the extra render")
    wishes = {"renderer": "mesh", "width": 64, "fps": 12, "direction": DIRECTION}
    answer = studio.ask("POST", f"/api/takes/{take}/video", wishes)
    assert answer.status == 202
    job = answer.json["id"]
    assert wait(studio, job) == {"id": job, "state": "done", "progress": 1.0, "error": None}
    film = studio.ask("GET", f"/api/jobs/{job}/file")
    assert film.headers["content-type"] == "video/mp4"
    with av.open(io.BytesIO(film.body)) as file:
        assert (file.streams.video[0].width, file.streams.video[0].frames) == (64, 24)
        heard = sum(frame.samples for frame in file.decode(audio=0))
    assert heard == pytest.approx(2 * 48000, abs=3000)
    assert studio.ask("DELETE", f"/api/jobs/{job}").status == 204
    assert studio.ask("GET", f"/api/jobs/{job}/file").status == 404


def test_a_video_can_be_stopped(studio: Running, take: str) -> None:
    pytest.importorskip("numba", reason="pictures need the extra render")
    pytest.importorskip("av", reason="pictures need the extra render")
    wishes = {"width": 1920, "fps": 120}
    job = studio.ask("POST", f"/api/takes/{take}/video", wishes).json["id"]
    told = studio.ask("GET", f"/api/jobs/{job}/file")
    assert (told.status, told.error) == (409, "the video is not done yet")
    assert studio.ask("DELETE", f"/api/jobs/{job}").status == 204
    small = studio.ask("POST", f"/api/takes/{take}/video", {"width": 64, "fps": 2}).json["id"]
    assert wait(studio, small)["state"] == "done"  # which would have had to wait for the other


@pytest.mark.parametrize(
    ("wishes", "sentence"),
    [
        ({"renderer": "oil"}, "unknown renderer 'oil'; have mesh, splat, portrait"),
        ({"width": 10}, "width is 10; have 64 to 1920"),
        ({"width": 65}, "H.264 takes even sides"),
        ({"fps": 0}, "fps is 0"),
        ({"height": 10}, "has no field 'height'"),
    ],
)
def test_wrong_videos_get_a_sentence(
    studio: Running, take: str, wishes: dict[str, Any], sentence: str
) -> None:
    pytest.importorskip("numba", reason="pictures need the extra render")
    pytest.importorskip("av", reason="pictures need the extra render")
    answer = studio.ask("POST", f"/api/takes/{take}/video", wishes)
    assert answer.status == 400
    assert sentence in answer.error


def test_without_the_extra_it_is_told_how_to_get_it(
    studio: Running, take: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from voxrig.render import look

    monkeypatch.setattr(look, "_NEEDED", {"no_such_module": "no-such-package"})
    answer = studio.ask("POST", f"/api/takes/{take}/video", {})
    assert answer.status == 409
    assert "pip install 'voxrig[render]'" in answer.error
    about = studio.ask("GET", "/api/about").json
    assert (about["renderers"], about["renderers_hint"]) == ([], "pip install 'voxrig[render]'")
