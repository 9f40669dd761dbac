"""The house itself: imports point one way, the command line starts light, examples in docstrings hold."""

from __future__ import annotations

import ast
import doctest
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HOMES = {
    "voxrig": ROOT / "service",
    "voxrig_export": ROOT / "exporters",
    "voxrig_bridge": ROOT / "engine_bridges",
    "voxrig_train": ROOT / "training",
}
ALLOWED = {
    "voxrig": {"voxrig"},
    "voxrig_export": {
        "voxrig_export",
        "voxrig.types",
        "voxrig.errors",
        "voxrig.rigs",
        "voxrig.speech",
        "voxrig.avatar",
    },
    "voxrig_bridge": {"voxrig_bridge", "voxrig.types", "voxrig.errors", "voxrig.rigs", "voxrig.idle"},
    "voxrig_train": {"voxrig_train", "voxrig"},
}


def imports(path: Path) -> set[str]:
    """Modules of the house that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module in HOMES:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(node.module or "")
    return {name for name in found if name.split(".")[0] in HOMES or name.startswith("torch")}


@pytest.mark.parametrize("package", HOMES)
def test_imports_point_one_way(package: str) -> None:
    for path in (HOMES[package] / package).rglob("*.py"):
        allowed = set(ALLOWED[package])
        if package == "voxrig_train" or path.stem.startswith("cuda"):  # kernels of a GPU run on its tensors
            allowed |= {"torch"}
        if path.parent.name == "cli":  # the one place that sees all
            allowed |= {"voxrig_export", "voxrig_bridge"}
        if path.parent.name == "studio":  # a whole service: files, links, and messages of pages
            allowed |= {"voxrig_export", "voxrig_bridge"}
        if path.parent.name == "rpc":  # the messages of a protocol, of which the service is one end
            allowed |= {"voxrig_bridge.web", "voxrig_bridge.door"}
        for name in imports(path):
            assert any(name == a or name.startswith(a + ".") for a in allowed), f"{path} imports {name}"


def test_help_needs_no_numpy() -> None:
    code = (
        "import sys; from voxrig.cli.main import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print('numpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("False\n")


@pytest.mark.parametrize("name", ["voxrig.resample", "voxrig.rigs.table", "voxrig.rigs.maps"])
def test_examples_in_docstrings_hold(name: str) -> None:
    module = importlib.import_module(name)
    import numpy

    failed, tried = doctest.testmod(module, extraglobs={"np": numpy})
    assert failed == 0
    assert tried > 0 or name == "voxrig.rigs.maps"


def test_help_names_emotions_and_speakers() -> None:
    from voxrig import style
    from voxrig.cli import arguments

    assert arguments.EMOTIONS.split(", ") == list(style.EMOTIONS)
    assert arguments.SPEAKERS.split(", ") == list(style.SPEAKERS)


def test_public_names_load() -> None:
    import voxrig

    for name in voxrig.__all__:
        assert getattr(voxrig, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'animation'"):
        _ = voxrig.animation  # type: ignore[attr-defined]


def test_files_stay_short() -> None:
    for home in HOMES.values():
        for path in home.rglob("*.py"):
            assert len(path.read_text().splitlines()) <= 500, path
