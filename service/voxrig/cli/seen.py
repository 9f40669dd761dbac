"""What a picture shows, on the command line: whose head, how large, from where, before what."""

from __future__ import annotations

import argparse
import os
import re
from dataclasses import replace
from math import radians
from pathlib import Path
from typing import TYPE_CHECKING

from voxrig.errors import VoxrigError

if TYPE_CHECKING:  # they load numpy, and help shall be quick
    from voxrig.render.renderer import Renderer

_SIZE = re.compile(r"([1-9]\d{0,4})(?:x([1-9]\d{0,4}))?")
_LEAST = 64  # pixels of a portrait's side
_PICTURES = (".png", ".jpg", ".jpeg", ".webp")


def add(parser: argparse.ArgumentParser) -> None:
    """The words."""
    group = parser.add_argument_group("what is seen")
    group.add_argument(
        "--avatar", type=Path, metavar="FILE",
        help="your GLB, VRM or FLAME model, or folder of ICT-FaceKit (the head that ships)",
    )  # fmt: skip
    group.add_argument(
        "--flame-calibration", type=Path, metavar="CAL.npz", help="from voxrig flame calibrate, for FLAME"
    )
    group.add_argument(
        "--renderer", choices=("mesh", "splat", "portrait"), help="(mesh; portrait of --photo)"
    )
    group.add_argument(
        "--gaussians", type=Path, metavar="FILE", help="for splat: .npz or .ply (grown from the avatar)"
    )
    group.add_argument("--draw-on", choices=("cpu", "gpu"), default="cpu", help="where splat draws (cpu)")
    group.add_argument("--size", type=_size, default="512", help="512, or width x height: 640x360 (512)")
    group.add_argument("--camera", default="head", help="face, head or bust (head)")
    group.add_argument(
        "--yaw", type=float, default=0.0, metavar="DEG", help="of the camera, to the subject's left (0)"
    )
    group.add_argument("--pitch", type=float, default=0.0, metavar="DEG", help="of the camera, upwards (0)")
    group.add_argument(
        "--background", default="studio", metavar="WORD", help="studio, none, green, #203040 or a picture"
    )
    group.add_argument("--photo", type=Path, metavar="FILE", help="of the face that speaks")
    group.add_argument(
        "--i-have-consent", action="store_true", help="of whom the photo shows; no portrait without it"
    )
    group.add_argument("--landmarker", type=Path, metavar="FILE", help="face_landmarker.task, for --photo")
    group.add_argument("--no-mark", action="store_true", help="leave the AI mark out of a portrait's corner")


def renderer(args: argparse.Namespace) -> tuple[Renderer, dict[str, str], str]:
    """What draws, and what has to be told beside its pictures: labels, and XMP. Raises VoxrigError."""
    from voxrig.avatar.load import load
    from voxrig.render.look import Look, backdrop, open_renderer, read_picture

    if args.photo is not None or args.renderer == "portrait":
        return _portrait(args)
    for word in ("i_have_consent", "landmarker", "no_mark"):
        if getattr(args, word):
            raise VoxrigError(f"--{word.replace('_', '-')} goes with --photo")
    word = args.background
    if os.path.splitext(word)[1].lower() in _PICTURES or os.path.isfile(word):
        behind = replace(backdrop("studio"), picture=read_picture(word))
    else:
        behind = backdrop(word)
    kind = args.renderer or "mesh"
    if kind != "splat" and (args.gaussians is not None or args.draw_on != "cpu"):
        raise VoxrigError("--gaussians and --draw-on go with --renderer splat")
    look = Look(
        kind, args.size, args.camera, radians(args.yaw), radians(args.pitch), behind,
        args.gaussians, args.draw_on,
    )  # fmt: skip
    return open_renderer(look, load(args.avatar, args.flame_calibration)), {}, ""


def _portrait(args: argparse.Namespace) -> tuple[Renderer, dict[str, str], str]:
    from voxrig.render.portrait import mark, portrait

    if args.photo is None:
        raise VoxrigError("--renderer portrait needs --photo, of the face that speaks")
    if args.renderer not in (None, "portrait"):
        raise VoxrigError(f"--photo is for --renderer portrait, not {args.renderer}")
    if not args.i_have_consent:
        whose = "the word of whom the photo shows, or of who may give it"
        raise VoxrigError(f"--renderer portrait needs --i-have-consent: {whose}")
    plain = {"avatar": None, "camera": "head", "yaw": 0.0, "pitch": 0.0, "background": "studio"}
    for word, value in plain.items():
        if getattr(args, word) != value:
            raise VoxrigError(f"--{word} is for avatars; a photo has its own")
    height, width = args.size
    if height != width or height < _LEAST or height % 2:
        raise VoxrigError(f"portraits are square, of an even number of pixels from {_LEAST} on")
    drawn = portrait.load(args.photo, height, args.landmarker, not args.no_mark)
    return drawn, mark.texts(), mark.xmp()


def _size(text: str) -> tuple[int, int]:
    """Height and width of a size on the command line, which names the width first."""
    found = _SIZE.fullmatch(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"'{text}' is no size; write 512 or 640x360")
    width, height = found.groups()
    return int(height or width), int(width)
