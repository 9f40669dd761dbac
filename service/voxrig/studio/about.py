"""What a studio has: rigs, formats, packs, voices, receivers."""

from __future__ import annotations

from dataclasses import fields
from importlib import resources
from pathlib import Path
from typing import Any, Final

from voxrig_bridge.receivers import RECEIVERS
from voxrig_export import formats, readable

from .._version import __version__
from ..idle import Life
from ..model import PACKS, find, read_card
from ..rigs import get, names
from ..style import EMOTIONS, SPEAKERS
from .films import PORTRAIT
from .photos import possible

AVATAR: Final = Path(str(resources.files("voxrig") / "packs" / "avatar.glb"))
"""The head that ships."""
SAMPLE: Final = Path(__file__).parents[3] / "samples" / "hello.wav"
"""A recording to begin with; in a checkout of the project only."""
SAYS: Final = (
    "Hello! Move your lips with me: five fine vowels, a bold blue moon, and maybe a whole chorus of sheep."
)
"""What is said in it."""


def told() -> dict[str, Any]:
    """As clients are told. Raises ModelError."""
    from .. import tts
    from ..render.look import RENDERERS, drawable

    cards = [(name, read_card(find(name))) for name in PACKS]
    made: dict[str, Any] = {
        "version": __version__,
        "emotions": list(EMOTIONS),
        "speakers": list(SPEAKERS),
        "idle": [part.name for part in fields(Life)],
        "packs": [
            {"name": name, "lookahead": round(card.lookahead / card.rate, 3), "live": name != "file"}
            for name, card in cards
        ],
        "rigs": [{"name": name, "curves": list(get(name).curves)} for name in names()],
        "formats": [
            {
                "name": kind.name,
                "suffix": kind.suffix,
                "description": kind.description,
                "rigs": None if kind.rigs is None else list(kind.rigs),
                "default_rig": kind.default_rig,
                "options": [name for name in kind.options if name != "avatar"],
            }
            for kind in formats()
        ],
        "readable": list(readable()),
        "voices": [],
        "receivers": [
            {
                "scheme": scheme,
                "example": f"{scheme}://127.0.0.1:{r.port}{_options(r.options)}",
                "note": r.about,
            }
            for scheme, r in RECEIVERS.items()
        ],
        "renderers": [*RENDERERS, *([PORTRAIT] if possible() else [])] if drawable() else [],
        "sample": SAMPLE.is_file(),
    }
    if tts.installed():
        made["voices"] = [
            {"name": v.name, "language": v.language, "description": v.description}
            for v in tts.VOICES.values()
        ]
    else:
        made["voices_hint"] = tts.HINT
    if not made["renderers"]:
        made["renderers_hint"] = "pip install 'voxrig[render]'"
    return made


def _options(options: Any) -> str:
    return "?subject=Face" if "subject" in options else ""
