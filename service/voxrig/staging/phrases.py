"""Words that steer: how much, when, how fast, and where to look.

Angles of looks are radians with the signs of the native rig: yaw + turns to the subject's own right, pitch +
looks down. *Left* and *right* are the subject's own; *camera left* is the left of the picture, which is the
right of a subject that faces the camera.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

from .vocabulary import Mix, listed

Kind = Literal[
    "feeling",  # mix
    "scale",  # number: factor on the next feeling or look
    "not",  # takes the next feeling away
    "more",  # of the next feeling, or of all, relative to the key before
    "less",
    "and",  # joins two feelings as equals
    "but",  # the second prevails
    "though",  # the first prevails
    "hint",  # the second only colours the first
    "then",  # begins a new phase
    "from",
    "to",  # after from, or after a time: its end
    "at",  # what the next time means: a beginning,
    "for",  # a length,
    "until",  # an end,
    "over",  # a transition
    "seconds",  # number
    "later",  # number: seconds since the phase before
    "part",  # number: fraction of the whole
    "tail",  # the last moments
    "pace",  # number: seconds of transition
    "grow",  # the transition lasts as long as the phase
    "fade",  # back to neutral by the end of the phase
    "throughout",
    "verb",  # number: seconds of the look, 0 until what follows
    "way",  # yaw and pitch
    "look",  # number, yaw and pitch: a whole look in one phrase
    "gesture",  # understood, but neither a feeling nor a look
    "stop",  # no meaning here
    "break",  # punctuation
    "unknown",
]


@dataclass(frozen=True)
class Token:
    """A word, phrase or sign of the text, and what it does."""

    kind: Kind
    text: str
    number: float = 0.0
    yaw: float = 0.0
    """Radians, as pitch."""
    pitch: float = 0.0
    mix: Mix = field(default_factory=dict)


GLANCE = 0.6
"""Seconds that a glance lasts."""

MOMENT = 0.8
"""Seconds that *for a moment* lasts."""

MORE, LESS = 1.35, 0.6
"""Factors of *more* and *less* on what the key before had."""

_SCALES = {
    0.25: "barely, hardly, scarcely, faintly, imperceptibly, almost imperceptibly",
    0.5: """
        slightly, a little, a little bit, a bit, mildly, vaguely, subtly, lightly, half, a tad, a touch,
        ever so slightly, trying not to, tries not to, holding back, fighting back, fights back, choking
        back, biting back
    """,
    0.7: """
        somewhat, kind of, sort of, gently, quiet, quietly, moderately, softly, some, almost, nearly,
        contained, restrained, suppressed, controlled, repressed, muted, understated
    """,
    0.85: "rather, quite, fairly, relatively, reasonably",
    1.0: "pretty, clearly, plainly, visibly, openly, genuinely, truly, obviously",
    1.2: """
        very, really, so, too, particularly, especially, highly, decidedly, seriously, a lot, much,
        strongly, big, barely contained, barely controlled, barely suppressed
    """,
    1.3: """
        deeply, greatly, intensely, thoroughly, awfully, terribly, dreadfully, painfully, hugely,
        profoundly, intense
    """,
    1.4: """
        extremely, utterly, totally, completely, absolutely, incredibly, immensely, fiercely, wildly,
        insanely, deadly
    """,
    1.5: """
        overwhelmingly, unbearably, uncontrollably, beyond measure, to the extreme, unbelievably
    """,
}
_HINTS = {
    0.2: """
        with a trace of, with a whisper of, a trace of, a whisper of, with the faintest
    """,
    0.35: """
        with a hint of, a hint of, with a touch of, a touch of, tinged with, tinted with, with a tinge of, a
        tinge of, with undertones of, with an undertone of, laced with, coloured by, colored by, with a bit
        of, a bit of, with a little, with a note of, a note of, with a dash of, a dash of, hinting at, with
        a flicker of, a flicker of, with a glimmer of, a glimmer of, bordering on, verging on
    """,
}
_PACES = {
    0.1: """
        suddenly, abruptly, instantly, snaps to, in a flash, all at once, all of a sudden, out of nowhere,
        sudden, cut to
    """,
    0.2: "quickly, rapidly, swiftly, briskly, quick",
    1.5: "slowly, slow",
    2.5: """
        gradually, little by little, bit by bit, by degrees, gradual, steadily, step by step
    """,
}
_LENGTHS = {MOMENT: "for a moment, briefly, for an instant, momentarily, fleetingly, for a while, for a beat"}
_PARTS = {
    0.0: """
        at first, first, firstly, initially, at the start, at the beginning, in the beginning, to begin
        with, to start with, starting off, starts off, starts out, opens, from the start, from the beginning
    """,
    0.25: """
        a quarter of the way, a quarter of the way through, a quarter of the way in, early on
    """,
    0.333: """
        a third of the way, a third of the way through, one third of the way through
    """,
    0.5: """
        halfway, half way, midway, halfway through, half way through, midway through, in the middle, at the
        midpoint, in the middle of the line
    """,
    0.667: "two thirds of the way, two thirds of the way through, two thirds in",
    0.75: """
        three quarters of the way, three quarters of the way through, towards the end, toward the end, near
        the end, late on
    """,
}
_PLAIN: dict[Kind, str] = {
    "not": """
        not, isn't, aren't, wasn't, doesn't, don't, didn't, never, no, no longer, not any more, without,
        without any, not at all, no more, stop, stops, stopped, stops being, lacking, far from, free of
    """,
    "more": """
        more, even more, stronger, harder, bigger, intensifying, intensifies, more intense, heightened
    """,
    "less": """
        less, even less, weaker, milder, toned down, less intense, fainter, easing off, eases off
    """,
    "and": """
        and, with, plus, mixed with, combined with, blended with, along with, together with, as well as,
        while, and also, mingled with, at the same time, simultaneously, meanwhile, yet also, a mix of, a
        mixture of, a blend of, both
    """,
    "but": "but, yet, but also, giving nothing but",
    "though": """
        though, although, even though, albeit, despite, in spite of, masking, hiding, covering, suppressing
    """,
    "then": """
        then, and then, after that, afterwards, afterward, next, finally, eventually, in the end, at last,
        lastly, later, later on, before, followed by, and finally, subsequently, thereafter, becomes,
        becoming, become, turns, turning, turns to, turning to, turns into, turning into, changes into,
        changing into, changes to, changing to, shifts to, shifting to, switches to, switching to, gives way
        to, giving way to, leading to, moves to, and next, now, ends, ending, ends up, ending up, goes,
        secondly
    """,
    "from": "from, going from, goes from, moving from, moves from",
    "to": "to, into",
    "at": "at, after, by, around, about, on",
    "for": "for, lasting",
    "until": "until, till, up to, til",
    "over": "over, within",
    "tail": """
        at the end, at the very end, to finish, to end with, in the last moments, on the last word, last
        moment, in closing, at the close
    """,
    "grow": """
        growing, grows, increasingly, more and more, building, builds, building to, builds to, rising,
        mounting, swelling, ramping up, ramps up, growing more, grows more, growing more and more, grows
        more and more, getting more and more, becoming more and more, ever more, growing increasingly,
        slowly growing, fading to, fades to, fading into, fades into, melting into, melts into, escalating
        to, escalates to, escalating, softening to, softens to
    """,
    "fade": """
        fading, fades, fade, faded, fading away, fades away, fading out, fades out, dying away, dies away,
        subsiding, subsides, wearing off, wears off, trailing off, trails off, ebbing, ebbs, letting go,
        lets go
    """,
    "throughout": """
        throughout, all the way, all the way through, the whole time, the whole way, all along, always, the
        entire time, from start to finish, from beginning to end, constantly, overall, until the end, to the
        end
    """,
    "gesture": """
        closes eyes, closing eyes, close eyes, shuts eyes, eyes closed, eyes shut, blinks, blinking, blink,
        winks, winking, wink, nods, nodding, nod, shakes head, shaking head, tilts head, tilting head,
        raises eyebrow, raises eyebrows, raised eyebrow, shrugs, shrugging, shrug, swallows, bites lip,
        licks lips, pauses, pause, whispers, whispering, opens mouth
    """,
    "stop": """
        of, in, it, is, are, was, were, be, been, being, she, he, they, i, we, as, if, like, that, this,
        who, feels, feeling, feel, felt, sounds, sounding, sound, appears, appearing, seems, seeming,
        getting, gets, get, going, speaks, speaking, speak, says, saying, say, said, talks, talking, tone,
        voice, face, expression, manner, way, mood, line, read, delivers, delivery, acts, acting, plays,
        playing, performs, character, actor, person, please, all, just, still, also, again, well, very well,
        very much, has, have, having, having been, remains, remaining, remain, stays, staying, stay, keeps,
        keeping, keep, one, something, bursts, bursting, begins, beginning, begins to, starts, starting,
        starts to, him, them, himself, herself, themselves, oh, so that, because, when, or, there, here,
        than, is no, full, filled, becoming more, even, only, goes back, returns, returning, comes, coming,
        overcome, spreads, spreading, creeps, creeping, crosses, crossing, flickers, wearing, sense, amount,
        emotion, emotions, feelings, look of, air, out, off, can, will, would, could, should, do, does, did,
        very end, such, most, part
    """,
}
_VERBS = {
    0.0: """
        looks, look, looking, looked, gazes, gaze, gazing, gazed, stares, stare, staring, stared, eyes,
        turns eyes, turns head, turning head, faces, facing, head, eyes turned, looks back, looking back,
        stares off, gazes off, shifts gaze, moves eyes, squints, peers, peering
    """,
    GLANCE: """
        glances, glance, glancing, glanced, peeks, peeking, peek, flicks eyes, darts eyes, eyes dart, eyes
        flick, quick look, a quick glance
    """,
}
_WAYS = {
    (0.0, 0.4): "down, downwards, downward, hands, paper, notes, script, desk, table, lap",
    (0.0, 0.55): "floor, ground, feet, shoes, toes, carpet",
    (0.0, -0.35): "up, upwards, upward, skyward, skywards",
    (0.0, -0.5): "ceiling, sky, heaven, heavens, stars, roof",
    (-0.45, 0.0): "left, leftwards, camera right, screen right, frame right, stage left",
    (0.45, 0.0): "right, rightwards, camera left, screen left, frame left, stage right",
    (0.45, 0.05): "aside, sideways, side, off camera, off screen, offscreen",
    (0.4, 0.15): "away, elsewhere",
    (0.25, -0.05): "distance, space, horizon",
    (0.8, 0.0): "over the shoulder, behind",
    (0.0, 0.0): """
        camera, lens, screen, audience, viewer, viewers, straight, ahead, straight ahead, forward, forwards,
        back, directly ahead, you, us, me
    """,
}
_LOOKS = {
    (0.0, 0.0, 0.4): """
        lowers eyes, lowering eyes, lowers gaze, lowering gaze, drops gaze, dropping gaze, lowered eyes,
        downcast eyes, bows head, bowing head, hangs head, hanging head, lowers head, lowered gaze
    """,
    (0.0, 0.0, -0.35): "raises eyes, raising eyes, lifts eyes, raises head, lifts head, raises gaze",
    (0.0, 0.4, 0.15): """
        averts eyes, averting eyes, averts gaze, averted gaze, avoids eye contact, avoiding eye contact,
        turns away, turning away, breaks eye contact, no eye contact, without eye contact
    """,
    (0.0, 0.0, 0.0): """
        eye contact, makes eye contact, making eye contact, holds eye contact, meets eyes, meets gaze, turns
        to the camera, turns to camera, faces the camera
    """,
    (0.0, -0.45, 0.0): "turns left, turning left, turns to the left",
    (0.0, 0.45, 0.0): "turns right, turning right, turns to the right",
    (0.0, 0.45, 0.05): "turns aside, turning aside",
    (GLANCE, 0.0, -0.5): "rolls eyes, rolling eyes, eye roll",
}


ARTICLES = frozenset("a an the his her their its my your our".split())
"""Left out of text and phrases alike, so that *at the end* and *at end* are one."""


@cache
def steering() -> Mapping[str, Token]:
    """What each phrase does, by its words without articles."""
    found = {}
    for token in _tokens():
        found[" ".join(w for w in token.text.replace("-", " ").split() if w not in ARTICLES)] = token
    return found


def _tokens() -> Iterator[Token]:
    for kind, words in _PLAIN.items():
        yield from (Token(kind, word) for word in listed(words))
    tables: tuple[tuple[Kind, Mapping[float, str]], ...] = (
        ("scale", _SCALES),
        ("hint", _HINTS),
        ("pace", _PACES),
        ("part", _PARTS),
        ("for", _LENGTHS),
        ("verb", _VERBS),
    )
    for name, table in tables:
        for number, words in table.items():
            yield from (Token(name, word, number) for word in listed(words))
    for (yaw, pitch), words in _WAYS.items():
        yield from (Token("way", word, 0.0, yaw, pitch) for word in listed(words))
    for (seconds, yaw, pitch), words in _LOOKS.items():
        yield from (Token("look", word, seconds, yaw, pitch) for word in listed(words))
