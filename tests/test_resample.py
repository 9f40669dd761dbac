"""Laws of the resampler: exact length, exact time, declared delay, and no trace of how input was cut."""

import doctest
import math

import numpy as np
import pytest

import voxrig.resample
from voxrig.resample import Resampler

RATES = (8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000, 192_000)
ODD = (16_001, 191_999)  # rates whose table of filter phases is shared
QUALITIES = ("live", "best")
EMPTY = np.zeros(0, np.float32)


def noise(n: int) -> np.ndarray:
    return (np.random.default_rng(n).standard_normal(n) * 0.1).astype(np.float32)


def tone(hz: float, rate: int, seconds: float) -> np.ndarray:
    return np.sin(2 * np.pi * hz * np.arange(round(rate * seconds)) / rate).astype(np.float32)


def whole(samples: np.ndarray, rate_in: int, rate_out: int, quality: str) -> np.ndarray:
    return Resampler(rate_in, rate_out, quality).push(samples, last=True)


def level(samples: np.ndarray) -> float:
    """dB relative to a full-scale tone, away from the ends."""
    middle = samples[len(samples) // 4 : -len(samples) // 4].astype(np.float64)
    return 10 * math.log10(2 * np.mean(middle**2) + 1e-30)


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize("rate", [*RATES, *ODD])
@pytest.mark.parametrize("size", [1, 17, 441, 800, 44_100])
def test_cutting_the_input_leaves_no_trace(rate, quality, size):
    sound = noise(3_000 if size == 1 else 30_011)
    stream = Resampler(rate, 16_000, quality)
    parts = [stream.push(sound[i : i + size]) for i in range(0, len(sound), size)]
    parts.append(stream.push(EMPTY, last=True))
    np.testing.assert_array_equal(np.concatenate(parts), whole(sound, rate, 16_000, quality))


@pytest.mark.parametrize("quality", QUALITIES)
def test_uneven_and_empty_pushes_leave_no_trace(quality):
    sound, stream = noise(50_000), Resampler(44_100, 16_000, quality)
    cuts = np.sort(np.random.default_rng(5).integers(0, len(sound), 400))  # some coincide
    parts = [stream.push(part) for part in np.split(sound, cuts)]
    parts.append(stream.push(EMPTY, last=True))
    np.testing.assert_array_equal(np.concatenate(parts), whole(sound, 44_100, 16_000, quality))


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize("rate_in", [*RATES, *ODD])
@pytest.mark.parametrize("rate_out", [8_000, 16_000, 24_000, 44_100, 48_000])
def test_n_samples_give_exactly_their_share(rate_in, rate_out, quality):
    for n in (0, 1, 2, 3, 100, 4_411):
        assert len(whole(noise(n), rate_in, rate_out, quality)) == -(-n * rate_out // rate_in)


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize("rate", [*RATES, *ODD])
def test_output_lies_where_the_input_was(rate, quality):
    """The phase of a 400 Hz tone, which measures time to a small part of an output sample."""
    out = whole(tone(400, rate, 0.5), rate, 16_000, quality)[2_000:6_000]
    angle = 2 * np.pi * 400 * np.arange(2_000, 6_000) / 16_000
    late = -np.arctan2(out @ np.cos(angle), out @ np.sin(angle)) / (2 * np.pi * 400) * 16_000
    assert abs(late) < 0.01  # output samples


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize("rate", RATES)
def test_an_impulse_stays_in_its_place(rate, quality):
    sound = np.zeros(rate // 2, np.float32)
    at = rate // 5  # 0.2 s, a whole number of samples at every rate
    sound[at] = 1
    assert np.argmax(whole(sound, rate, 16_000, quality)) == 3_200


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize("rate", [*RATES, *ODD])
def test_output_is_out_after_the_declared_delay(rate, quality):
    stream, made = Resampler(rate, 16_000, quality), 0
    step = max(1, rate // 8_000)  # about every eighth of a millisecond
    silence = np.zeros(step, np.float32)
    for pushed in range(step, rate // 2, step):
        made += len(stream.push(silence))
        # every output k with k / 16000 < pushed / rate - delay
        assert made * rate >= (pushed - stream.delay_samples) * 16_000
    assert stream.delay == stream.delay_samples / rate


@pytest.mark.parametrize("rate", [*RATES, *ODD])
def test_live_is_quick(rate):
    assert Resampler(rate, 16_000).delay <= (0.0019 if rate >= 16_000 else 0.0037)


@pytest.mark.parametrize("quality", QUALITIES)
def test_later_sound_never_changes_what_is_out(quality):
    sound = noise(9_600)
    early = Resampler(48_000, 16_000, quality).push(sound)
    later = whole(np.concatenate([sound, noise(4_800)]), 48_000, 16_000, quality)
    np.testing.assert_array_equal(early, later[: len(early)])


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize("rate", RATES)
def test_speech_band_passes(rate, quality):
    for hz in (100, 1_000, 3_500):
        assert abs(level(whole(tone(hz, rate, 0.5), rate, 16_000, quality))) < 0.1


@pytest.mark.parametrize(("quality", "db"), [("live", -70), ("best", -100)])
@pytest.mark.parametrize("hz", [8_400, 10_000, 15_000, 23_000])
def test_what_16_khz_cannot_hold_does_not_fold_back(quality, db, hz):
    assert level(whole(tone(hz, 48_000, 0.5), 48_000, 16_000, quality)) < db


def test_a_level_stays_that_level():
    out = whole(np.full(44_100, 0.5, np.float32), 44_100, 16_000, "live")
    np.testing.assert_allclose(out[100:-100], 0.5, atol=1e-6)


def test_equal_rates_pass_untouched():
    stream, sound = Resampler(16_000, 16_000), noise(100)
    assert stream.push(sound) is sound
    assert stream.delay == 0


def test_misuse_is_refused():
    stream = Resampler(48_000, 16_000)
    with pytest.raises(ValueError, match="float32"):
        stream.push(np.zeros(4))
    stream.push(EMPTY, last=True)
    with pytest.raises(ValueError, match="after the last push"):
        stream.push(EMPTY)
    with pytest.raises(ValueError, match="have live, best"):
        Resampler(48_000, 16_000, "good")
    with pytest.raises(ValueError, match="positive"):
        Resampler(0, 16_000)


def test_the_example_is_true():
    assert doctest.testmod(voxrig.resample).failed == 0
