"""Fills the Godot project: the add-on, the head, and the lines of a dialogue as sound with words and styles.

python samples/npc_dialogue/godot/prepare.py [DIALOGUE.json] [--into FOLDER]
"""

from __future__ import annotations

import argparse
import json
import shutil
import struct
import sys
from dataclasses import asdict
from pathlib import Path

import soundfile

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(HERE.parent))

from graph import load  # noqa: E402
from speech import RATE, LocalVoice, speak  # noqa: E402

import voxrig  # noqa: E402
from voxrig.errors import VoxrigError  # noqa: E402
from voxrig.staging import direct  # noqa: E402
from voxrig.tts import Speaker  # noqa: E402


def prepare(dialogue: Path, into: Path) -> None:
    """Raises VoxrigError."""
    graph, speaker = load(dialogue), Speaker()
    addon = ROOT / "engine_bridges" / "godot" / "addons" / "voxrig" / "godot3"
    shutil.copytree(addon, into / "addons" / "voxrig", dirs_exist_ok=True)
    head = (Path(voxrig.__file__).parent / "packs" / "avatar.glb").read_bytes()
    (into / "avatar.glb").write_bytes(with_tangents(head))
    lines = into / "lines"
    lines.mkdir(exist_ok=True)
    (lines / ".gdignore").touch()  # read as they are, not imported
    shutil.copy(dialogue, lines / "dialogue.json")
    for node in graph.nodes.values():
        if not node.text:
            continue  # a free conversation, which this project does not have
        line = speak(LocalVoice(speaker, graph.actors[node.speaker].voice), node.text)
        keys = direct(node.direction or "neutral", line.seconds).keys
        styles = [[key.at, _plain(asdict(key.style)), max(key.transition, 0.2)] for key in keys]
        words = [[word.text, word.start, word.end] for word in line.words]
        told = json.dumps({"words": words, "styles": styles}, indent=1)
        (lines / f"{node.name}.json").write_text(told, encoding="utf-8")
        soundfile.write(lines / f"{node.name}.wav", line.samples, RATE, "PCM_16")
        print(f"{node.name}: {line.seconds:.1f} s")


def with_tangents(glb: bytes) -> bytes:
    """The same head with tangents, all zero, where it has none.

    Godot 3.2 would work them out again for each of the 68 shapes, for many minutes. Only materials with a
    relief need tangents, and their surfaces have their own. An accessor without data is zeros.
    """
    (size,) = struct.unpack_from("<I", glb, 12)
    head = json.loads(glb[20 : 20 + size])
    for mesh in head["meshes"]:
        for surface in mesh["primitives"]:
            if "TANGENT" not in (has := surface["attributes"]):
                count = head["accessors"][has["POSITION"]]["count"]
                has["TANGENT"] = len(head["accessors"])
                head["accessors"].append({"componentType": 5126, "count": count, "type": "VEC4"})
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 4)
    told = text + glb[20 + size :]
    return struct.pack("<4sIIII", b"glTF", 2, 20 + len(told), len(text), 0x4E4F534A) + told


def _plain(style: dict[str, object]) -> dict[str, object]:
    """What the service takes: emotion and intensity are all that directions give."""
    return {"emotion": dict(style["emotion"]), "intensity": style["intensity"]}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dialogue", nargs="?", type=Path, default=HERE.parent / "toll_bridge.json")
    parser.add_argument("--into", type=Path, default=HERE, help="the project (this one)")
    args = parser.parse_args()
    try:
        prepare(args.dialogue, args.into)
    except VoxrigError as error:
        print(f"prepare: {error}", file=sys.stderr)
        return 2
    print("Now open the project in Godot 3, which imports the head, and run it.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
