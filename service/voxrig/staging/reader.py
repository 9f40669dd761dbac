"""Tokens as beats, in the order of the text."""

from __future__ import annotations

from dataclasses import dataclass, replace

from .beats import Beat, Join, Mode, Part, When
from .phrases import LESS, MORE, Kind, Token
from .tokens import feeling

_SHARE_FROM = 0.25
"""Part of an even phase that the first half of *from … to …* gets; the rest is the way."""


@dataclass(frozen=True)
class _Pending:
    """What is said about the feeling to come."""

    factor: float = 1.0
    scaled_by: str = ""
    negated: bool = False
    mode: Mode = "plain"
    join: Join = "and"
    share: float = 1.0


class Reader:
    """Reads tokens once, in order: ``take`` each, then ``end``."""

    def __init__(self) -> None:
        self.beats: list[Beat] = []
        self.asides: list[Beat] = []
        """Looks at a time of their own, beside the beats."""
        self.base: list[Part] = []
        """Feelings that last throughout."""
        self._now = Beat()
        self._late: Token | None = None  # pace or growth that came after a feeling: whose it is shows later
        self._preposition: Kind = "at"
        self._soft = False  # the last break was a comma
        self._from = False
        self._timed = False  # the time came after the feeling
        self._pending = _Pending()

    def take(self, token: Token) -> None:
        match token.kind:
            case "feeling":
                self._feeling(token)
            case "look":
                self._look(token)
            case "scale":
                factor = self._pending.factor * token.number
                self._pending = replace(self._pending, factor=factor, scaled_by=token.text)
            case "not":
                self._pending = replace(self._pending, negated=True)
            case "more" | "less":
                self._pending = replace(self._pending, mode=token.kind)
            case "and" | "but" | "though" | "hint":
                if token.kind != "and" or self._pending.join == "and":  # hiding it with a smile
                    self._pending = replace(self._pending, join=token.kind, share=token.number)
                if self._soft and not self._now.parts and not self._now.follows:
                    self._now.joined = token.text != "and"
            case "then":
                self._close()
                self._now.follows = True
                self._now.joined = False
            case "break":
                self._close()
                self._soft = token.text == ","
            case "pace" | "grow":
                if self._now.parts:
                    self._late = token
                else:
                    self._pace(token)
            case "fade":
                self._now.fade = True
            case "throughout":
                self._now.throughout = True
            case "seconds" | "part" | "tail" | "later":
                self._time(token)
            case "at" | "until" | "over":
                self._preposition = token.kind
            case "for":
                self._preposition = "for"
                self._now.hold = token.number or self._now.hold
            case "from":
                self._from, self._preposition = True, "at"
            case "to":
                self._to(token)

    def end(self) -> None:
        """Closes the last beat; marks that no feeling follows go to the beat before."""
        self._close()
        if self.beats:
            last, left = self.beats[-1], self._now
            last.time, last.until = last.time or left.time, last.until or left.until
            last.hold, last.grow = last.hold or left.hold, last.grow or left.grow
            last.pace = left.pace if last.pace is None else last.pace
            if left.throughout and last.parts:
                self.base += last.parts
                last.parts = []
                self.beats = [beat for beat in self.beats if beat.parts or beat.looks]

    def _feeling(self, token: Token) -> None:
        if self._now.parts and (self._late or self._timed):
            late, self._late = self._late, None
            self._cut()
            if late:
                self._pace(late)
        pending, self._pending = self._pending, _Pending()
        last = self._now.parts[-1] if self._now.parts else None
        if last and last.join == "hint" and pending.join == "and":  # a hint of fear and sadness
            pending = replace(pending, join="hint", share=last.share)
        part = Part(token.mix, pending.factor, pending.mode, pending.join, pending.share)
        if pending.negated and pending.factor > 1:  # not very angry is a little angry
            part = replace(part, factor=0.5)
        elif pending.negated:
            part = replace(part, mode="less" if pending.mode == "more" else "not")
        self._now.parts.append(part)

    def _look(self, token: Token) -> None:
        if self._now.parts or self._now.looks:
            again = bool(self._now.looks)
            self._cut()
            self._now.follows = again
        factor = min(self._pending.factor, 1.5)
        self._now.looks.append(replace(token, yaw=token.yaw * factor, pitch=token.pitch * factor))
        self._pending = _Pending()

    def _pace(self, token: Token) -> None:
        if token.kind == "grow":
            self._now.grow = True
        else:
            self._now.pace = token.number

    def _time(self, token: Token) -> None:
        kind = token.kind
        assert kind in ("seconds", "part", "tail", "later")
        when = When(kind, token.number)
        preposition, self._preposition = self._preposition, "at"
        if preposition == "for" and kind == "seconds":
            self._now.hold = token.number
        elif preposition == "over" and kind == "seconds":
            self._now.pace = token.number
        elif preposition == "until":
            self._now.until = when
        else:
            if self._now.time and (self._now.parts or self._now.looks):
                self._cut()
            self._now.time, self._timed = when, bool(self._now.parts)

    def _to(self, token: Token) -> None:
        if self._from and self._now.parts:
            self._now.share = _SHARE_FROM
            self._cut()
            self._now.grow = True
        elif self._now.parts and token.text == "into":
            self._cut()
        elif self._now.time:
            self._preposition = "until"

    def _cut(self) -> None:
        """Ends the fragment without a sign to do so; what is pending belongs to the next."""
        pending, self._pending = self._pending, _Pending()
        self._close()
        self._now.follows = True
        self._pending = pending

    def _close(self) -> None:
        """Ends the fragment; one that names nothing yet leaves its marks to the next."""
        now, pending = self._now, self._pending
        if self._late:
            self._pace(self._late)
        self._late, self._pending, self._timed = None, _Pending(), False
        factor = pending.factor * {"more": MORE, "less": LESS}.get(pending.mode, 1.0)
        if now.parts:  # angry a little
            now.parts[-1] = replace(now.parts[-1], factor=now.parts[-1].factor * factor)
        elif pending.mode != "plain" and self.beats:
            now.parts.append(Part(None, 1.0, pending.mode))
        elif (mix := feeling(pending.scaled_by)) is not None:  # says it gently
            now.parts.append(Part(mix))
        if now.parts or now.looks:
            self._place(now)
            self._now, self._from = Beat(), False
        elif now.fade and self.beats:
            self.beats[-1].fade, now.fade = True, False

    def _place(self, now: Beat) -> None:
        last = self.beats[-1] if self.beats else None
        if now.joined and (now.time or now.grow or now.pace is not None):  # happy, but slowly grows sad
            now.joined, now.follows = False, True
            if now.parts and now.parts[0].join != "but":  # happy, with growing fear
                now.parts.insert(0, Part(None))
        if now.throughout and now.parts:
            self.base += now.parts
        elif not now.parts and not now.follows and (now.time or now.throughout):
            self.asides.append(replace(now, time=now.time or When("part", 0.0)))
        elif last and not now.follows and (not now.parts or now.joined or not last.parts):
            last.parts += now.parts
            last.looks += [replace(look, number=look.number or now.hold) for look in now.looks]
            if now.parts:
                last.time, last.until = last.time or now.time, now.until or last.until
                last.hold, last.grow = last.hold or now.hold, last.grow or now.grow
                last.fade, last.pace = last.fade or now.fade, now.pace if last.pace is None else last.pace
        else:
            self.beats.append(now)
