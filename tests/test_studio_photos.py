"""Photos in the studio: given with consent, checked for one clear face, and made to speak with a mark."""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from sounds import SAMPLE

pytest.importorskip("aiohttp", reason="needs the extra studio")
pytest.importorskip("numba", reason="portraits need numba")
Image = pytest.importorskip("PIL.Image", reason="portraits need pillow")
av = pytest.importorskip("av", reason="pictures need the extra render")

from studio_server import Running, running  # noqa: E402
from test_studio import wav  # noqa: E402
from test_studio_files import wait  # noqa: E402

from voxrig.audio import read  # noqa: E402
from voxrig.types import AudioChunk  # noqa: E402


@pytest.fixture(scope="module")
def studio() -> Iterator[Running]:
    with running() as found:
        yield found


@pytest.fixture(scope="module")
def take(studio: Running) -> str:
    whole = read(SAMPLE)
    return str(studio.upload(wav(AudioChunk(whole.samples[: whole.rate], whole.rate))).json["id"])


def png(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "png")
    return out.getvalue()


@pytest.mark.usefixtures("networks")
def test_a_photo_speaks_with_a_mark(studio: Running, take: str) -> None:
    data = pytest.importorskip("skimage.data", reason="the one real photo comes with scikit-image")
    assert "portrait" in studio.ask("GET", "/api/about").json["renderers"]
    answer = studio.ask("POST", "/api/photos?consent=yes&name=eileen.png", png(data.astronaut()))
    assert (answer.status, answer.json["name"]) == (201, "eileen.png")
    wishes = {"renderer": "portrait", "photo": answer.json["id"], "width": 128, "fps": 10}
    job = studio.ask("POST", f"/api/takes/{take}/video", wishes).json["id"]
    assert wait(studio, job)["state"] == "done"
    with av.open(io.BytesIO(studio.ask("GET", f"/api/jobs/{job}/file").body)) as file:
        assert "AI-generated" in file.metadata["comment"]
        pictures = [frame.to_ndarray(format="rgb24").astype(float) for frame in file.decode(video=0)]
    assert len(pictures) == 10
    corner, mouth = np.s_[112:, :24], np.s_[70:110, 40:90]
    assert max(np.abs(a[mouth] - b[mouth]).max() for a, b in pairwise(pictures)) > 20
    assert np.ptp(pictures[0][corner]) > 40  # the mark


@pytest.mark.usefixtures("networks")
def test_a_photo_without_a_face_is_refused(studio: Running) -> None:
    noise = np.random.default_rng(0).integers(90, 120, (300, 300, 3)).astype(np.uint8)
    answer = studio.ask("POST", "/api/photos?consent=yes&name=wall.png", png(noise))
    assert (answer.status, "no face was found in wall.png" in answer.error) == (400, True)


def test_a_photo_needs_consent_and_pixels(studio: Running) -> None:
    answer = studio.ask("POST", "/api/photos?name=a.png", png(np.zeros((64, 64, 3), np.uint8)))
    assert (answer.status, "consent=yes" in answer.error) == (400, True)
    answer = studio.ask("POST", "/api/photos?consent=yes&name=a.png", b"no picture")
    assert answer.status == 400
    assert "cannot read photo a.png" in answer.error


def test_portraits_and_photos_go_together(studio: Running, take: str) -> None:
    answer = studio.ask("POST", f"/api/takes/{take}/video", {"renderer": "portrait"})
    assert (answer.status, "POST /api/photos" in answer.error) == (400, True)
    answer = studio.ask("POST", f"/api/takes/{take}/video", {"renderer": "portrait", "photo": "p99"})
    assert (answer.status, "no photo 'p99'" in answer.error) == (404, True)
