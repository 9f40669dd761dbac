"""Packs: what a card must say, and the sentence for each thing that is wrong."""

from __future__ import annotations

import json
import shutil
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from sounds import TINY

from voxrig import model
from voxrig.errors import ModelError
from voxrig.model import OnnxModel, load, read_card
from voxrig.pack import runtime


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return Path(shutil.copytree(TINY, tmp_path / "pack"))


def rewrite(pack: Path, **changes: object) -> None:
    card = json.loads((pack / "card.json").read_text()) | changes
    (pack / "card.json").write_text(json.dumps({k: v for k, v in card.items() if v is not None}))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"version": 2}, "not a card of format voxrig-pack version 1"),
        ({"hop": None}, "missing key 'hop'"),
        ({"colour": "red"}, "unknown key 'colour'"),
        ({"hop": "320"}, "'hop' must be int, got '320'"),
        ({"rate": True}, "'rate' must be int"),
        ({"rig": "face"}, "unknown rig 'face'; have native"),
        ({"fps": [100, 0]}, "card.json"),
        ({"fps": [90, 1]}, "not a whole number of frames"),
        ({"rate": 0}, "must be positive"),
        ({"delay": -1}, "not negative"),
        ({"sha256": "0" * 64}, "card of another model"),
        ({"state": 5}, "'state' in model.onnx has 640 values, the card says 5"),
        ({"rig": "arkit"}, "'curves' in model.onnx has 110 values, the card says 52"),
        ({"styles": ["joy"]}, "'style' in model.onnx is missing"),
    ],
)
def test_a_wrong_card_is_told(pack: Path, changes: dict[str, object], sentence: str) -> None:
    rewrite(pack, **changes)
    with pytest.raises(ModelError, match=sentence) as told:
        load(pack, "cpu")
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("name", ["card.json", "model.onnx"])
def test_a_missing_file_is_told(pack: Path, name: str) -> None:
    (pack / name).unlink()
    with pytest.raises(ModelError, match=f"has no {name}"):
        load(pack, "cpu")


def test_what_is_not_a_pack_is_told(pack: Path) -> None:
    (pack / "card.json").write_text("{")
    with pytest.raises(ModelError, match="cannot be read"):
        load(pack, "cpu")
    with pytest.raises(ModelError, match="no model pack at 'nowhere'"):
        load("nowhere", "cpu")


def test_a_damaged_graph_is_one_line(pack: Path) -> None:
    import hashlib

    graph = (pack / "model.onnx").read_bytes()[:700]
    (pack / "model.onnx").write_bytes(graph)
    rewrite(pack, sha256=hashlib.sha256(graph).hexdigest())
    with pytest.raises(ModelError, match="does not run") as told:
        load(pack, "cpu")
    assert "\n" not in str(told.value)


def test_devices(pack: Path) -> None:
    with pytest.raises(ModelError, match="unknown device 'tpu'; have auto, cpu, gpu"):
        load(pack, "tpu")  # type: ignore[arg-type]
    assert load(pack, "auto").providers[-1] == "CPUExecutionProvider"
    if "CUDAExecutionProvider" not in runtime().get_available_providers():
        with pytest.raises(ModelError, match="no GPU for pack 'tiny'"):
            load(pack, "gpu")


@pytest.mark.parametrize(
    ("present", "sentence"),
    [((), "is missing; pip install"), (("onnxruntime", "onnxruntime-gpu"), "both installed and overwrite")],
)
def test_exactly_one_runtime(
    monkeypatch: pytest.MonkeyPatch, present: tuple[str, ...], sentence: str
) -> None:
    def version(name: str) -> str:
        if name in present:
            return "1"
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", version)
    if not present:
        monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    with pytest.raises(ModelError, match=sentence):
        runtime()


@pytest.mark.parametrize(("name", "lookahead"), [("file", 1.0), ("live", 0.080), ("fast", 0.020)])
def test_packs_that_ship_are_small_and_quick(name: str, lookahead: float) -> None:
    folder = model.find(name)
    card = read_card(folder)
    assert sum(f.stat().st_size for f in folder.iterdir()) <= 16 * 2**20
    assert card.name == name
    assert card.parameters <= 4_000_000
    assert card.lookahead <= lookahead * card.rate
    assert card.licence
    assert card.trained_on
    assert card.quality


def test_many_hops_at_once_equal_one_by_one(speech: OnnxModel) -> None:
    audio = (np.random.default_rng(0).normal(size=(2, 10 * 320)) * 0.1).astype(np.float32)
    style, states = np.zeros((2, 0), np.float32), [speech.initial_state()] * 2
    at_once, after = speech.step(audio, style, states)
    steps = []
    for i in range(10):
        values, states = speech.step(audio[:, 320 * i : 320 * i + 320], style, states)
        steps.append(values)
    np.testing.assert_allclose(np.concatenate(steps, 1), at_once, atol=1e-5)
    np.testing.assert_allclose(np.stack(states), np.stack(after), atol=1e-4)
