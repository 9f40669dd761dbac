"""Verbs of looking and their directions as looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .phrases import Token
from .tokens import feeling

_BETWEEN = ("stop", "scale", "pace", "to", "at", "from", "over", "for", "feeling")
"""What may stand between a verb of looking and its direction."""

_LINKS = ("and", "stop", "to", "at", "over")
"""What may stand between two directions of one look: *down and to the left*."""

_SILENT = ("you", "us", "me", "back", "up", "straight", "forward", "screen", "space", "side")
"""Directions that say nothing without a verb of looking."""


def resolve(found: Sequence[Token]) -> list[Token]:
    """The tokens with each verb of looking and its directions made a look.

    A verb before a feeling means *seems* and is dropped; one that is followed by nothing becomes unknown. A
    direction after *then* takes the verb of the look before: *glances left, then right*. ``down`` without a
    verb is a feeling.
    """
    out: list[Token] = []
    verb: Token | None = None  # the last that led to a look
    is_open = False
    for i, token in enumerate(found):
        if token.kind == "verb":
            rest = next((t for t in found[i + 1 :] if t.kind not in _BETWEEN), None)
            is_open = rest is not None and rest.kind == "way"
            if is_open:
                verb = token
            elif not _says_more(found[i + 1 :]):
                out.append(replace(token, kind="unknown"))
        elif token.kind != "way":
            out.append(token)
        else:
            mix = feeling(token.text)
            if verb and (is_open or mix is None or out[-1].kind != "scale"):
                _turn(out, replace(token, kind="look", number=verb.number), is_open)
                is_open = False
            elif mix is not None:
                out.append(replace(token, kind="feeling", mix=mix))
            elif token.text not in _SILENT:
                out.append(replace(token, kind="unknown"))
    return out


def _says_more(rest: Sequence[Token]) -> bool:
    """Whether a feeling or a word that is reported anyway follows before the next phase."""
    end = next((i for i, t in enumerate(rest) if t.kind in ("break", "then")), len(rest))
    return any(t.kind in ("feeling", "unknown") for t in rest[:end])


def _turn(out: list[Token], look: Token, fresh: bool) -> None:
    """Adds a look, or turns the last one further where both have one verb and do not contradict."""
    last = len(out) - 1
    while last >= 0 and out[last].kind in _LINKS:
        last -= 1
    if not fresh and last >= 0 and out[last].kind == "look":
        a = out[last]
        if a.yaw * look.yaw >= 0 and a.pitch * look.pitch >= 0:
            yaw, pitch = max(a.yaw, look.yaw, key=abs), max(a.pitch, look.pitch, key=abs)
            out[last:] = [replace(a, yaw=yaw, pitch=pitch)]
            return
    out.append(look)
