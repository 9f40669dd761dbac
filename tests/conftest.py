"""What tests share: the tiny pack, the pack that ships, and a way to run the command line."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from sounds import TINY, VOXRIG

from voxrig.model import OnnxModel, load

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def tiny() -> OnnxModel:
    return load(TINY, "cpu")


@pytest.fixture(scope="session")
def speech() -> OnnxModel:
    """The pack that ships."""
    return load("live", "cpu")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs ``voxrig …`` in an empty folder, as a person would."""

    def voxrig(*args: str | Path, **options: object) -> subprocess.CompletedProcess[str]:
        command = [*VOXRIG, *map(str, args)]
        settings: dict[str, object] = {"cwd": tmp_path, "capture_output": True, "text": True, "timeout": 300}
        return subprocess.run(command, env=os.environ | {"COLUMNS": "200"}, **(settings | options))  # type: ignore[call-overload,no-any-return]

    return voxrig


@pytest.fixture
def networks() -> None:
    """Skips where the networks that find faces in photos are not installed."""
    pytest.importorskip("ai_edge_litert", reason="faces are found with ai-edge-litert")
    pytest.importorskip("numba", reason="portraits need numba")
    from voxrig.errors import ModelError
    from voxrig.render.portrait import models

    try:
        models.load()
    except ModelError as error:
        pytest.skip(str(error))
