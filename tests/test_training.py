"""The loop in small: excerpts, a few steps that learn, a graph that equals the network."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra train is not installed")

import soundfile
import torch

from voxrig.model import load
from voxrig_train import corpus, export, train
from voxrig_train.network import FILE, HOP, LIVE, PLANS, Network, Plan


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """Four speakers whose vowels are loud hums and whose lips close on silence."""
    rng = np.random.default_rng(0)
    (tmp_path / "clips").mkdir()
    rows = []
    for i in range(8):
        phones, parts, at = [], [], 0.0
        for k in range(30):
            label, length = (("aa", 0.15) if k % 2 else ("m", 0.1)) if 0 < k < 29 else ("sil", 0.3)
            t = np.arange(int(length * 16000)) / 16000
            parts.append(
                {"aa": 0.3, "m": 0.1, "sil": 0.0}[label]
                * np.sin(2 * np.pi * (140 + 20 * i) * t) ** (7 if label == "aa" else 1)
            )
            phones.append((label, round(at, 4), round(at + length, 4)))
            at += length
        sound = np.concatenate(parts) + rng.normal(size=sum(map(len, parts))) * 1e-3
        soundfile.write(tmp_path / "clips" / f"c{i}.flac", sound, 16000)
        rows.append(
            {"id": f"c{i}", "speaker": f"s{i}", "text": "ma", "source": "test", "licence": "CC0"}
            | {"seconds": at, "score": 0.0, "phones": phones}
        )
    (tmp_path / "clips.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    return tmp_path


def test_excerpts_are_reproducible_finite_and_in_range(world: Path) -> None:
    items = corpus.load([world])
    assert len(items) == 8
    one, two = (corpus.Excerpts(items, 5).batch(6) for _ in range(2))
    for a, b in zip(one, two, strict=True):
        assert np.array_equal(a, b)
    audio, targets, labels = one
    assert audio.shape == (6, 96000)
    assert targets.shape == (6, 600, 12)
    assert labels.shape == (6, 600)
    assert np.isfinite(audio).all()
    assert np.abs(audio).max() <= 1


@pytest.mark.parametrize(("plan", "head"), [("live", 0), ("live", 1), ("file", 0)])
def test_a_few_steps_learn_and_the_pack_equals_the_network(
    world: Path, tmp_path: Path, plan: str, head: int
) -> None:
    torch.manual_seed(1)
    items = corpus.load([world])
    fresh = Network(PLANS[plan])
    early = train.measure(train.train(copy.deepcopy(fresh), items, 2, 1, 2, 2e-3), items)
    network = train.train(fresh, items, 25, 1, 2, 2e-3)
    assert train.measure(network, items)["total"] < 0.9 * early["total"]
    checkpoint = tmp_path / "net.pt"
    saved = {"plan": plan, "weights": network.state_dict(), "trained_on": train.ingredients(items)}
    torch.save(saved, checkpoint)
    same, trained_on = export.load(checkpoint)
    assert trained_on[0].startswith("CC0: people reading, ")
    export.pack(same, tmp_path / "pack", trained_on, {}, head)
    model = load(tmp_path / "pack", "cpu")
    audio = (np.random.default_rng(1).normal(size=(3, 4 * HOP)) * 0.1).astype(np.float32)
    told, _ = model.step(audio, np.zeros((3, 0), np.float32), [model.initial_state()] * 3)
    with torch.no_grad():
        want, _, _ = same.step(torch.from_numpy(audio), same.start(3, head), head)
    np.testing.assert_allclose(told, want.numpy(), atol=1e-4)


def test_a_plan_that_sees_ahead_goes_on_from_one_that_does_not(tmp_path: Path) -> None:
    torch.manual_seed(4)
    live, file = Network(LIVE).eval(), Network(FILE).eval()
    with torch.no_grad():
        for block in live.blocks:
            block.taps.weight[0] = 0  # what would be forgotten
    torch.save({"plan": "live", "weights": live.state_dict(), "trained_on": []}, tmp_path / "live.pt")
    train.go_on(file, tmp_path / "live.pt")
    audio = torch.randn(1, 100 * HOP) * 0.1
    with torch.no_grad():
        early, late = (n(audio, torch.zeros(1, n.state_size), [0])[0][0][1] for n in (live, file))
    # The same phones, later by what the blocks see ahead.
    shift = 2 * sum(FILE.dilations)
    torch.testing.assert_close(late[:, 120 + shift :], early[:, 120:-shift], atol=2e-3, rtol=0)
    again = Network(LIVE)
    train.go_on(again, tmp_path / "live.pt")
    assert all(torch.equal(a, b) for a, b in zip(again.parameters(), live.parameters(), strict=True))


@pytest.mark.parametrize("plan", [LIVE, FILE], ids=["live", "file"])
def test_the_network_is_causal_and_keeps_its_state(plan: Plan) -> None:
    torch.manual_seed(0)
    network = Network(plan).eval()
    audio = torch.randn(2, 20 * HOP) * 0.1
    state = torch.zeros(2, network.state_size)
    with torch.no_grad():
        whole, _, end = network.step(audio, state)
        other = audio.clone()
        other[:, 10 * HOP :] = 0
        assert torch.equal(network.step(other, state)[0][:, :20], whole[:, :20])
        parts = []
        for i in range(20):
            told, _, state = network.step(audio[:, i * HOP : (i + 1) * HOP], state)
            parts.append(told)
    torch.testing.assert_close(torch.cat(parts, 1), whole, atol=1e-4, rtol=0)
    torch.testing.assert_close(state, end, atol=1e-4, rtol=0)
