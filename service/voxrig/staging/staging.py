"""A director's words as timed styles and looks.

    >>> staging = direct("sceptical, then amused; looks down at the end", 6.0)
    >>> [(key.at, dict(key.style.emotion)) for key in staging.keys]
    [(0.0, {'cheekiness': 0.55, 'disgust': 0.3}), (3.0, {'joy': 0.55})]
    >>> [(look.at, look.pitch, look.until) for look in staging.looks]
    [(4.5, 0.4, 6.0)]

Commas, semicolons, full stops, new lines and words such as *then* separate phases, which share the duration
evenly unless they name a time: *at 2 s, at 50%, halfway, at the end, after 1.5 seconds, 2 seconds later* say
when, *for 2 s* and *until 4 s* how long, *suddenly, slowly, gradually, over 3 s* how fast. Times count from
the start of the speech. *For a moment* goes on to the next phase or, where there is none, back. *Growing*
takes the whole phase, and so does the way in *from sad to happy*. Feelings of one moment are joined with
*and*, *but*, *with a hint of*. A look has the phase before it, or its own time. The vocabulary is English,
small and fixed: nothing is asked of a network or a model, and one text always gives one result.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from itertools import zip_longest

from voxrig.errors import StyleError
from voxrig.idle import Idle
from voxrig.types import Key

from .looking import resolve
from .phrases import Token, steering
from .reader import Reader
from .schedule import Look, keys, length, looks, starts
from .tokens import nearest, tokens

LONGEST = 2000
"""Characters of a text."""

_HELPED = 8  # words for which the nearest is looked up: a text in another language has hundreds
_EXAMPLE = "'angry', 'slightly amused', 'sceptical, then amused; looks down at the end'"


@dataclass(frozen=True)
class Staging:
    """What a text asks of the face, in order of time."""

    keys: tuple[Key, ...]
    """Before the first one the style is the caller's own."""
    looks: tuple[Look, ...]
    unknown: tuple[str, ...]
    """A sentence for each word that was left out, in the order of the text."""

    def aim(self, idle: Idle, fps: Fraction, first: int = 0) -> None:
        """Has a stage look where and when it is told; ``first`` is the frame at which the speech begins."""
        for look, following in zip_longest(self.looks, self.looks[1:]):
            idle.plan(first + round(look.at * fps), look.yaw, look.pitch)
            if following is None or look.until < following.at:
                idle.plan(first + round(look.until * fps), None)


AS_IT_COMES = Staging((), (), ())
"""What nobody directs."""


def direct(text: str, duration: float | None = None) -> Staging:
    """Styles and looks for speech of so many seconds.

    Where the duration is not known, as live, each phase lasts 2 s, and fractions and *the end* are those of
    the phases together. Words that nobody knows are told in ``unknown``. Raises StyleError on a text that is
    empty, longer than 2,000 characters or without any feeling or look, ValueError on a duration that is not
    a number of seconds.
    """
    if duration is not None and not 0 <= duration < math.inf:
        raise ValueError(f"duration is {duration}; it is seconds, 0 or more")
    if not text.strip():
        raise StyleError(f"the direction is empty; write for example {_EXAMPLE}")
    if len(text) > LONGEST:
        raise StyleError(f"the direction has {len(text)} characters; it may have {LONGEST}")
    found = resolve(tokens(text))
    reader = Reader()
    for token in found:
        reader.take(token)
    reader.end()
    odd = {token.text: token for token in found if token.kind in ("unknown", "gesture")}
    unknown = tuple(_left_out(token, i < _HELPED) for i, token in enumerate(odd.values()))
    beats, asides, base = reader.beats, reader.asides, reader.base
    if not (beats or asides or base):
        reasons = f": {', '.join(unknown[:3])}" if unknown else ""
        raise StyleError(f"the direction names no feeling or look{reasons}; write for example {_EXAMPLE}")
    whole = length(beats, asides, duration)
    times = starts(beats, whole)
    return Staging(keys(beats, times, base, whole), looks(beats, times, asides, whole), unknown)


def _left_out(token: Token, help_out: bool) -> str:
    word = token.text if len(token.text) <= 40 else token.text[:39] + "…"
    if token.kind == "gesture":
        return f"'{word}' is neither a feeling nor a look"
    if token.text[0].isdigit():
        return f"'{word}' has no unit, as in {word} s or {word}%"
    steers = steering().get(token.text)
    if steers:
        return (
            f"'{word}' needs a direction: looks down"
            if steers.kind == "verb"
            else f"'{word}' needs a verb: looks {word}"
        )
    near = nearest(word) if help_out else None
    return f"'{word}' is not known (nearest is '{near}')" if near else f"'{word}' is not known"
