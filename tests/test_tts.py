"""Local voices: what they say is heard as said, each at its own pitch."""

import numpy as np
import pytest

from voxrig import tts
from voxrig.errors import VoxrigError

pytest.importorskip("hibari", reason="needs the extra tts")


@pytest.fixture(scope="module")
def speaker() -> tts.Speaker:
    return tts.Speaker()


def pitch(samples: np.ndarray) -> float:
    """Median pitch in Hz of frames that repeat themselves."""
    found = []
    for at in range(0, len(samples) - 1200, 600):
        frame = samples[at : at + 1200]
        if np.abs(frame).max() > 0.05:
            alike = np.correlate(frame, frame, "full")[1199:]
            lag = 48 + int(alike[48:400].argmax())
            if alike[lag] > 0.5 * alike[0]:
                found.append(tts.RATE / lag)
    return float(np.median(found))


@pytest.mark.parametrize("voice", tts.VOICES)
def test_voices_speak_as_long_at_their_own_pitch(speaker: tts.Speaker, voice: str) -> None:
    text = "Who goes there, at this hour of the night?"
    usual, heard = speaker.say(text), speaker.say(text, voice)
    assert heard.rate == tts.RATE
    assert 0.05 < np.abs(heard.samples).max() <= 1.2
    assert len(heard.samples) == pytest.approx(len(usual.samples), rel=0.15)
    higher = 12 * np.log2(pitch(heard.samples) / pitch(usual.samples))
    assert higher == pytest.approx(tts.VOICES[voice].semitones, abs=1.5)


def test_speed_is_heard(speaker: tts.Speaker) -> None:
    slow, quick = (len(speaker.say("One two three four five.", speed=s).samples) for s in (0.7, 1.5))
    assert slow > 1.6 * quick


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"text": "Hello", "voice": "nobody"}, "unknown voice 'nobody'; have heart, oak, wren"),
        ({"text": "Hello", "speed": 9.0}, "speed is 9; it is 0.5 to 2"),
        ({"text": "a" * 3000}, "3000 characters; say at most 2000"),
        ({"text": " \n "}, "no words to say"),
    ],
)
def test_what_cannot_be_said_is_told(speaker: tts.Speaker, wrong: dict, sentence: str) -> None:
    with pytest.raises(VoxrigError, match=sentence):
        speaker.say(**wrong)


def test_without_a_voice_it_is_told_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tts, "find_spec", lambda name: None)
    with pytest.raises(VoxrigError, match=r"pip install 'voxrig\[tts\]'"):
        tts.Speaker()
