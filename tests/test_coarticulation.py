"""The articulatory teacher: what must touch touches, silence rests, shapes differ."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from voxrig.rigs import NATIVE
from voxrig.speech import articulators, coarticulation
from voxrig.speech.phones import PHONES, Phone, tidy
from voxrig_train import measures
from voxrig_train.lips import readings


def spoken(labels: str, length: float = 0.1) -> list[Phone]:
    """Phones of equal length between half a second of silence on either side."""
    names = labels.split()
    phones = [Phone(n, 0.5 + i * length, 0.5 + (i + 1) * length) for i, n in enumerate(names)]
    return tidy(phones, 1.0 + len(names) * length)


def lips(labels: str, length: float = 0.1) -> dict[str, np.ndarray]:
    phones = spoken(labels, length)
    return dict(readings(articulators.curves(coarticulation.targets(phones, round(phones[-1].end * 100)))))


@pytest.mark.parametrize("length", [0.04, 0.06, 0.1, 0.2])
@pytest.mark.parametrize("label", ["p", "b", "m"])
def test_lips_shut_however_short_the_sound(label: str, length: float) -> None:
    gap = lips(f"aa {label} aa", length)["gap"]
    middle = round((0.5 + 1.5 * length) * 100)
    assert gap[middle - 1 : middle + 2].min() == 0
    assert gap[round((0.5 + 0.4 * length) * 100)] > (4 if length > 0.05 else 1)


@pytest.mark.parametrize("label", ["f", "v"])
def test_lower_lip_meets_the_teeth_and_the_mouth_stays_open(label: str) -> None:
    read, middle = lips(f"aa {label} aa"), 65
    assert read["drop"][middle] < 1
    assert read["gap"][middle] > 0.5
    assert read["drop"][middle] < lips("aa t aa")["drop"][middle] - 2


def test_rounding_and_height_go_by_the_phone() -> None:
    round_ = {p: lips(p, 0.2)["rounding"][60] for p in ("uw", "w", "sh", "r", "iy", "s", "aa")}
    assert min(round_[p] for p in ("uw", "w", "sh", "r")) > 3 > 0 > max(round_[p] for p in ("iy", "s"))
    gaps = [lips(p, 0.2)["gap"][60] for p in ("iy", "eh", "aa")]
    assert gaps == sorted(gaps)


def test_rounding_begins_before_its_sound_and_silence_rests() -> None:
    values = articulators.curves(coarticulation.targets(spoken("t uw"), 120))
    pucker = values[:, NATIVE.index("mouthPucker")]
    assert pucker[58] > 0.1  # in the t
    assert np.abs(values[:40]).max() < 0.02
    assert np.abs(values[100:]).max() < 0.02


@pytest.mark.parametrize("label", PHONES)
def test_every_phone_has_a_target_in_range(label: str) -> None:
    out = coarticulation.targets(spoken(f"aa {label} iy"), 130)
    assert out.shape == (130, 12)
    assert (out >= 0).all()
    assert (out <= 1).all()


@pytest.mark.parametrize(
    ("label", "curve"),
    [
        ("l", "tongueTipUp"),
        ("t", "tongueTipUp"),
        ("n", "tongueTipUp"),
        ("th", "tongueOut"),
        ("k", "tongueUp"),
    ],
)
def test_the_tongue_moves(label: str, curve: str) -> None:
    values = articulators.curves(coarticulation.targets(spoken(f"aa {label} aa"), 130))
    assert values[65, NATIVE.index(curve)] > 0.3


def test_phones_tile_the_clip() -> None:
    phones = tidy([Phone("p", 0.2, 0.3), Phone("sil", 0.3, 0.4), Phone("aa", 0.5, 0.7)], 1.0)
    assert [p.label for p in phones] == ["sil", "p", "sil", "aa", "sil"]
    assert all(a.end == b.start for a, b in pairwise(phones))
    with pytest.raises(ValueError, match="unknown phone 'x'"):
        Phone("x", 0, 1)


def test_measures_know_good_from_bad() -> None:
    labels = "hh eh l ow m uw v p ay b iy f aa sh s t eh m aa b uw"
    phones = [spoken(labels), spoken(" ".join(reversed(labels.split())))]
    told = [articulators.curves(coarticulation.targets(p, round(p[-1].end * 100))) for p in phones]
    good = measures.measure(list(zip(phones, told, strict=True)))
    wrong = measures.measure(list(zip(phones, reversed(told), strict=True)))
    still = measures.measure([(p, np.zeros_like(t)) for p, t in zip(phones, told, strict=True)])
    assert good["pbm_f1"] == 1
    assert good["fv_auc"] > 0.95
    assert good["rest"] == 1
    assert wrong["pbm_f1"] < 0.6
    assert still["pbm_f1"] == 0
    assert abs(still["fv_auc"] - 0.5) < 0.01
    assert abs(still["open_rho"]) < 0.01


def test_auc_counts_ties_half() -> None:
    assert measures.auc([1, 2], [0, 1]) == 0.875
    assert np.isnan(measures.auc([], [1]))
