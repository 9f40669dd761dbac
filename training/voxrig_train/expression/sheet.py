"""A sheet of faces: ten emotions at three intensities, drawn from the pack.

    python -m voxrig_train.expression.sheet --out docs/expressions.png

Each row begins with the emotion's name; its faces have an intensity of a third, two thirds and one, at
rest after a second of silence, and last of one while the mouth says an open vowel.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np

from voxrig.rigs import NATIVE
from voxrig.speech import articulators
from voxrig.speech.coarticulation import poses
from voxrig.speech.phones import PHONES
from voxrig.types import Array
from voxrig_train.expression import teacher
from voxrig_train.expression.network import EMOTIONS, INPUTS

LEVELS = (1 / 3, 2 / 3, 1.0)
_FRAMES = 200
_VOWEL = "ah"
Told = Callable[[Array, Array, Array], Array]
"""Audio (n,), curves (t, 110) and style (t, 16) -> curves (t, 110)."""


def by_pack(pack: Path) -> Told:
    """What a pack tells."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(pack / "model.onnx"), providers=["CPUExecutionProvider"])
    state = np.zeros((1, session.get_inputs()[3].shape[1]), np.float32)

    def tell(audio: Array, curves: Array, style: Array) -> Array:
        feed = {"audio": audio[None], "curves": curves[None], "style": style[None], "state": state}
        return np.asarray(session.run(["curves_out"], feed)[0][0])

    return tell


def by_teacher(audio: Array, curves: Array, style: Array) -> Array:
    """What the teacher tells."""
    return teacher.joined(curves, teacher.express(teacher.voice_of(audio, ""), style, curves), style)


def face(tell: Told, emotion: str, intensity: float, vowel: bool) -> Array:
    """The face (110,) after two seconds, at rest or while saying a vowel."""
    audio, curves = np.zeros(_FRAMES * 160, np.float32), np.zeros((_FRAMES, len(NATIVE)), np.float32)
    if vowel:
        # A voice of 140 Hz with falling overtones is enough of a sound.
        time = np.arange(len(audio)) / 16000
        audio = (
            sum(np.sin(2 * np.pi * 140 * k * time) / k**1.5 for k in range(1, 20)).astype(np.float32) * 0.1
        )
        curves[:] = articulators.curves(poses()[None, PHONES.index(_VOWEL)])
        curves[:, NATIVE.index(f"phone_{_VOWEL}")] = 1
    style = np.zeros((_FRAMES, len(INPUTS)), np.float32)
    style[:, INPUTS.index(emotion)] = intensity
    return np.asarray(tell(audio, curves, style)[-1])


def draw(tell: Told, out: Path, size: int) -> None:
    """Writes the sheet; a face is ``size`` pixels wide."""
    from PIL import Image, ImageDraw, ImageFont

    from voxrig.avatar.load import load
    from voxrig.render.look import Look, open_renderer

    height, line = round(size * 1.15), 22
    half = (len(EMOTIONS) + 1) // 2
    columns = len(LEVELS) + 1
    sheet = Image.new("RGB", (2 * columns * size + 10, half * (height + line) + line), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=14)
    renderer = open_renderer(Look(size=(height, size), framing="face"), load())
    titles = [*(f"{round(100 * level)} %" for level in LEVELS), "speaking"]
    for i, emotion in enumerate(EMOTIONS):
        left, top = (i // half) * (columns * size + 10), (i % half) * (height + line) + line
        pen.text((left + 6, top - line + 2), emotion, "black", font)
        for j, title in enumerate(titles):
            level = LEVELS[min(j, len(LEVELS) - 1)]
            values = face(tell, emotion, level, vowel=j == len(LEVELS))
            sheet.paste(Image.fromarray(renderer.draw(values)), (left + j * size, top))
            pen.text((left + (j + 1) * size - 74, top - line + 2), title, "grey", font)
    sheet.quantize(128).save(out, optimize=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m voxrig_train.expression.sheet", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--pack", type=Path, default=Path("service/voxrig/packs/expression"))
    parser.add_argument("--teacher", action="store_true", help="draw what the pack was taught")
    parser.add_argument("--size", type=int, default=160, help="pixels a face is wide")
    args = parser.parse_args()
    draw(by_teacher if args.teacher else by_pack(args.pack), args.out, args.size)


if __name__ == "__main__":
    main()
