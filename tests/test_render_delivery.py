"""Laws of pictures that leave: every frame, in its place, in step with its sound, and whole or not at all."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
import time
import wave
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from drawn import Bar, tall
from sounds import SAMPLE, TINY, VOXRIG

pytest.importorskip("numba", reason="pictures need the extra render")
av = pytest.importorskip("av", reason="pictures need the extra render")
pytest.importorskip("PIL", reason="pictures need the extra render")

from PIL import Image  # noqa: E402

from voxrig.audio import open_audio  # noqa: E402
from voxrig.avatar.load import load  # noqa: E402
from voxrig.cast import SOUND_RATE, Beat, Part, Take, play, sound_before  # noqa: E402
from voxrig.cli import main  # noqa: E402
from voxrig.errors import OutputError, RigError  # noqa: E402
from voxrig.performance import Direction, animate  # noqa: E402
from voxrig.render import curves, look  # noqa: E402
from voxrig.render.film import Film, Footage, kind_of  # noqa: E402
from voxrig.render.h264 import H264  # noqa: E402
from voxrig.render.stills import Row, jpeg, png  # noqa: E402
from voxrig.resample import Resampler  # noqa: E402
from voxrig.rigs import NATIVE, get  # noqa: E402
from voxrig.types import AudioChunk, Frames  # noqa: E402

NTSC = Fraction(30000, 1001)
RATE = 16000


def beats(count: int, fps: Fraction, seed: int = 0) -> list[Beat]:
    """Jaws that open and close, and noise that is like itself nowhere else."""
    rng = np.random.default_rng(seed)
    sound = (rng.normal(size=sound_before(count, fps)) * 0.1).astype(np.float32)
    made = []
    for k in range(count):
        values = np.zeros(len(NATIVE), np.float32)
        values[NATIVE.index("jawOpen")] = 0.5 - 0.5 * np.cos(k / 5)
        start, end = sound_before(k, fps), sound_before(k + 1, fps)
        made.append(Beat(k, (values,), AudioChunk(sound[start:end], SOUND_RATE, start)))
    return made


def filmed(path: Path, kind: str, renderer: Bar, made: list[Beat], fps: Fraction, **footage: Any) -> None:
    film = Film(str(path), kind_of(kind), Footage(renderer.size, fps, renderer.transparent, **footage))
    for beat in made:
        film.write(renderer.draw(beat.values[0]), beat.sound)
    film.close()


def pictures(path: Path) -> list[np.ndarray]:
    """Every picture of a film as RGB, once its times are found to be right."""
    with av.open(str(path)) as file:
        frames, fps = list(file.decode(video=0)), file.streams.video[0].average_rate
    times = np.array([frame.time for frame in frames])
    assert np.abs(times - np.arange(len(frames)) / float(fps)).max() < 0.0011  # WebM has milliseconds
    return [rgb(frame) for frame in frames]


def rgb(frame: Any) -> np.ndarray:
    """A frame in colours: of BT.709, 16..235, by our own arithmetic, since PyAV's differs by version."""
    if not frame.format.name.startswith("yuv"):
        return np.asarray(frame.to_ndarray(format="rgb24"))
    y, cb, cr = (plane.astype(np.float64) for plane in frame.to_ndarray(format="yuv444p"))
    luma, cb, cr = (y - 16) / 219, (cb - 128) / 224, (cr - 128) / 224
    red, blue = luma + 1.5748 * cr, luma + 1.8556 * cb
    green = (luma - 0.2126 * red - 0.0722 * blue) / 0.7152
    return np.asarray(np.clip(np.round(255 * np.stack([red, green, blue], -1)), 0, 255), np.uint8)


def heard(path: Path) -> np.ndarray:
    """The sound of a film at SOUND_RATE."""
    with av.open(str(path)) as file:
        resampler = av.AudioResampler("flt", "mono", SOUND_RATE)
        parts = [
            part.to_ndarray().ravel() for frame in file.decode(audio=0) for part in resampler.resample(frame)
        ]
        return np.concatenate(parts)


def lag(ours: np.ndarray, theirs: np.ndarray, most: int = 2400) -> int:
    """Samples by which ``theirs`` comes later than ``ours``, where they are most alike."""
    length = min(len(ours), len(theirs))
    size = 2 ** int(np.ceil(np.log2(2 * length)))
    spectra = np.fft.rfft(theirs[:length], size) * np.conj(np.fft.rfft(ours[:length], size))
    alike = np.fft.irfft(spectra, size)
    around = np.concatenate([alike[-most:], alike[: most + 1]])
    return int(around.argmax()) - most


@pytest.mark.parametrize("fps", [Fraction(30), NTSC, Fraction(24)], ids=str)
@pytest.mark.parametrize("kind", ["mp4", "webm", "mov"])
def test_films_hold_every_picture_and_their_sound_is_in_step(
    kind: str, fps: Fraction, tmp_path: Path
) -> None:
    made, renderer, path = beats(50, fps), Bar(), tmp_path / f"talk.{kind}"
    filmed(path, kind, renderer, made, fps, labels={"title": "Zoë says", "comment": "AI-generated"})
    shown = pictures(path)
    assert len(shown) == len(made)
    for beat, picture in zip(made, shown, strict=True):
        drawn = renderer.draw(beat.values[0])
        assert picture.shape == drawn.shape
        assert abs(tall(picture) - tall(drawn)) <= 1
        assert np.abs(picture.astype(int) - drawn).mean() < 4  # red on grey loses half its colour's detail
    sound, ours = heard(path), np.concatenate([beat.sound.samples for beat in made])
    assert 0 <= len(sound) - len(ours) < 1024  # AAC ends with a whole block
    assert abs(lag(ours, sound)) <= SOUND_RATE * 0.005
    with av.open(str(path)) as file:
        labels = {name.lower(): text for name, text in file.metadata.items()}
        assert (labels["title"], labels["comment"]) == ("Zoë says", "AI-generated")
        assert abs(file.duration / 1e6 - len(made) / float(fps)) < 0.012
        context = file.streams.video[0].codec_context
        assert int(context.colorspace) == 1  # BT.709
        assert int(context.color_range) in (
            1,
            0,
        )  # 16..235; older FFmpegs leave ProRes untold, which has no other


@pytest.mark.parametrize(
    ("kind", "decoder"), [("webm", "libvpx-vp9"), ("mov", "prores"), ("nut", "rawvideo")]
)
def test_alpha_survives(kind: str, decoder: str, tmp_path: Path) -> None:
    made, renderer, path = beats(12, Fraction(30)), Bar(transparent=True), tmp_path / f"talk.{kind}"
    filmed(path, kind, renderer, made, Fraction(30))
    with av.open(str(path)) as file:
        stream = file.streams.video[0]
        context = av.CodecContext.create(decoder, "r") if decoder == "libvpx-vp9" else stream.codec_context
        frames = [frame for packet in file.demux(stream) for frame in context.decode(packet)]
    assert len(frames) == len(made)
    for beat, frame in zip(made, frames, strict=True):
        drawn = renderer.draw(beat.values[0])[..., 3]
        assert np.abs(frame.to_ndarray(format="rgba")[..., 3].astype(int) - drawn).mean() < 3


def test_pngs_are_exact(tmp_path: Path) -> None:
    made, renderer = beats(7, Fraction(30)), Bar(transparent=True)
    row = Row(str(tmp_path / "shots"), {"Comment": "AI-generated"})
    for beat in made:
        row.write(renderer.draw(beat.values[0]), beat.sound)
    assert not (tmp_path / "shots").exists()
    row.close()
    assert [path.name for path in sorted((tmp_path / "shots").iterdir())] == [
        *(f"{k:05d}.png" for k in range(7)),
        "sound.wav",
    ]
    for k, beat in enumerate(made):
        with Image.open(tmp_path / "shots" / f"{k:05d}.png") as image:
            assert image.text["Comment"] == "AI-generated"
            assert (np.asarray(image) == renderer.draw(beat.values[0])).all()
    with wave.open(str(tmp_path / "shots" / "sound.wav")) as sound:
        assert (sound.getframerate(), sound.getnframes()) == (SOUND_RATE, sound_before(7, Fraction(30)))


def test_rows_never_mix_takes(tmp_path: Path) -> None:
    (tmp_path / "talk_00012.png").write_bytes(b"of another take")
    with pytest.raises(OutputError, match=r"talk_00012\.png is there, of another take"):
        Row(str(tmp_path / "talk_%05d.png"))
    other = Row(str(tmp_path / "more_%03d.png"))
    other.write(Bar().draw(np.zeros(len(NATIVE), np.float32)))
    other.abandon()
    assert [path.name for path in tmp_path.iterdir()] == ["talk_00012.png"]


def test_jpeg_and_png_decode() -> None:
    picture = Bar().draw(np.ones(len(NATIVE), np.float32))
    assert (np.asarray(Image.open(io.BytesIO(png(picture)))) == picture).all()
    shown = np.asarray(Image.open(io.BytesIO(jpeg(picture, 95))))
    assert np.abs(shown.astype(int) - picture).mean() < 3


def test_access_units_come_at_once_and_start_anew_at_keys() -> None:
    renderer, made = Bar((64, 64)), beats(75, Fraction(30))
    encoder = H264(renderer.size, Fraction(30))
    units = [encoder.encode(renderer.draw(b.values[0]), key=b.index == 20) for b in made]
    assert all(unit.data.startswith(b"\0\0\0\1") for unit in units)
    assert [k for k, unit in enumerate(units) if unit.key] == [0, 20]
    decoder = av.CodecContext.create("h264", "r")
    shown = [f for unit in units[20:] for f in decoder.decode(av.Packet(unit.data))] + decoder.decode(None)
    assert len(shown) == 55
    for beat, frame in zip(made[20:], shown, strict=True):
        assert abs(tall(frame.to_ndarray(format="rgb24")) - tall(renderer.draw(beat.values[0]))) <= 1


@pytest.mark.parametrize(
    ("size", "kind", "sentence"),
    [
        ((63, 96), "mp4", "H.264 takes even sides, not 96x63; write 96x62 or 96x64"),
        ((8, 96), "webm", "pictures of 96x8 pixels; have 16 to 4096 a side"),
    ],
)
def test_sizes_that_no_film_has(size: tuple[int, int], kind: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(OutputError) as caught:
        Film(str(tmp_path / "talk"), kind_of(kind), Footage(size, Fraction(30)))
    assert str(caught.value) == sentence
    assert not list(tmp_path.iterdir())


def test_odd_sizes_where_they_can_be(tmp_path: Path) -> None:
    made, renderer = beats(3, Fraction(30)), Bar((65, 97))
    for kind in ("webm", "mov"):
        filmed(tmp_path / f"t.{kind}", kind, renderer, made, Fraction(30))
        assert pictures(tmp_path / f"t.{kind}")[0].shape == (65, 97, 3)


def test_beats_of_a_recording_are_its_frames_and_its_sound() -> None:
    direction = Direction(NATIVE, Fraction(30))
    part = Part([Take(lambda: open_audio(SAMPLE))], direction, [NATIVE], sound=True)
    made = list(play(part, direction.engine(str(TINY), "cpu")))
    frames = animate(SAMPLE, "native", 30, pack=str(TINY), device="cpu")
    assert (np.array([beat.values[0] for beat in made]) == frames.values).all()
    sound, rate = soundfile.read(SAMPLE, dtype="float32")
    ours = np.concatenate([beat.sound.samples for beat in made])
    assert len(made) == -(-len(sound) * 30 // rate)
    assert len(ours) == sound_before(len(made), Fraction(30))
    assert lag(Resampler(rate, SOUND_RATE, "best").push(sound, last=True), ours) == 0


def test_curves_that_were_made_before() -> None:
    arkit = animate(SAMPLE, "arkit", 60, pack=str(TINY), device="cpu")
    values = curves.native(arkit, Fraction(30))
    jaw = arkit.curve("jawOpen")[::2]
    assert np.abs(values[:, NATIVE.index("jawOpen")] - jaw[: len(values)]).max() < 1e-6
    with open_audio(SAMPLE) as sound:
        made = list(curves.beats(values, Fraction(30), sound))
    assert len(made) == len(values)
    assert sum(len(beat.sound.samples) for beat in made) == sound_before(len(values), Fraction(30))
    empty = Frames(get("flame"), np.zeros((3, len(get("flame"))), np.float32), Fraction(30))
    with pytest.raises(RigError, match="a take on flame cannot be drawn; have native, arkit"):
        curves.native(empty, Fraction(30))


# ── the command ──────────────────────────────────────────────────────────────────────────────────────────


SMALL = ["--size", "64", "--pack", str(TINY), "--device", "cpu"]


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """0.7 s of speech."""
    place = tmp_path_factory.mktemp("sound") / "short.wav"
    sound, rate = soundfile.read(SAMPLE, dtype="float32")
    soundfile.write(place, sound[: int(0.7 * rate)], rate)
    return place


def said(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str]:
    """What the command says to words, on standard error."""
    code = main(["render", *map(str, words)])
    return code, capsys.readouterr().err


def test_render_writes_the_renderers_pictures(short: Path, tmp_path: Path) -> None:
    places = [tmp_path / "talk.mp4", tmp_path / "shots"]
    for place in places:
        assert main(["render", str(short), "--out", str(place), "--no-text", *SMALL]) == 0
    film = pictures(places[0])
    still = [np.asarray(Image.open(path)) for path in sorted(places[1].glob("*.png"))]
    assert len(film) == len(still) == 21
    renderer = look.open_renderer(look.Look(size=(64, 64)), load())
    values = animate(short, "native", 30, pack=str(TINY), device="cpu").values
    for shown, exact, row in zip(film, still, values, strict=True):
        assert np.abs(exact.astype(int) - renderer.draw(row)).max() <= 1
        assert np.abs(shown.astype(int) - exact).mean() < 4
    sound, rate = soundfile.read(short, dtype="float32")
    assert lag(Resampler(rate, SOUND_RATE, "best").push(sound, last=True), heard(places[0])) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["shots", "talk.mp4"]


def test_render_takes_several_and_tells_who_failed(
    short: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.wav").write_bytes(b"no sound")
    other = tmp_path / "other.wav"
    other.write_bytes(short.read_bytes())
    words = [short, tmp_path / "bad.wav", other, "--out-dir", tmp_path / "out", "--format", "webm", *SMALL]
    code, told = said(capsys, *words, "--background", "none")
    assert code == 1
    assert told.startswith("voxrig: failed: ")
    assert told.count("\n") == 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["other.webm", "short.webm"]
    assert len(pictures(tmp_path / "out" / "short.webm")) == 21


def test_render_takes_curves(short: Path, tmp_path: Path) -> None:
    assert main(["animate", str(short), "--out", str(tmp_path / "take.csv"), "--pack", str(TINY)]) == 0
    words = [str(tmp_path / "take.csv"), "--audio", str(short), "--out", str(tmp_path / "a.mp4"), *SMALL]
    assert main(["render", *words, "--camera", "face", "--yaw", "20"]) == 0
    assert len(pictures(tmp_path / "a.mp4")) == 21
    assert len(heard(tmp_path / "a.mp4")) >= sound_before(21, Fraction(30))
    assert main(["render", words[0], "--out", str(tmp_path / "silent.mp4"), *SMALL]) == 0
    with av.open(str(tmp_path / "silent.mp4")) as file:
        assert not file.streams.audio


_KINDS = ".mp4, .webm, .mov, a folder, -"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("a.wav --out a.avi", f"no pictures can be written to 'a.avi'; have {_KINDS}"),
        (
            "a.wav --out a.png",
            f"no pictures can be written to 'a.png'; have {_KINDS}; "
            "single pictures are numbered, as talk_%05d.png",
        ),
        ("a.wav --out a.mp4 --size 65", "H.264 takes even sides, not 65x65; write 64x64 or 66x66"),
        (
            "a.wav --out a.mp4 --background none",
            "mp4 holds no transparency; have webm, mov, nut, or PNG pictures",
        ),
        (
            "a.wav --out a.mp4 --background loud",
            "unknown background 'loud'; have studio, none or a colour (green, #203040)",
        ),
        ("a.wav --out a.mp4 --background no.png", "cannot read no.png: No such file or directory"),
        ("a.wav --out a.mp4 --camera feet", "unknown camera 'feet'; have face, head, bust"),
        ("a.wav --out a.mp4 --yaw 99", "the camera's yaw is 99 degrees; have -85 to 85"),
        ("a.wav b.wav --out a.mp4", "--out takes one recording; use --out-dir for several"),
        ("a/x.wav b/x.wav --out-dir o", "'a/x.wav' and 'b/x.wav' would both become o/x.mp4; rename one"),
        ("a.wav --out-dir o --format raw", "--out-dir takes mp4, webm, mov or png, not raw"),
        (
            "a.wav --out a.mp4 --format gif",
            "unknown format of pictures 'gif'; have mp4, webm, mov, png, raw, nut",
        ),
        ("a.wav --out - --format mp4", "mp4 needs a file; have raw, nut for pipes"),
        (
            "a.wav --out a.mp4 --rate 16000",
            "--rate and --channels go with --raw; other sound tells them itself",
        ),
        (
            "a.wav --out a.mp4 --audio b.wav",
            "--audio goes with one curve file (.csv, .json, .npz, .glb, .vrma)",
        ),
        ("a.csv --out a.mp4 --emotion joy", "--emotion is for recordings; a.csv has its curves already"),
        ("a.csv --out a.mp4 --idle on", "--idle is for recordings; a.csv has its curves already"),
        ("a.wav b.npz --out-dir o --direct sad", "--direct is for recordings; b.npz has its curves already"),
        ("a.csv --out a.mp4 --gain 2", "--gain is for recordings; a.csv has its curves already"),
        (
            "a.csv --out a.mp4 --text-file a.txt",
            "--text-file is for recordings; a.csv has its curves already",
        ),
        (
            "a.wav --out a.mp4 --live --text hello",
            "--text is fitted to a whole recording; leave it or --live out",
        ),
        (
            "a.wav --out a.mp4 --photo me.png",
            "--renderer portrait needs --i-have-consent: "
            "the word of whom the photo shows, or of who may give it",
        ),
        ("a.wav --out a.mp4 --i-have-consent", "--i-have-consent goes with --photo"),
        ("a.wav --out a.mp4 --avatar no.glb", "cannot read avatar no.glb: No such file or directory"),
    ],
)
def test_wrong_words_are_told_in_a_sentence(
    words: str,
    sentence: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    code, told = said(capsys, *words.split())
    assert (code, told) == (2, f"voxrig: {sentence}\n")
    assert not list(tmp_path.iterdir())


def test_missing_packages_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    code, told = said(capsys, "a.wav", "--out", tmp_path / "a.mp4")
    assert (code, told) == (2, "voxrig: pictures need numba, pillow, av; pip install 'voxrig[render]'\n")


def started(*words: str | Path, **options: Any) -> subprocess.Popen[bytes]:
    command = [*VOXRIG, "render", *map(str, words), *SMALL]
    return subprocess.Popen(command, stderr=subprocess.PIPE, **options)


def test_raw_pictures_flow_as_the_sound_comes(tmp_path: Path) -> None:
    sound, rate = soundfile.read(SAMPLE, dtype="int16")
    with started(
        "-", "--raw", "s16", "--rate", str(rate), "--out", "-", stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(sound[:rate].tobytes())
        process.stdin.flush()
        first = process.stdout.read(64 * 64 * 3 * 25)  # a second of sound, less what it looks ahead
        assert len(first) == 64 * 64 * 3 * 25
        process.stdin.write(sound[rate : 2 * rate].tobytes())
        process.stdin.close()
        rest = process.stdout.read()
    assert process.returncode == 0
    shown = np.frombuffer(first + rest, np.uint8).reshape(-1, 64, 64, 3)
    assert len(shown) == 60
    assert np.abs(np.diff(shown.astype(int), axis=0)).max() > 20  # it moves


def test_nut_carries_sound_through_a_pipe(short: Path, tmp_path: Path) -> None:
    with (tmp_path / "piped").open("wb") as out:
        process = started(short, "--out", "-", "--format", "nut", stdout=out)
        assert process.stderr
        assert process.stderr.read() == b""
        assert process.wait() == 0
    assert len(pictures(tmp_path / "piped")) == 21
    assert len(heard(tmp_path / "piped")) == sound_before(21, Fraction(30))


def test_a_reader_that_has_enough_is_no_fault() -> None:
    with started(SAMPLE, "--out", "-", stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.read(64 * 64 * 3)
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 2


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C as in a terminal, also where the tests run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize(("out", "number"), [("talk.mp4", signal.SIGINT), ("shots", signal.SIGTERM)])
def test_who_is_stopped_leaves_nothing(out: str, number: int, tmp_path: Path) -> None:
    with started(
        "-", "--raw", "s16", "--rate", "16000", "--out", tmp_path / out, stdin=subprocess.PIPE
    ) as process:
        assert process.stdin
        assert process.stderr
        process.stdin.write(bytes(32000))
        process.stdin.flush()
        for _ in range(1200):
            if list(tmp_path.iterdir()):
                break
            time.sleep(0.05)
        assert [path.suffix for path in tmp_path.iterdir()] == [".part"]
        process.send_signal(number)
        told = process.stderr.read()
    assert process.returncode == 2
    assert told == b"voxrig: interrupted; finished files are whole, what was under way was dropped\n"
    assert not list(tmp_path.iterdir())
