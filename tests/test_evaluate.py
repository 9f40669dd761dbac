"""Measures know good mouths from bad, delays are found and told, and labels read alike from every format."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("scipy", reason="the extra train is not installed")

import soundfile
from conftest import Run
from sounds import TINY

from voxrig.errors import AudioError, TextError, VoxrigError
from voxrig.rigs import NATIVE
from voxrig.speech.phones import Phone, tidy
from voxrig.types import AudioChunk, Frames
from voxrig_train import evaluate, labels, measures, peers, scores
from voxrig_train.labels import Labelled
from voxrig_train.scores import Told, score

SYLLABLES = """m aa|b iy|p uw|f ay|v ow|s eh|sh aa|t ae|d uw|k ao|g iy|n ey|l aw|r ah|w ih|th er|ch uh|y uw
 z aa|hh oy|jh ae|ng iy""".replace("\n", "|").split("|")


def clip(seed: int, syllables: int = 24) -> Labelled:
    """Random syllables between silences, with sound that is loud in vowels."""
    rng = np.random.default_rng(seed)
    phones, at = [], 0.4
    for name in " ".join(rng.permutation(SYLLABLES)[:syllables]).split():
        length = float(rng.uniform(0.07, 0.12))
        phones.append(Phone(name, at, at + length))
        at += length
    tiled = tidy(phones, at + 0.4)
    vowels = [p for p in tiled if p.label in measures.VOWELS]
    t = np.arange(round(tiled[-1].end * 16000)) / 16000
    loud = np.any([(t >= p.start) & (t < p.end) for p in vowels], axis=0) * 0.3
    sound = AudioChunk((rng.normal(size=len(t)) * loud * 0.3).astype(np.float32), 16000)
    return Labelled(f"c{seed}", f"s{seed % 3}", tuple(tiled), sound)


@pytest.fixture(scope="module")
def clips() -> list[Labelled]:
    return [clip(seed) for seed in range(6)]


def told(clips: list[Labelled], tell: Callable[[Labelled], Frames]) -> list[Told]:
    return [Told(c.speaker, c.phones, tell(c)) for c in clips]


def delayed(frames: Frames, by: int) -> Frames:
    values = np.concatenate([np.repeat(frames.values[:1], by, 0), frames.values])[: len(frames)]
    return Frames(frames.rig, values, frames.fps)


def test_the_labels_themselves_beat_every_control(clips: list[Labelled]) -> None:
    found = evaluate.evaluate(clips, peers.controls(clips))
    best = {name: s.values["score"] for name, s in found.items()}
    assert list(best) == ["oracle", "amplitude", "shuffled", "still"]
    assert best["oracle"] > 85
    assert max(best["amplitude"], best["shuffled"]) < 45
    assert 10 < best["still"] < 20
    oracle, still = found["oracle"].values, found["still"].values
    assert oracle["pbm_f1"] == oracle["pbm_recall"] == oracle["rest"] == 1
    assert min(oracle["fv_auc"], oracle["round_auc"]) > 0.9
    assert (still["pbm_f1"], still["fv_auc"], still["round_auc"]) == (0, 0.5, 0.5)
    assert still["probe"] == pytest.approx(1 / 14, abs=0.02)
    low, high = found["oracle"].intervals["score"]
    assert low <= oracle["score"] <= high
    assert 0 < high - low < 20


def test_a_delay_is_told_and_costs_only_who_cannot_wait(clips: list[Labelled]) -> None:
    plain = score(told(clips, peers.oracle), draws=0).values
    late = score(told(clips, lambda c: delayed(peers.oracle(c), 12)), draws=0).values
    stamped = score(told(clips, peers.oracle), latency=0.12, draws=0).values
    assert late["score"] == pytest.approx(plain["score"], abs=1.5)
    assert late["lag_ms"] - plain["lag_ms"] == pytest.approx(120, abs=2)
    assert late["score_live"] < plain["score_live"] - 20
    assert late["pbm_f1_live"] < plain["pbm_f1_live"] - 0.2
    for name in ("score", "score_live", "lag_ms", "pbm_f1_live"):
        assert stamped[name] == pytest.approx(late[name], abs=0.01), name
    assert stamped["sync_ms"] == pytest.approx(plain["lag_ms"], abs=1)
    assert late["sync_ms"] == late["lag_ms"]


def test_how_far_a_mouth_opens_and_at_what_rate_does_not_matter(clips: list[Labelled]) -> None:
    plain = score(told(clips, peers.oracle), draws=0).values
    small = score(told(clips, lambda c: scaled(peers.oracle(c), 0.5)), draws=0).values
    assert small["range_mm"] == pytest.approx(plain["range_mm"] / 2, rel=1e-3)
    for name in ("score", "score_live", "pbm_f1", "fv_auc", "round_auc", "open_rho", "rest", "lag_ms"):
        assert small[name] == pytest.approx(plain[name], abs=0.01), name
    slow = score(told(clips, lambda c: halved(peers.oracle(c))), draws=0).values
    assert slow["score"] == pytest.approx(plain["score"], abs=3)


def scaled(frames: Frames, by: float) -> Frames:
    return Frames(frames.rig, frames.values * np.float32(by), frames.fps)


def halved(frames: Frames) -> Frames:
    return Frames(frames.rig, frames.values[::2], frames.fps / 2)


def test_what_clips_cannot_show_is_left_out() -> None:
    vowels = tuple(tidy([Phone("t", 0.5, 0.6), Phone("aa", 0.6, 0.8), Phone("iy", 0.8, 1.0)], 1.5))
    one = Labelled("a", "s", vowels, AudioChunk(np.zeros(24000, np.float32), 16000))
    found = score(told([one], peers.oracle), draws=3)
    assert np.isnan(found.values["pbm_f1"])
    assert np.isnan(found.values["fv_auc"])
    assert found.values["score"] > 50
    assert evaluate._cell(found, "pbm F1", "pbm_f1", 2) == "–"


def test_an_opening_turns_once_and_shaking_counts() -> None:
    t = np.arange(100) / 100
    assert measures._turns(np.sin(np.pi * t)) == 2  # it starts, and it turns
    assert measures._turns(np.sin(np.pi * t) + 0.02 * np.sin(60 * t)) == 2
    assert measures._turns(0.1 * np.sin(2 * np.pi * 5 * t)) == 11


def test_noise_and_gain_are_what_was_asked_for(clips: list[Labelled]) -> None:
    (loud,) = evaluate.altered(clips[:1], None, -30)
    assert evaluate._level(loud.sound.samples, 16000) == pytest.approx(-30, abs=0.1)
    (noisy,) = evaluate.altered(clips[:1], 10, -30)
    added = noisy.sound.samples - loud.sound.samples
    assert 10 * np.log10(np.mean(added**2)) == pytest.approx(-40, abs=0.2)
    spectrum = np.abs(np.fft.rfft(added)) ** 2
    octaves = [spectrum[k : 2 * k].sum() for k in (len(added) // 64, len(added) // 16, len(added) // 8)]
    assert max(octaves) / min(octaves) < 1.3
    (same,) = evaluate.altered(clips[:1], None, None)
    assert np.array_equal(same.sound.samples, clips[0].sound.samples)


# What a person wrote in Praat: a p with its closure, vowels, a fricative.
TIMES = [
    (0.0, 0.2, ""),
    (0.2, 0.3, "p"),
    (0.3, 0.45, "aa"),
    (0.45, 0.6, "sh"),
    (0.6, 0.75, "iy"),
    (0.75, 1, ""),
]
HEAD = 'File type = "ooTextFile"\nObject class = "TextGrid"\n\n'
WORDS = [(0.0, 0.2, ""), (0.2, 0.45, "pa"), (0.45, 1.0, 'she "said"')]


def long_grid(rows: list[tuple[float, float, str]], name: str = "phones") -> str:
    out = f"{HEAD}xmin = 0\nxmax = 1\ntiers? <exists>\nsize = 2\nitem []:\n"
    for i, (title, told) in enumerate((("words", WORDS), (name, rows)), 1):
        out += f'    item [{i}]:\n        class = "IntervalTier"\n        name = "{title}"\n'
        out += f"        xmin = 0\n        xmax = 1\n        intervals: size = {len(told)}\n"
        for k, (start, end, text) in enumerate(told, 1):
            out += f"        intervals [{k}]:\n            xmin = {start}\n            xmax = {end}\n"
            out += '            text = "{}"\n'.format(text.replace('"', '""'))
    return out


def short_grid(rows: list[tuple[float, float, str]]) -> str:
    out = f'{HEAD}0\n1\n<exists>\n2\n"TextTier"\n"bells"\n0\n1\n1\n0.5\n"ding"\n'
    out += f'"IntervalTier"\n"MAU"\n0\n1\n{len(rows)}\n'
    return out + "".join(f'{start}\n{end}\n"{text}"\n' for start, end, text in rows)


def phn(rows: list[tuple[float, float, str]]) -> str:
    return "".join(f"{round(a * 16000)} {round(b * 16000)} {text or 'h#'}\n" for a, b, text in rows)


def lab(rows: list[tuple[float, float, str]]) -> str:
    return "".join(f"{a}\t{b}\t{text or 'sil'}\n" for a, b, text in rows)


ROWS = [(a, b, text.upper() + "1" * (text in ("aa", "iy"))) for a, b, text in TIMES]
TIMIT = [(0.0, 0.2, "h#"), (0.2, 0.27, "pcl"), (0.27, 0.3, "p"), *TIMES[2:]]
IPA = [(a, b, {"p": "pʰ", "aa": "ˈɑː", "sh": "ʃ", "iy": "i"}.get(text, text)) for a, b, text in TIMES]


def folder(root: Path, name: str, text: str | bytes, speaker: str = "ada") -> Path:
    (root / speaker).mkdir(exist_ok=True)
    soundfile.write(root / speaker / "one.wav", np.zeros(16000), 16000)
    path = root / speaker / f"one{name}"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return root


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (".TextGrid", long_grid(ROWS)),
        (".TextGrid", long_grid(IPA, "phonetic")),
        (".TextGrid", "\ufeff".encode("utf-16-le") + long_grid(IPA).encode("utf-16-le")),
        (".TextGrid", short_grid(TIMES)),
        (".phn", phn(TIMIT)),
        (".PHN", phn(TIMES)),
        (".lab", lab(ROWS)),
    ],
)
def test_every_format_tells_the_same_phones(tmp_path: Path, name: str, text: str | bytes) -> None:
    (found,) = labels.read(folder(tmp_path, name, text))
    assert [p.label for p in found.phones] == ["sil", "p", "aa", "sh", "iy", "sil"]
    np.testing.assert_allclose([p.end for p in found.phones], [b for _, b, _ in TIMES], atol=1e-3)
    assert (found.name, found.speaker, found.sound.rate) == ("one", "ada", 16000)
    if isinstance(text, str) and '"words"' in text:
        assert found.text == 'pa she "said"'


def test_words_come_from_a_text_file_and_sounds_may_share_a_label(tmp_path: Path) -> None:
    folder(tmp_path, ".txt", "0 16000 She said.\n")
    (found,) = labels.read(folder(tmp_path, ".lab", "0.2 0.4 ɲ\n0.4 0.6 œ\n0.6 0.8 tʃ\n"))
    assert found.text == "She said."
    assert [(p.label, round(p.end, 3)) for p in found.phones[1:4]] == [("n", 0.3), ("y", 0.4), ("er", 0.6)]
    assert found.phones[4].label == "ch"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (".lab", "0 0.2 sil\n0.2 0.4 aa\n0.4 0.5 xx9\n", "one.lab, line 3: unknown phone label 'xx9'; have"),
        (".lab", "0 0.2 sil\n0.2 aa\n", "one.lab, line 2: '0.2 aa' is not START END LABEL"),
        (".lab", "0 0.4 aa\n0.3 0.5 t\n", "one.lab, line 2: 't' from 0.3 to 0.5 s ends early, or overlaps"),
        (".lab", "0 0.4 aa\n0.4 10.5 t\n", "labels end at 10.50 s, the sound at 1.00 s"),
        (".lab", "0 1 sil\n", "no speech is labelled"),
        (".lab", b"\xff\x00\xfe", "neither UTF-8 nor UTF-16"),
        (".TextGrid", long_grid(ROWS, "tones"), "no tier phones, phone, phonetic, mau; have words, tones"),
        (".TextGrid", long_grid(ROWS)[:-200], "cut short"),
        (
            ".TextGrid",
            long_grid(ROWS).replace("0.45", "x", 1),
            "one.TextGrid, line 22: '\"pa\"' is not a number",
        ),
        (".TextGrid", "0 1 aa\n", "one.TextGrid, line 1: '0' is not a string"),
        (".TextGrid", long_grid([(0.2, 0.4, "Q7")]), "one.TextGrid, line 36: unknown phone label 'Q7'"),
        (".phn", "0 3200 h#\n3200 9000 bogus\n", "one.phn, line 2: unknown phone label 'bogus'"),
    ],
)
def test_bad_labels_are_named_by_line(tmp_path: Path, name: str, text: str | bytes, said: str) -> None:
    with pytest.raises(TextError) as error:
        labels.read(folder(tmp_path, name, text))
    assert said in str(error.value)


def test_a_tier_may_be_named_and_nothing_labelled_is_an_error(tmp_path: Path) -> None:
    (found,) = labels.read(folder(tmp_path, ".TextGrid", long_grid(ROWS, "hand")), tier="Hand")
    assert len(found.phones) == 6
    with pytest.raises(AudioError, match="no labelled clips"):
        labels.read(_empty(tmp_path))
    with pytest.raises(AudioError, match="no such folder"):
        labels.read(tmp_path / "nowhere")


def _empty(root: Path) -> Path:
    (root / "ada" / "one.TextGrid").unlink()
    return root


def test_a_world_reads_as_a_folder_does(tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    soundfile.write(tmp_path / "clips" / "a.flac", np.zeros(16000), 16000)
    row = {"id": "a", "speaker": "s", "text": "pa", "source": "test", "licence": "CC0"}
    row |= {"seconds": 1, "score": 0}
    phones = [("sil", 0, 0.2), ("p", 0.2, 0.4), ("aa", 0.4, 1)]
    (tmp_path / "clips.jsonl").write_text(json.dumps(row | {"phones": phones}) + "\n")
    (found,) = labels.read(tmp_path)
    assert (found.text, found.speaker, len(found.phones)) == ("pa", "s", 3)
    (tmp_path / "clips.jsonl").write_text("{\n")
    with pytest.raises(TextError, match=r"clips\.jsonl"):
        labels.read(tmp_path)


def test_rhubarb_is_asked_for_shapes_and_faded(tmp_path: Path, clips: list[Labelled]) -> None:
    program = tmp_path / "rhubarb"
    to_out = '#!/bin/sh\nwhile [ "$1" != -o ]; do shift; done\n'
    program.write_text(to_out + 'printf "0.00\\tX\\n1.00\\tD\\n" > "$2"\n')
    program.chmod(0o755)
    jaw = peers.rhubarb(clips[0], str(program)).curve("jawOpen")
    assert jaw[:97].max() == 0
    assert jaw[103:].min() == jaw.max() > 0.5
    assert 0 < jaw[99] < jaw[101] < jaw.max()
    program.write_text("#!/bin/sh\necho no sound >&2; exit 3\n")
    with pytest.raises(VoxrigError, match="rhubarb failed on c0: no sound"):
        peers.rhubarb(clips[0], str(program))


def test_systems_are_packs_in_modes() -> None:
    assert [s.name for s in evaluate.ours([str(TINY)], ["live"], 16000)] == ["live pack"]
    assert evaluate.ours([str(TINY)], ["live"], 16000)[0].latency > 0
    with pytest.raises(VoxrigError, match="unknown mode 'slow'; have live"):
        evaluate.ours([], ["slow"], 16000)


def test_the_verb_prints_a_row_a_system_and_keeps_everything(tmp_path: Path, run: Run) -> None:
    for seed in range(2):
        made = clip(seed, 14)
        rows = [(p.start, p.end, p.label) for p in made.phones]
        folder(tmp_path, ".lab", lab(rows), made.speaker)
        soundfile.write(tmp_path / made.speaker / "one.wav", made.sound.samples, 16000)
    said = ("evaluate", tmp_path, "--no-peers", "--gain", "-25", "--out", "all.json")
    done = run(*said, "--pack", TINY, "--mode", "live")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("2 clips, 2 speakers")
    assert lines[1].split("  ")[-1].strip() == "lag ms"
    assert [line.split()[0] for line in lines[2:7]] == ["live", "oracle", "amplitude", "shuffled", "still"]
    kept = json.loads((tmp_path / "all.json").read_text())
    assert set(kept["systems"]["oracle"]) == {"measures", "intervals", "draws"}
    assert kept["gain_dbfs"] == -25
    failed = run("evaluate", tmp_path / "none")
    assert failed.returncode == 2
    assert len(failed.stderr.splitlines()) == 1


def test_frames_of_any_start_lie_where_they_belong(clips: list[Labelled]) -> None:
    whole = peers.oracle(clips[0])
    later = Frames(NATIVE, whole.values[30:], Fraction(100), 30)
    one = Told("s", clips[0].phones, whole)
    np.testing.assert_allclose(
        scores._on_grid(replace(one, frames=later), 0)[30:], scores._on_grid(one, 0)[30:], atol=1e-6
    )
