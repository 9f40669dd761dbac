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
    (into / "avatar.glb").write_bytes(with_zeros(head))
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


def with_zeros(glb: bytes) -> bytes:
    """The same head, whose shapes say where they move nothing.

    Its shapes tell only the points that they move (sparse accessors); all others are zero. Godot 3.2 takes
    whatever is in its memory for those, unless the zeros are in the file, once for all.
    """
    (size,) = struct.unpack_from("<I", glb, 12)
    head, data = json.loads(glb[20 : 20 + size]), glb[28 + size :]
    data += b"\0" * (-len(data) % 4)
    short = [accessor for accessor in head["accessors"] if "bufferView" not in accessor]
    zeros = bytes(12 * max(accessor["count"] for accessor in short))  # three float32 a point
    for accessor in short:
        accessor["bufferView"] = len(head["bufferViews"])
    head["bufferViews"].append({"buffer": 0, "byteOffset": len(data), "byteLength": len(zeros)})
    head["buffers"][0]["byteLength"] = len(data) + len(zeros)
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 4)
    data += zeros
    told = struct.pack("<II", len(text), 0x4E4F534A) + text + struct.pack("<II", len(data), 0x004E4942) + data
    return struct.pack("<4sII", b"glTF", 2, 12 + len(told)) + told


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
