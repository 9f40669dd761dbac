"""Sound in any form becomes the same float32 mono; whatever cannot is refused in one sentence."""

import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

import voxrig.audio
from voxrig.audio import RawFormat, open_audio, read
from voxrig.errors import AudioError
from voxrig.microphone import open_microphone

SERVICE = str(Path(voxrig.audio.__file__).parents[1])


def noise(n: int, channels: int = 1) -> np.ndarray:
    return (np.random.default_rng(7).standard_normal((n, channels)) * 0.1).astype(np.float32)


def wav(path: Path, sound: np.ndarray, rate: int = 16_000, subtype: str = "PCM_16") -> Path:
    soundfile.write(path, sound, rate, subtype=subtype)
    return path


def with_sizes(path: Path, riff: int, data: int) -> Path:
    """Overwrite the two sizes in a wav header."""
    content = bytearray(path.read_bytes())
    at = content.find(b"data") + 4
    content[4:8], content[at : at + 4] = struct.pack("<I", riff), struct.pack("<I", data)
    path.write_bytes(content)
    return path


def refusal(path: object, **options: RawFormat) -> str:
    """The one-line sentence with which a path is refused, at opening or while reading."""
    with pytest.raises(AudioError) as caught:
        read(path, **options)  # type: ignore[arg-type]
    sentence = str(caught.value)
    assert len(sentence.splitlines()) == 1
    return sentence


def piped(data: bytes, code: str) -> str:
    """What a program prints that has ``data`` on its standard input."""
    program = f"import sys; sys.path.insert(0, {SERVICE!r})\nfrom voxrig.audio import *\n{code}"
    done = subprocess.run([sys.executable, "-c", program], input=data, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().strip()


REPORT = """
try:
    with open_audio('-', raw={raw}) as s:
        parts = [c.samples for c in s.chunks(1000)]
        print(s.name, s.rate, s.length, sum(map(len, parts)), round(float(sum(map(sum, parts))), 3))
except AudioError as e:
    print(e)
"""


@pytest.mark.parametrize(
    ("name", "subtype", "tolerance"),
    [
        ("a.wav", "PCM_U8", 1 / 128),
        ("a.wav", "PCM_16", 1 / 32_768),
        ("a.wav", "PCM_24", 1 / 8_388_608),
        ("a.wav", "PCM_32", 1e-7),
        ("a.wav", "FLOAT", 0),
        ("a.wav", "DOUBLE", 0),
        ("a.flac", "PCM_24", 1 / 8_388_608),
        ("a.aiff", "PCM_16", 1 / 32_768),
    ],
)
def test_each_format_gives_the_sound_that_went_in(tmp_path, name, subtype, tolerance):
    sound = noise(5_000)
    chunk = read(wav(tmp_path / name, sound, subtype=subtype))
    assert (chunk.rate, chunk.start, chunk.samples.dtype) == (16_000, 0, np.float32)
    np.testing.assert_allclose(chunk.samples, sound[:, 0], atol=tolerance, rtol=0)


@pytest.mark.parametrize(("name", "subtype"), [("a.ogg", "VORBIS"), ("a.mp3", "MPEG_LAYER_III")])
def test_lossy_formats_keep_length_and_shape(tmp_path, name, subtype):
    tone = np.sin(np.arange(44_100) / 20).astype(np.float32) * 0.5
    heard = read(wav(tmp_path / name, tone, 44_100, subtype)).samples
    assert len(heard) == len(tone)
    np.testing.assert_allclose(heard[4_000:-4_000], tone[4_000:-4_000], atol=0.02)


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.mp3"])
@pytest.mark.parametrize("channels", [1, 2])
def test_every_chunk_size_gives_identical_sound(tmp_path, name, channels):
    soundfile.write(tmp_path / name, noise(40_000, channels), 44_100)
    whole = read(tmp_path / name).samples
    for size in (1, 17, 441, 800, 44_100) if name == "a.wav" else (441, 44_100):
        with open_audio(tmp_path / name) as source:
            chunks = list(source.chunks(size))
            assert source.length in (len(whole), None if name == "a.mp3" else len(whole))
        assert [c.start for c in chunks] == list(range(0, len(whole), size))
        assert all(len(c.samples) == size for c in chunks[:-1])
        np.testing.assert_array_equal(np.concatenate([c.samples for c in chunks]), whole)


def test_the_bytes_name_the_format_not_the_file(tmp_path):
    path = wav(tmp_path / "a.wav", noise(100)).rename(tmp_path / "a.raw")
    assert len(read(path).samples) == 100


@pytest.mark.parametrize("rate", [8_000, 11_025, 192_000])
def test_legal_rates(tmp_path, rate):
    assert read(wav(tmp_path / "a.wav", noise(100), rate)).rate == rate


def test_channels_become_their_mean(tmp_path):
    sound = noise(1_000, 5)
    heard = read(wav(tmp_path / "a.wav", sound, subtype="FLOAT")).samples
    np.testing.assert_allclose(heard, sound.mean(axis=1), atol=1e-7)
    both = np.hstack([sound[:, :1], -sound[:, :1]])
    assert not read(wav(tmp_path / "b.wav", both, subtype="FLOAT")).samples.any()


def test_float_beyond_full_scale_is_kept(tmp_path):
    assert read(wav(tmp_path / "a.wav", np.full(10, 3.5), subtype="FLOAT")).samples.max() == 3.5


@pytest.mark.parametrize("size", [2, 3, 7, 4_096])
def test_raw_equals_wav(tmp_path, size):
    sound = noise(5_000, 2)
    expected = read(wav(tmp_path / "a.wav", sound)).samples
    pcm = soundfile.read(tmp_path / "a.wav", dtype="int16")[0].astype("<i2")
    (tmp_path / "a.s16").write_bytes(pcm.tobytes())
    (tmp_path / "a.f32").write_bytes((pcm / 32_768).astype("<f4").tobytes())
    for encoding in ("s16", "f32"):
        with open_audio(tmp_path / f"a.{encoding}", raw=RawFormat(encoding, 16_000, 2)) as source:
            assert source.length == 5_000
            heard = np.concatenate([c.samples for c in source.chunks(size)])
        np.testing.assert_array_equal(heard, expected)


# -- lengths that lie


def test_wav_cut_short_gives_what_is_there(tmp_path):
    path = wav(tmp_path / "a.wav", noise(1_000, 2))
    path.write_bytes(path.read_bytes()[:2_047])
    with open_audio(path) as source:
        assert source.length == sum(len(c.samples) for c in source.chunks()) == (2_047 - 44) // 4


def test_wav_of_a_stream_that_told_no_size(tmp_path):
    path = with_sizes(wav(tmp_path / "a.wav", noise(1_000)), 0xFFFFFFFF, 0xFFFFFFFF)
    with open_audio(path) as source:
        assert source.length == sum(len(c.samples) for c in source.chunks()) == 1_000
    assert "holds no samples" in refusal(with_sizes(path, 0, 0))


def test_flac_of_a_stream_that_told_no_length(tmp_path):
    path = wav(tmp_path / "a.flac", noise(30_000), 44_100)
    content = bytearray(path.read_bytes())
    content[21] &= 0xF0  # the 36 bits of the total in STREAMINFO, which begins at byte 8
    content[22:26] = bytes(4)
    path.write_bytes(content)
    with open_audio(path) as source:
        assert source.length is None
        assert sum(len(c.samples) for c in source.chunks()) == 30_000


def test_mp3_that_misjudges_its_length_is_refused_not_cut(tmp_path):
    """Variable bit rate, loud then silent, header frame lost: its start makes it look short."""
    sound = noise(44_100 * 5)
    sound[44_100 * 2 :] = 0
    soundfile.write(tmp_path / "a.mp3", sound, 44_100, bitrate_mode="VARIABLE")
    content = (tmp_path / "a.mp3").read_bytes()
    (tmp_path / "a.mp3").write_bytes(content[content.find(b"\xff\xfb", 40) :])
    assert "goes on after" in refusal(tmp_path / "a.mp3")


def test_raw_file_that_shrinks_while_read_is_refused(tmp_path):
    path = tmp_path / "a.pcm"
    path.write_bytes(bytes(400_000))
    with open_audio(path, raw=RawFormat("s16", 16_000)) as source:
        chunks = source.chunks(1_000)
        next(chunks)
        os.truncate(path, 100_000)
        with pytest.raises(AudioError, match=r"ends at \d\.\d+ s of 12\.500 s"):
            list(chunks)


# -- refusals: the thing, the fault, what is legal


def test_paths_that_hold_no_file(tmp_path):
    (tmp_path / "file").write_text("x")
    assert "No such file" in refusal(tmp_path / "none.wav")
    assert "folder" in refusal(tmp_path)
    assert "Not a directory" in refusal(tmp_path / "file" / "a.wav")
    assert "name too long" in refusal(tmp_path / ("x" * 400))
    assert "null byte" in refusal("a\0.wav")
    assert r"a\nb.wav: No such file" in refusal(tmp_path / "a\nb.wav")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="this user may read all files")
def test_file_without_permission(tmp_path):
    path = wav(tmp_path / "a.wav", noise(10))
    path.chmod(0)
    assert "Permission denied" in refusal(path)


def test_files_that_hold_no_sound(tmp_path):
    (tmp_path / "empty.wav").write_bytes(b"")
    (tmp_path / "text.wav").write_text("hello\n" * 100)
    (tmp_path / "header.wav").write_bytes(wav(tmp_path / "a.wav", noise(10)).read_bytes()[:30])
    assert "0 bytes" in refusal(tmp_path / "empty.wav")
    assert "0 bytes" in refusal(tmp_path / "empty.wav", raw=RawFormat("s16", 16_000))
    assert "wav, flac, ogg, mp3" in refusal(tmp_path / "text.wav")
    assert "data" in refusal(tmp_path / "header.wav")
    assert "no samples" in refusal(wav(tmp_path / "none.wav", noise(0)))
    sentence = refusal(tmp_path / "text.wav")
    assert sentence.count(str(tmp_path / "text.wav")) == 1


def test_rates_and_channels_out_of_range(tmp_path):
    assert "4000 Hz; have 8000 to 192000 Hz" in refusal(wav(tmp_path / "a.wav", noise(10), 4_000))
    assert "384000 Hz" in refusal(wav(tmp_path / "b.wav", noise(10), 384_000))
    assert "65 channels; have 1 to 64" in refusal(wav(tmp_path / "c.wav", noise(10, 65)))
    for wrong in (("u8", 16_000, 1), ("s16", 0, 1), ("s16", 16_000, 0), ("f32", 16_000, 65)):
        with pytest.raises(AudioError, match="; have "):
            RawFormat(*wrong)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers(tmp_path, value):
    sound = noise(48_000, 2)
    sound[36_000, 1] = value
    path = wav(tmp_path / "a.wav", sound, subtype="FLOAT")
    assert "at 2.250 s" in refusal(path)
    raw = tmp_path / "a.f32"
    raw.write_bytes(sound.astype("<f4").tobytes())
    assert "at 2.250 s" in refusal(raw, raw=RawFormat("f32", 16_000, 2))


def test_damaged_flac(tmp_path):
    path = wav(tmp_path / "a.flac", noise(30_000))
    path.write_bytes(path.read_bytes()[:20_000])
    assert "is damaged" in refusal(path)


def test_raw_bytes_that_do_not_divide(tmp_path):
    path = tmp_path / "a.pcm"
    path.write_bytes(bytes(1_001))
    assert "1001 bytes" in refusal(path, raw=RawFormat("s16", 16_000))
    path.write_bytes(bytes(1_002))
    assert "multiple of 4" in refusal(path, raw=RawFormat("s16", 16_000, 2))


def test_a_source_is_read_once(tmp_path):
    path = wav(tmp_path / "a.wav", noise(10))
    with open_audio(path) as source:
        with pytest.raises(ValueError, match="at least 1"):
            source.chunks(0)
        list(source.chunks())
        with pytest.raises(ValueError, match="open it again"):
            source.chunks()
    source.close()
    with open_audio(path) as source:
        pass
    with pytest.raises(ValueError, match="open it again"):
        source.chunks()


# -- pipes


def test_standard_input_raw():
    pcm = np.full(5_000, 16_384, "<i2").tobytes()
    raw = "RawFormat('s16', 16000)"
    assert piped(pcm, REPORT.format(raw=raw)) == "standard input 16000 None 5000 2500.0"
    assert "standard input holds 9999 bytes" in piped(pcm[:-1], REPORT.format(raw=raw))
    assert "no samples" in piped(b"", REPORT.format(raw=raw))


@pytest.mark.parametrize("name", ["a.wav", "a.flac"])
def test_standard_input_with_a_header(tmp_path, name):
    data = wav(tmp_path / name, np.full(5_000, 0.5, np.float32)).read_bytes()
    assert piped(data, REPORT.format(raw=None)) == "standard input 16000 5000 5000 2500.0"


def test_standard_input_that_is_no_sound():
    assert "standard input is empty" in piped(b"", REPORT.format(raw=None))
    assert "cannot read standard input as sound" in piped(b"hello" * 50, REPORT.format(raw=None))


def test_raw_pipe_flows_before_it_ends():
    """Samples come out while the writer still holds the pipe open."""
    program = (
        f"import sys; sys.path.insert(0, {SERVICE!r})\nfrom voxrig.audio import *\n"
        "for c in open_audio('-', raw=RawFormat('s16', 16000)).chunks(320):\n"
        "    print(c.start, len(c.samples), flush=True)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdin=-1, stdout=-1) as run:
        run.stdin.write(bytes(640))
        run.stdin.flush()
        assert run.stdout.readline().split() == [b"0", b"320"]
        run.stdin.close()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_named_pipe(tmp_path):
    data = wav(tmp_path / "a.wav", noise(2_000)).read_bytes()
    os.mkfifo(tmp_path / "pipe")
    writer = f"import sys; open({str(tmp_path / 'pipe')!r}, 'wb').write(sys.stdin.buffer.read())"
    with subprocess.Popen([sys.executable, "-c", writer], stdin=-1) as run:
        run.stdin.write(data)
        run.stdin.close()
        heard = read(tmp_path / "pipe").samples
    np.testing.assert_array_equal(heard, read(tmp_path / "a.wav").samples)


# -- long sound and small beginnings


@pytest.mark.skipif(sys.platform != "linux", reason="memory is counted in kB on Linux only")
def test_three_hours_stay_in_bounded_memory():
    """Raw silence that never exists as a whole takes less than 20 MB more than the program itself."""
    code = """
import io, resource
class Silence(io.RawIOBase):
    left = 3 * 3600 * 8000 * 2
    def readable(self): return True
    def readinto(self, b):
        n = min(len(b), self.left); self.left -= n; b[:n] = bytes(n); return n
class Input:
    buffer = io.BufferedReader(Silence())
    def isatty(self): return False
sys.stdin = Input()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with open_audio('-', raw=RawFormat('s16', 8000)) as s:
    n = sum(len(c.samples) for c in s.chunks())
print(n, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000)
"""
    assert piped(b"", code) == f"{3 * 3600 * 8000} True"


def test_importing_loads_no_decoder():
    assert piped(b"", "print('soundfile' in sys.modules, 'soxr' in sys.modules)") == "False False"


def test_microphone_without_its_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", None)  # as if not installed
    with pytest.raises(AudioError, match=r'pip install "voxrig\[mic\]"'):
        open_microphone()
    with pytest.raises(AudioError, match="have 8000 to 192000 Hz"):
        open_microphone(rate=100)
