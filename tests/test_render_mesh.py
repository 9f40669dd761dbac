"""Laws of the mesh renderer: the nearest triangle is seen, light and pictures lie where they belong."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest

pytest.importorskip("numba", reason="needs the extra render")

from voxrig.avatar.figure import Figure, Material, Moves
from voxrig.avatar.glb_figure import load
from voxrig.render import shading
from voxrig.render.background import Background
from voxrig.render.camera import Camera, framed
from voxrig.render.light import STUDIO, Lamp, Light
from voxrig.render.mesh import Mesh
from voxrig.render.textures import Textures
from voxrig.render.visibility import BAND, Visibility, see
from voxrig.rigs.native import NATIVE, both
from voxrig.types import Array

BLACK = Background((0, 0, 0), (0, 0, 0))
CLEAR = Background(transparent=True)
WHITE = Material("plain", np.ones(4, np.float32), roughness=1.0)
AHEAD = Camera(np.array([0, 0, 1], np.float32), np.zeros(3, np.float32), np.pi / 2)
"""Sees -1..1 in both directions at z = 0."""


def values(**curves: float) -> Array:
    """A pose (c,): a name that ends in _ means both sides."""
    out = np.zeros(len(NATIVE), np.float32)
    for name, value in curves.items():
        for curve in both(name[:-1] + "*") if name.endswith("_") else (name,):
            out[NATIVE.index(curve)] = value
    return out


REST = values()


def figure(
    points: Array,
    faces: Sequence[Sequence[int]] | np.ndarray,
    materials: tuple[Material, ...] = (WHITE,),
    *,
    uvs: Array | None = None,
    normals: Array | None = None,
    material: np.ndarray | None = None,
) -> Figure:
    """One that nothing moves."""
    points, faces = np.asarray(points, np.float32), np.asarray(faces, np.int32)
    shares = np.zeros((len(points), 5), np.float32)
    shares[:, 0] = 1
    none = Moves(np.zeros(len(points) + 1, np.int32), np.zeros(0, np.int32), np.zeros((0, 3), np.float32))
    return Figure(
        points,
        np.tile(np.array([0, 0, 1], np.float32), (len(points), 1)) if normals is None else normals,
        np.zeros((len(points), 2), np.float32) if uvs is None else np.asarray(uvs, np.float32),
        faces,
        np.zeros(len(faces), np.int32) if material is None else material.astype(np.int32),
        materials,
        (),
        none,
        shares,
        np.array([[0, 0, 0], [0, -1, 0], [0, -0.5, 0], [0.3, 0, 0], [-0.3, 0, 0]], np.float32),
    )


def square(material: Material, half: float = 1.0, z: float = 0.0) -> Figure:
    points = np.array([[-half, -half, z], [half, -half, z], [half, half, z], [-half, half, z]], np.float32)
    return figure(points, [[0, 1, 2], [0, 2, 3]], (material,), uvs=[[0, 1], [1, 1], [1, 0], [0, 0]])


def ball(material: Material, count: int = 24) -> Figure:
    """Half a metre wide, the same left and right."""
    up, around = np.linspace(0, np.pi, count), np.linspace(0, 2 * np.pi, 2 * count + 1)
    rows, turns = (grid.ravel() for grid in np.meshgrid(up, around, indexing="ij"))
    normals = np.stack([np.sin(rows) * np.sin(turns), np.cos(rows), np.sin(rows) * np.cos(turns)], 1)
    normals = normals.astype(np.float32)
    wide = 2 * count + 1
    corner = np.arange((count - 1) * wide).reshape(count - 1, wide)[:, :-1].ravel()
    faces = np.concatenate(
        [
            np.stack([corner, corner + wide, corner + wide + 1], 1),
            np.stack([corner, corner + wide + 1, corner + 1], 1),
        ]
    )
    uvs = np.stack([turns / (2 * np.pi), rows / np.pi], 1)
    return figure(normals / 2, faces, (material,), normals=normals, uvs=uvs)


@pytest.fixture(scope="module")
def head() -> Figure:
    return load()


@pytest.fixture(scope="module")
def small(head: Figure) -> Mesh:
    return Mesh(head, framed(head), (128, 128))


def test_the_same_pose_gives_the_same_picture(small: Mesh) -> None:
    first = small.draw(REST).copy()
    small.draw(values(jawOpen=1, eyeBlink_=1, headYaw=0.4))
    assert (small.draw(REST) == first).all()
    assert first.shape == (128, 128, 3)
    assert first.std() > 20


def test_any_number_of_threads_draws_the_same(small: Mesh) -> None:
    import numba

    pose = values(jawOpen=0.5, headYaw=0.2)
    many = small.draw(pose).copy()
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        assert (small.draw(pose) == many).all()
    finally:
        numba.set_num_threads(before)


def test_transparent_laid_on_black_is_black_behind(head: Figure) -> None:
    camera = framed(head, yaw=0.5)
    opaque = Mesh(head, camera, (96, 96), BLACK).draw(REST).astype(int)
    clear = Mesh(head, camera, (96, 96), CLEAR).draw(REST).astype(float)
    assert clear.shape == (96, 96, 4)
    assert np.abs(clear[..., :3] * clear[..., 3:] / 255 - opaque).max() <= 2


def test_an_open_jaw_changes_the_lower_face_alone(small: Mesh) -> None:
    before = small.draw(REST).copy().astype(int)
    changed = np.abs(small.draw(values(jawOpen=0.6)).astype(int) - before).max(2) > 2
    rows, columns = np.nonzero(changed)
    assert changed.mean() > 0.005
    assert rows.min() > 128 * 0.36  # a little of the temples
    assert np.quantile(rows, 0.05) > 128 * 0.45
    assert columns.min() > 128 * 0.2
    assert columns.max() < 128 * 0.8


def test_a_blink_leaves_the_mouth(small: Mesh) -> None:
    before = small.draw(REST).copy()
    assert (small.draw(values(eyeBlink_=1))[75:] == before[75:]).all()


def test_what_does_not_move_stays(head: Figure) -> None:
    mesh = Mesh(head, framed(head), (96, 96), CLEAR)
    before = mesh.draw(REST).copy()
    turned = mesh.draw(values(headYaw=0.3)).copy()
    both_empty = (before[..., 3] == 0) & (turned[..., 3] == 0)
    assert both_empty.mean() > 0.2
    assert (turned[both_empty] == 0).all()


@pytest.mark.parametrize("yaw", [0.0, 0.5])
def test_seen_from_the_other_side_it_is_the_mirror_image(yaw: float) -> None:
    middle = Light(
        Lamp((0, 0.5, 1), (1, 1, 1)), Lamp((0, -1, 1), (0.2, 0.2, 0.2)), Lamp((0, 1, -1), (1, 1, 1)),
        (0.3, 0.3, 0.3), (0.1, 0.1, 0.1),
    )  # fmt: skip
    one = ball(Material("skin", np.array([0.6, 0.4, 0.3, 1], np.float32)))
    left, right = (
        Mesh(one, framed(one, yaw=turn), (128, 128), BLACK, light=middle).draw(REST).astype(int)
        for turn in (yaw, -yaw)
    )
    off = np.abs(left - right[:, ::-1]).max(2)
    assert left.mean() > 10
    assert (off > 3).mean() < 0.01


def test_edges_are_soft_and_nothing_else(head: Figure) -> None:
    camera = framed(head)
    hard = Mesh(head, camera, (96, 96), CLEAR, antialias=False).draw(REST)[..., 3].astype(int)
    soft = Mesh(head, camera, (96, 96), CLEAR).draw(REST)[..., 3].astype(int)
    assert set(np.unique(hard)) == {0, 255}
    assert set(np.unique(soft)) == {0, 63, 127, 191, 255}
    around = np.stack([np.roll(hard, (y, x), (0, 1)) for y in (-1, 0, 1) for x in (-1, 0, 1)])
    inner, outer = (around.min(0) == 255)[2:-2, 2:-2], (around.max(0) == 0)[2:-2, 2:-2]
    assert (soft[2:-2, 2:-2][inner] < 255).mean() < 0.05  # hair is soft within
    assert (soft[2:-2, 2:-2][outer] > 0).mean() < 0.02
    assert abs(soft.mean() - hard.mean()) < 2


def test_a_closed_surface_has_no_holes() -> None:
    one = ball(WHITE, 40)
    alpha = Mesh(one, framed(one), (255, 255), CLEAR).draw(REST)[..., 3]
    ys, xs = np.nonzero(alpha)
    radius = (ys.max() - ys.min()) / 2
    away = np.hypot(*(np.mgrid[:255, :255] - np.array([ys.mean(), xs.mean()])[:, None, None]))
    assert (alpha[away < radius - 2] == 255).all()
    assert radius > 20


def brute(screen: np.ndarray, faces: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Nearest triangle of each sample, and whether it is beyond doubt: far from edges and other depths."""
    ys, xs = np.mgrid[: size[0], : size[1]] + 0.5
    near, best = np.zeros(size), np.full(size, -1)
    second, sure = np.zeros(size), np.ones(size, bool)
    for t, face in enumerate(faces):
        (ax, ay, az), (bx, by, bz), (cx, cy, cz) = screen[face].astype(float)
        twice = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
        u = ((xs - ax) * (cy - ay) - (cx - ax) * (ys - ay)) / twice
        v = ((bx - ax) * (ys - ay) - (xs - ax) * (by - ay)) / twice
        inside = np.minimum(np.minimum(u, v), 1 - u - v)
        sure &= np.abs(inside) > 1e-3
        z = np.where(inside > 0, az + u * (bz - az) + v * (cz - az), 0)
        front = z > near
        second = np.where(front, near, np.maximum(second, z))
        near, best = np.where(front, z, near), np.where(front, t, best)
    return best, sure & ((near - second > 1e-4) | (near == 0))


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("size", [(64, 48), (33, 71)])
def test_the_nearest_is_seen(size: tuple[int, int], masked: bool) -> None:
    rng = np.random.default_rng(5)
    screen = np.empty((90, 3), np.float32)
    screen[:, 0], screen[:, 1] = rng.uniform(-20, 90, 90), rng.uniform(-20, 90, 90)
    screen[:, 2] = rng.uniform(0.5, 2, 90)
    faces = np.arange(90).reshape(30, 3)
    whole = np.full((2, 2, 4), 255, np.uint8)
    material = Material("leaf", np.ones(4, np.float32), whole, 1.0, 0.5 if masked else 0.0, True)
    one = figure(np.zeros((90, 3), np.float32), faces, (material,))
    sight = Visibility(one, Textures(one.materials), size, antialias=not masked)  # soft masks skip rows
    near = np.empty((-(-size[0] // BAND), BAND, size[1]), np.float32)
    triangle = np.empty(near.shape, np.int32)
    for band in range(len(near)):
        see(sight.sight(screen), band, near[band], triangle[band])
    near, triangle = (seen.reshape(-1, size[1])[: size[0]] for seen in (near, triangle))
    best, sure = brute(screen, faces, size)
    assert sure.mean() > 0.8
    assert (triangle == best)[sure].all()
    assert ((near > 0) == (triangle >= 0)).all()


def test_backs_are_seen_only_of_what_has_two_sides() -> None:
    behind = Camera(np.array([0, 0, -1], np.float32), np.zeros(3, np.float32), np.pi / 2)
    one, two = WHITE, dataclasses.replace(WHITE, double_sided=True)
    assert not Mesh(square(one, 0.5), behind, (16, 16), BLACK).draw(REST).any()
    assert Mesh(square(two, 0.5), behind, (16, 16), BLACK).draw(REST)[8, 8].min() > 0
    assert Mesh(square(one, 0.5), AHEAD, (16, 16), BLACK).draw(REST)[8, 8].min() > 30


def test_what_is_behind_the_camera_is_not_seen() -> None:
    assert not Mesh(square(WHITE, 0.5, z=1.5), AHEAD, (16, 16), BLACK).draw(REST).any()
    assert not Mesh(square(WHITE, 0.5, z=1.0), AHEAD, (16, 16), BLACK).draw(REST).any()


@pytest.mark.parametrize("antialias", [True, False])
def test_a_picture_lies_where_its_coordinates_say(antialias: bool) -> None:
    board = np.zeros((8, 8, 4), np.uint8)
    board[..., 3] = 255
    board[(np.add.outer(range(8), range(8)) % 2) == 0] = 255
    board[0, 0] = 255, 0, 0, 255
    material = dataclasses.replace(WHITE, picture=board)
    out = Mesh(square(material), AHEAD, (128, 128), BLACK, antialias).draw(REST).astype(int)
    middles = out[8::16, 8::16]
    light = middles[..., 1] > 150
    expected = (np.add.outer(range(8), range(8)) % 2) == 0
    expected[0, 0] = False
    assert (light == expected).all()
    assert middles[0, 0, 0] > 150  # red in the upper left, as v runs down
    assert middles[~expected][1:].max() < 100


def test_a_fine_picture_seen_from_afar_is_its_mean() -> None:
    rng = np.random.default_rng(2)
    noise = np.full((256, 256, 4), 255, np.uint8)
    noise[..., :3] = rng.integers(0, 2, (256, 256, 1)) * 255
    far = Camera(np.array([0, 0, 1], np.float32), np.zeros(3, np.float32), np.pi / 2)
    out = Mesh(square(dataclasses.replace(WHITE, picture=noise)), far, (16, 16), BLACK).draw(REST)
    plain = dataclasses.replace(WHITE, colour=np.array([0.5, 0.5, 0.5, 1], np.float32))
    grey = Mesh(square(plain), far, (16, 16), BLACK).draw(REST)
    assert np.abs(out.astype(int) - grey).max() < 25


def test_half_covered_is_half_seen() -> None:
    half = np.full((4, 4, 4), 255, np.uint8)
    half[..., 3] = 128
    veil = dataclasses.replace(WHITE, picture=half, cutout=0.5)
    alpha = Mesh(square(veil, 0.5), AHEAD, (32, 32), CLEAR).draw(REST)[16, 16, 3]
    assert alpha == 127
    gone = dataclasses.replace(veil, colour=np.array([1, 1, 1, 0.1], np.float32))
    assert not Mesh(square(gone, 0.5), AHEAD, (32, 32), CLEAR).draw(REST).any()


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (31, 64), (65, 33), (2, 200)])
@pytest.mark.parametrize("antialias", [True, False])
def test_any_size(size: tuple[int, int], antialias: bool) -> None:
    one = ball(WHITE, 8)
    camera = Camera(np.array([0, 0, 2], np.float32), np.zeros(3, np.float32), 0.3)
    out = Mesh(one, camera, size, BLACK, antialias).draw(REST)
    assert out.shape == (*size, 3)
    assert out[size[0] // 2, size[1] // 2].min() > 0


def test_sizes_of_a_picture_that_is_no_power_of_two() -> None:
    picture = np.full((5, 3, 4), 255, np.uint8)
    picture[:2, :, :3] = 0
    out = Mesh(square(dataclasses.replace(WHITE, picture=picture)), AHEAD, (64, 64), BLACK).draw(REST)
    assert out[5, 32].max() < 60
    assert out[50, 32].min() > 60


def test_what_takes_no_light_is_as_painted() -> None:
    colour = np.full((2, 2, 4), (200, 100, 50, 255), np.uint8)
    sticker = dataclasses.replace(WHITE, name="skin", picture=colour, unlit=True)
    out = Mesh(square(sticker), AHEAD, (16, 16), BLACK).draw(REST)
    assert np.abs(out.astype(int) - [200, 100, 50]).max() <= 1


def test_tints_of_points_are_multiplied_in() -> None:
    one = dataclasses.replace(
        square(dataclasses.replace(WHITE, unlit=True)), tints=np.ones((4, 3), np.float32)
    )
    one.tints[[1, 2]] = 0, 1, 1
    out = Mesh(one, AHEAD, (16, 16), BLACK).draw(REST).astype(int)
    assert (np.diff(out[8, :, 0]) < 0).all()
    assert (out[..., 1:] >= 254).all()


def test_names_say_how_materials_look() -> None:
    names = ["Skin_Face", "eyes", "eyelashes", "Brows", "teeth", "Tongue01", "hair.001", "shirt", ""]
    materials = [dataclasses.replace(WHITE, name=name) for name in names]
    expected = [
        shading.SKIN, shading.EYES, shading.LASHES, shading.LASHES, shading.MOUTH, shading.MOUTH,
        shading.HAIR, shading.PLAIN, shading.PLAIN,
    ]  # fmt: skip
    assert shading.kinds(materials).tolist() == expected


def test_teeth_grow_darker_as_the_lips_close(head: Figure) -> None:
    mesh = Mesh(head, framed(head), (32, 32))
    inside = np.flatnonzero(mesh._kinds == shading.MOUTH)

    def reached(pose: Array) -> float:
        mesh.draw(pose)
        return float(mesh._openings.share[inside].mean())

    shares = [reached(values(jawOpen=amount)) for amount in (0.0, 0.25, 0.5, 1.0)]
    assert shares == sorted(shares)
    assert shares[0] < 0.1
    assert shares[-1] > 0.15


def test_a_camera_may_move(small: Mesh, head: Figure) -> None:
    before = small.draw(REST).copy()
    own = small.camera
    small.camera = framed(head, yaw=0.8)
    aside = small.draw(REST).copy()
    small.camera = own
    assert (aside != before).mean() > 0.2
    assert (small.draw(REST) == before).all()


def test_backgrounds() -> None:
    plain = Background((10, 20, 30), (10, 20, 30)).paint((4, 6))
    assert plain.shape == (4, 6, 3)
    assert (plain == [10, 20, 30]).all()
    down = Background((200, 200, 200), (0, 0, 0)).paint((64, 8)).astype(int)
    assert (np.diff(down.mean((1, 2))) < 0).all()
    photo = np.zeros((20, 40, 3), np.uint8)
    photo[:, 10:30] = 255  # the middle, which is all that a square shows
    assert (Background(picture=photo).paint((20, 20)) == 255).all()
    assert (Background(picture=photo).paint((7, 7))[:, 1:-1] == 255).all()
    assert (Background(picture=photo).paint((60, 60))[:, 3:-3] == 255).all()
    assert Background(picture=photo).paint((20, 40)).tolist() == photo.tolist()


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Background((0, 0, 300)), "Background.top must be red, green and blue of 0..255"),
        (lambda: Background(bottom=(0, 0)), "Background.bottom must be"),  # type: ignore[arg-type]
        (lambda: Background(picture=np.zeros((4, 4), np.uint8)), r"Background.picture must be \(h, w, 3\)"),
        (
            lambda: Background(picture=np.zeros((4, 4, 3), np.uint8), transparent=True),
            "transparent and has a picture; choose one",
        ),
        (lambda: Mesh(square(WHITE), AHEAD, (0, 8)), "size must be a height and a width of 1..8192"),
        (lambda: Mesh(square(WHITE), AHEAD, (8, 9000)), "size must be a height and a width of 1..8192"),
    ],
)
def test_what_cannot_be_is_refused(make, sentence: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=sentence):
        make()


def test_light_is_brightest_where_it_comes_from() -> None:
    one = ball(WHITE)
    out = Mesh(one, framed(one), (64, 64), BLACK).draw(REST).astype(int).sum(2)
    assert STUDIO.key.towards[0] > 0  # from the subject's left, which is the right of the picture
    assert out[:32, 32:].mean() > 1.2 * out[32:, :32].mean()
