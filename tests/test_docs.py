"""What the documentation says holds: its links lead somewhere, its commands can be typed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from voxrig import idle, rigs, staging, style
from voxrig.cli import arguments as take
from voxrig.cli.main import _parser
from voxrig.cli.send import faces
from voxrig.errors import VoxrigError
from voxrig_bridge.receivers import address
from voxrig_export import format_for

ROOT = Path(__file__).parent.parent
HOMES = (ROOT / "docs", ROOT / "engine_bridges", ROOT / "samples")
PAGES = [ROOT / "README.md", *(page for home in HOMES for page in sorted(home.rglob("*.md")))]
PAGES = [page for page in PAGES if "node_modules" not in page.parts]

_BLOCK = re.compile(r"^ *```.*?^ *```|(?<=\n\n)(?: {4}[^\n]*\n)+", re.M | re.S)  # fenced, or four spaces deep
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_SPOKEN = re.compile(r"`voxrig ([a-z][^`]*)`")
_TYPED = re.compile(r"(?:^|[|&;])\s*voxrig [a-z-]")
_SHELL = re.compile(r"[|&;<>()]+")


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


def code(text: str) -> str:
    """The code of a page, without its fences."""
    return "\n".join(re.sub(r"^ *```.*$", "", block, flags=re.M) for block in _BLOCK.findall(text))


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as code hosts make them."""
    headings = re.findall(r"^#+ +(.+?)\s*$", _BLOCK.sub("", text), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands(shell: str) -> Iterator[list[str]]:
    """The words of each voxrig command in a shell's lines: of ``cat a | voxrig rigs  # all`` it is rigs."""
    for line in shell.replace("\\\n", " ").splitlines():
        if not _TYPED.search(line):
            continue
        lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>()")
        lexer.whitespace_split, lexer.commenters = True, "#"
        command: list[str] = []
        for word in [*lexer, ";"]:
            if not _SHELL.fullmatch(word):
                command.append(word)
                continue
            if command[:1] == ["voxrig"]:
                yield [word for word in command[1:] if word != "…"]
            command = []


def check(words: list[str]) -> None:
    """Raises SystemExit or VoxrigError where a command would be refused before any work."""
    args = _parser().parse_args(take.paces(["1" if word == "PORT" else word for word in words]))
    if "emotion" in args:
        style.score(args.emotion, style.check(take.base_style(args)))
        idle.parse(args.idle)
        assert not args.direct or not staging.direct(args.direct).unknown
    rigs.get(getattr(args, "rig", None) or "native")
    if args.verb in ("animate", "batch", "convert"):
        for name in (args.format or "csv").split(","):
            format_for("", name)
    urls = getattr(args, "urls", [])
    if args.verb == "send":
        urls = [url for face in faces(args.words) for url in face.urls]
    for url in urls:
        address(url)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_lead_somewhere(page: Path) -> None:
    for link in _LINK.findall(_BLOCK.sub("", page.read_text())):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{link} leads nowhere"
        assert not anchor or anchor in anchors(target.read_text()), f"{link}: no such heading"


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_commands_can_be_typed(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = page.read_text()
    for words in commands(code(text)):
        try:
            check(words)
        except (SystemExit, VoxrigError) as error:
            pytest.fail(f"voxrig {' '.join(words)}: {capsys.readouterr().err or error}")
    for module in re.findall(r"python3? -m (voxrig_train[\w.]*)", text):
        assert find_spec(module), f"there is no {module}"


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_verbs_and_options_in_sentences_exist(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in _SPOKEN.findall(_BLOCK.sub("", page.read_text())):
        verb = words.split()[0]
        with pytest.raises(SystemExit) as ended:
            _parser().parse_args([verb, "--help"])
        told = capsys.readouterr()
        assert ended.value.code == 0, told.err
        for option in re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*", words):
            assert re.search(rf"{option}(?![\w-])", told.out), f"voxrig {verb} has no {option}"


def test_every_page_is_in_the_contents() -> None:
    docs = ROOT / "docs"
    links = _LINK.findall((docs / "index.md").read_text())
    listed = {(docs / link.partition("#")[0]).resolve() for link in links}
    assert set(docs.rglob("*.md")) - {docs / "index.md"} <= listed


def test_commands_are_found_and_checked() -> None:
    shell = "cat a | voxrig rigs  # all\nvoxrig send a.wav \\\n  'vmc://x?names=vrm0' &\nx = voxrig.rigs"
    assert list(commands(shell)) == [["rigs"], ["send", "a.wav", "vmc://x?names=vrm0"]]
    for wrong in (
        "animate a.wav",
        "rigs --loud",
        "send a.wav vmc://x?name=y",
        "send a.wav vmc://x --idle nose",
    ):
        with pytest.raises((SystemExit, VoxrigError)):
            check(wrong.split())
    assert anchors("# Ada's *first* steps\n") == {"adas-first-steps"}
    both = code("a\n\n    voxrig rigs\n\n```\nvoxrig info\n```\n")
    assert list(commands(both)) == [["rigs"], ["info"]]
