"""A dialogue as a file: who says what, how, and where it goes. README.md tells the format.

A file that loads can be played: every node that is named is there, and from every node there is a way out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voxrig.errors import StyleError, VoxrigError, one_line, unknown
from voxrig.staging import direct

RESUME = "resume"
"""As ``next`` of a reaction: back into the line that was interrupted, from the word that was cut."""
WITH_BRAIN = "brain"
"""Is set where somebody can answer freely."""


@dataclass(frozen=True)
class Actor:
    """An NPC."""

    name: str
    voice: str
    interrupted: str
    """Node of its reaction; empty is none."""
    sees: Mapping[str, float]
    """Radians to its own right at which it sees another actor; the player is straight ahead."""


@dataclass(frozen=True)
class Choice:
    """Something the player may say."""

    text: str
    next: str
    condition: str
    """A flag that is set, ``!flag`` one that is not; empty is always."""

    def open(self, flags: set[str]) -> bool:
        """Whether the player is offered this."""
        return not self.condition or (self.condition.lstrip("!") in flags) != self.condition.startswith("!")


@dataclass(frozen=True)
class Node:
    """A line, and where it goes; or with a ``persona``, a free conversation."""

    name: str
    speaker: str
    text: str
    direction: str
    """A director's words, as ``voxrig animate --direct`` takes them."""
    to: str
    """The actor who is spoken to; empty is the player."""
    next: str
    choices: tuple[Choice, ...]
    interrupted: str
    sets: str
    persona: str

    @property
    def ways(self) -> Iterator[str]:
        """Nodes that may come after, the likeliest first."""
        yield from filter(None, (self.next, *(choice.next for choice in self.choices), self.interrupted))


@dataclass(frozen=True)
class Graph:
    """A dialogue."""

    actors: Mapping[str, Actor]
    nodes: Mapping[str, Node]
    start: str

    def reaction(self, node: Node) -> str:
        """Where an interruption leads; empty is nowhere. A reaction that is cut has none of its own."""
        wanted = node.interrupted or self.actors[node.speaker].interrupted
        return "" if node.next == RESUME or wanted == node.name else wanted


def load(path: str | Path) -> Graph:
    """Reads and checks a file. Raises VoxrigError."""
    try:
        return read(json.loads(Path(path).read_text(encoding="utf-8")))
    except OSError as error:
        raise VoxrigError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise VoxrigError(f"{path} is no JSON: {one_line(str(error))}") from error
    except VoxrigError as error:
        raise VoxrigError(f"{path}: {error}") from error


def read(told: Any) -> Graph:
    """A graph from parsed JSON. Raises VoxrigError."""
    whole = _Table(told, "the dialogue", {"cast": {}, "start": "", "nodes": {}})
    actors = {}
    for name, entry in whole.cast.items():
        one = _Table(entry, f"actor '{name}'", {"voice": "heart", "interrupted": "", "sees": {}})
        actors[name] = Actor(name, one.voice, one.interrupted, one.sees)
    nodes = {name: _node(name, entry) for name, entry in whole.nodes.items()}
    graph = Graph(actors, nodes, whole.start)
    _check(graph)
    return graph


def _node(name: str, told: Any) -> Node:
    where = f"node '{name}'"
    one = _Table(told, where, _NODE)
    choices = []
    for i, entry in enumerate(one.choices, 1):
        choice = _Table(entry, f"choice {i} of {where}", {"text": "", "next": "", "if": ""})
        if not choice.text.strip() or not choice.next:
            raise VoxrigError(f"choice {i} of {where} lacks its text or its next")
        choices.append(Choice(choice.text, choice.next, choice["if"]))
    told = {key: one[key] for key in _NODE if key not in ("choices", "set")}
    return Node(name=name, **told, choices=tuple(choices), sets=one["set"])


def _check(graph: Graph) -> None:
    """Raises VoxrigError on what could not be played."""
    nodes, actors = graph.nodes, graph.actors
    if not nodes or not actors:
        raise VoxrigError("a dialogue has a cast and nodes")
    if RESUME in nodes:
        raise VoxrigError(f"a node is named '{RESUME}', which stands for the line that was interrupted")
    _known("start", graph.start, nodes)
    for actor in actors.values():
        if actor.interrupted:
            _known(f"interrupted of actor '{actor.name}'", actor.interrupted, nodes)
        for seen, yaw in actor.sees.items():
            _known(f"actor in sees of '{actor.name}'", seen, actors)
            if type(yaw) not in (int, float) or not -1.5 <= yaw <= 1.5:
                raise VoxrigError(f"actor '{actor.name}' sees '{seen}' at {yaw}; write -1.5 to 1.5 radians")
    flags = {node.sets for node in nodes.values()} | {WITH_BRAIN}
    for node in nodes.values():
        _check_node(node, graph, flags)
    stuck = set(nodes) - _with_exit(nodes)
    if stuck:
        raise VoxrigError(
            f"nodes {', '.join(sorted(stuck))} form a loop without an exit; let one have no next"
        )


def _check_node(node: Node, graph: Graph, flags: set[str]) -> None:
    where = f"node '{node.name}'"
    _known(f"speaker of {where}", node.speaker, graph.actors)
    if node.to:
        _known(f"to of {where}", node.to, graph.actors)
    if not node.persona and not node.text.strip():
        raise VoxrigError(f"{where} has no text")
    for way in node.ways:
        if way != RESUME:
            _known(f"next of {where}", way, graph.nodes)
    if node.next and node.choices:
        raise VoxrigError(f"{where} has both a next and choices; keep one")
    if node.choices and all(choice.condition for choice in node.choices):
        raise VoxrigError(f"{where}: every choice has a condition; one must always be open")
    for choice in node.choices:
        if choice.condition and choice.condition.lstrip("!") not in flags:
            raise VoxrigError(
                f"{where}: no node sets '{choice.condition.lstrip('!')}', which a choice asks for"
            )
    if node.direction:
        try:
            left_out = direct(node.direction, 2.0).unknown
        except StyleError as error:
            raise VoxrigError(f"{where}: {error}") from error
        if left_out:
            raise VoxrigError(f"{where}: {'; '.join(left_out)}")


def _known(what: str, name: str, have: Mapping[str, Any]) -> None:
    if name not in have:
        raise VoxrigError(unknown(what, name, have))


def _with_exit(nodes: Mapping[str, Node]) -> set[str]:
    """Nodes from which the dialogue can end; a reaction ends in what it interrupted."""
    free = {name for name, node in nodes.items() if not (node.next or node.choices) or node.next == RESUME}
    grown = True
    while grown:
        more = {
            name
            for name, node in nodes.items()
            if node.next in free or any(choice.next in free for choice in node.choices)
        }
        grown = not more <= free
        free |= more
    return free


_NODE: dict[str, Any] = dict.fromkeys(
    ("speaker", "text", "direction", "to", "next", "interrupted", "set", "persona"), ""
) | {"choices": []}


class _Table:
    """A JSON object with known keys, each of the kind of its default."""

    def __init__(self, told: Any, where: str, known: Mapping[str, Any]) -> None:
        if not isinstance(told, dict):
            raise VoxrigError(f"{where} is no object; write {{ … }}")
        for key, value in told.items():
            if key not in known:
                raise VoxrigError(unknown(f"key in {where}", key, known))
            if type(value) is not type(known[key]):
                kinds = {str: "a text", dict: "an object", list: "a list"}
                raise VoxrigError(f"{key} of {where} is {kinds[type(known[key])]}")
        self._told = {**known, **told}

    def __getitem__(self, key: str) -> Any:
        return self._told[key]

    def __getattr__(self, key: str) -> Any:
        return self._told[key]
