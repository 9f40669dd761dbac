"""Laws of heads made of Gaussians: what is drawn is what the formula says, in whatever order they come."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("numba", reason="rendering needs voxrig[render]")

from voxrig.avatar.figure import Figure, Material, Moves
from voxrig.errors import FormatError, OutputError
from voxrig.render.background import Background
from voxrig.render.camera import Camera
from voxrig.render.posing import Posing
from voxrig.render.splat import Bases, Cloud, CpuRaster, Gaussians, Splat, bind, file, ply, rest, sprout
from voxrig.render.splat.binding import Binding, quaternions, turns
from voxrig.rigs.native import NATIVE

Loose = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""Means, covariances, colours and opacities."""
NEUTRAL = np.zeros(len(NATIVE), np.float32)
FRONT = Camera(np.array([0, 0, 0.8], np.float32), np.zeros(3, np.float32), 0.35)
BLACK = np.zeros(3, np.float32)


def ball(rows: int = 24, shapes: tuple[str, ...] = ("jawOpen",)) -> Figure:
    """A ball of skin, 20 cm wide, that turns with the head; jawOpen lowers its lower half by 2 cm."""
    up, round_ = np.meshgrid(np.linspace(0, np.pi, rows), np.linspace(0, 2 * np.pi, 2 * rows), indexing="ij")
    points = np.stack([np.sin(up) * np.sin(round_), np.cos(up), np.sin(up) * np.cos(round_)], 2).reshape(
        -1, 3
    )
    at = np.arange(rows * 2 * rows).reshape(rows, 2 * rows)
    a, b, c, d = at[:-1, :-1], at[1:, :-1], at[1:, 1:], at[:-1, 1:]
    faces = np.concatenate([np.stack([a, b, c], 2).reshape(-1, 3), np.stack([a, c, d], 2).reshape(-1, 3)])
    low = np.flatnonzero(points[:, 1] < 0)
    count = np.zeros(len(points), np.int64)
    count[low] = 1
    shares = np.zeros((len(points), 5), np.float32)
    shares[:, 2] = 1
    pivots = np.array([[0, 0, 0], [0, -0.1, 0], [0, -0.05, 0], [0.03, 0, 0.08], [-0.03, 0, 0.08]], np.float32)
    return Figure(
        points=(points * 0.1).astype(np.float32),
        normals=points.astype(np.float32),
        uvs=np.stack([round_ / (2 * np.pi), up / np.pi], 2).reshape(-1, 2).astype(np.float32),
        faces=faces.astype(np.int32),
        material=np.zeros(len(faces), np.int32),
        materials=(Material("skin", np.array([0.5, 0.25, 0.15, 1], np.float32)),),
        shapes=shapes,
        moves=Moves(
            np.concatenate([[0], np.cumsum(count)]).astype(np.int32),
            np.zeros(len(low), np.int32),
            np.tile(np.array([0, -0.02, 0], np.float32), (len(low), 1)),
        ),
        shares=shares,
        pivots=pivots,
    )


def scattered(figure: Figure, count: int, seed: int = 0, harmonics: int = 0) -> Gaussians:
    rng = np.random.default_rng(seed)
    corner = rng.dirichlet((1, 1, 1), count)[:, 1:]
    turn = rng.normal(0, 1, (count, 4))
    parts = (
        corner, rng.normal(0, 0.3, (count, 3)), turn / np.linalg.norm(turn, axis=1, keepdims=True),
        np.exp(rng.normal(-0.5, 0.6, (count, 3))), rng.uniform(0.02, 1, count), rng.random((count, 3)),
        rng.normal(0, 0.1, (count, harmonics, 3)),
    )  # fmt: skip
    triangle = rng.integers(0, len(figure.faces), count).astype(np.int32)
    corners, offset, rotation, scale, opacity, colour, rest_ = (np.asarray(p, np.float32) for p in parts)
    return Gaussians(triangle, corners, offset, rotation, scale, opacity, colour, rest_)


def loose(count: int, seed: int = 0) -> Loose:
    """Means, covariances, colours and opacities of Gaussians before FRONT, some outside of the picture."""
    rng = np.random.default_rng(seed)
    shape = rng.normal(0, 1, (count, 3, 3)) * np.exp(rng.normal(-5, 0.7, (count, 1, 1)))
    whole = shape @ shape.transpose(0, 2, 1)
    flat = whole[:, [0, 0, 0, 1, 1, 2], [0, 1, 2, 1, 2, 2]]
    means = rng.uniform(-0.17, 0.17, (count, 3))
    colours, opacities = rng.random((count, 3)), rng.uniform(0, 1, count)
    return _floats(means, flat, colours, opacities)


def by_hand(
    means: np.ndarray, covariances: np.ndarray, colours: np.ndarray, opacities: np.ndarray,
    camera: Camera, size: tuple[int, int],
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """The rule as it is written, in doubles: colour on black (h, w, 3) and what shines through (h, w)."""
    height, width = size
    view, focal = camera.view().astype(np.float64), camera.focal(height)
    place = means @ view[:3, :3].T + view[:3, 3]
    y, x = np.mgrid[:height, :width] + 0.5
    light, out = np.ones(size), np.zeros((*size, 3))
    for i in np.argsort(-place[:, 2], kind="stable"):
        px, py, depth = place[i, 0], place[i, 1], -place[i, 2]
        if depth <= 0.01:
            continue
        whole = np.zeros((3, 3))
        whole[np.triu_indices(3)] = covariances[i]
        whole = whole + np.triu(whole, 1).T
        u = np.clip(px / depth, -0.65 * width / focal, 0.65 * width / focal)
        v = np.clip(py / depth, -0.65 * height / focal, 0.65 * height / focal)
        jacobian = focal / depth * np.array([[1, 0, u], [0, -1, -v]])
        flat = jacobian @ view[:3, :3] @ whole @ view[:3, :3].T @ jacobian.T + 0.3 * np.eye(2)
        inverse = np.linalg.inv(flat)
        dx, dy = x - width / 2 - focal * px / depth, y - height / 2 + focal * py / depth
        power = -0.5 * (inverse[0, 0] * dx * dx + 2 * inverse[0, 1] * dx * dy + inverse[1, 1] * dy * dy)
        alpha = np.where(power < -5.5, 0, np.minimum(0.99, opacities[i] * np.exp(power)))
        alpha = np.where(light < 0.005, 0, alpha)
        out += (alpha * light)[:, :, None] * colours[i]
        light *= 1 - alpha
    return out, light


def drawn(parts: Loose, size: tuple[int, int], ground: np.ndarray | None = BLACK) -> np.ndarray:
    means, covariances, colours, opacities = parts
    view, focal = FRONT.view(), FRONT.focal(size[0])
    return CpuRaster().draw(means, covariances, colours, opacities, view, focal, size, ground).copy()


@pytest.mark.parametrize("size", [(64, 64), (61, 83), (1, 1), (17, 200)], ids=str)
def test_pictures_are_those_of_the_formula(size: tuple[int, int]) -> None:
    parts = loose(500)
    exact = by_hand(*parts, FRONT, size)[0]
    ours = drawn(parts, size) / 255
    assert np.abs(ours - np.clip(exact, 0, 1)).mean() < 1 / 255
    assert (
        np.abs(ours - np.clip(exact, 0, 1)).max() < 4 / 255
    )  # a pixel that is done at 0.5 % may go on for a row


def test_one_round_gaussian_is_the_bell_that_it_is() -> None:
    deviation, opacity, colour = 0.012, 0.8, np.array([1.0, 0.5, 0.25])
    parts = (
        np.zeros((1, 3), np.float32),
        np.array([[1, 0, 0, 1, 0, 1]], np.float32) * np.float32(deviation**2),
        colour[None].astype(np.float32),
        np.array([opacity], np.float32),
    )
    y, x = np.mgrid[:96, :96] + 0.5 - 48.0
    spread = (deviation * FRONT.focal(96) / 0.8) ** 2 + 0.3
    power = -(x * x + y * y) / (2 * spread)
    bell = np.where(power < -5.5, 0, opacity * np.exp(power))[:, :, None] * colour * 255
    assert np.abs(drawn(parts, (96, 96)) - bell).max() < 1.0


def test_the_order_in_memory_does_not_matter() -> None:
    parts = loose(2000)
    mixed = np.random.default_rng(1).permutation(2000)
    assert np.array_equal(drawn(parts, (80, 80)), drawn(_floats(*(part[mixed] for part in parts)), (80, 80)))


def test_nearer_ones_hide_farther_ones() -> None:
    means = np.array([[0, 0, 0.1], [0, 0, -0.1]], np.float32)
    wide = np.tile(np.array([[1, 0, 0, 1, 0, 1]], np.float32) * np.float32(0.05**2), (2, 1))
    colours = np.array([[1, 0, 0], [0, 1, 0]], np.float32)
    parts = (means, wide, colours, np.full(2, 0.99, np.float32))
    assert drawn(parts, (33, 33))[16, 16].tolist()[0] > 250
    assert drawn((means[::-1].copy(), *parts[1:]), (33, 33))[16, 16].tolist()[1] > 250


def test_a_transparent_picture_laid_on_a_colour_is_the_opaque_one() -> None:
    parts, ground = loose(300), np.array([0.2, 0.5, 0.7], np.float32)
    clear = drawn(parts, (70, 50), None).astype(np.float64) / 255
    laid = clear[:, :, :3] * clear[:, :, 3:] + ground * (1 - clear[:, :, 3:])
    assert clear.shape == (70, 50, 4)
    assert np.abs(laid - drawn(parts, (70, 50), ground) / 255).max() < 2.1 / 255


def test_what_cannot_be_seen_changes_nothing() -> None:
    parts = loose(200)
    behind = np.array([[0, 0, 0.9], [0, 0, 0.795], [5, 0, 0], [0, 0, 0]], np.float32)
    more = (
        np.concatenate([parts[0], behind]),
        np.concatenate([parts[1], np.full((4, 6), 1e-6, np.float32)]),
        np.concatenate([parts[2], np.ones((4, 3), np.float32)]),
        np.concatenate([parts[3], np.array([1, 1, 1, 0], np.float32)]),
    )
    assert np.array_equal(drawn(parts, (64, 64)), drawn(more, (64, 64)))


def test_numbers_that_are_none_are_not_drawn() -> None:
    parts = loose(50)
    broken = [part.copy() for part in parts]
    broken[0][:10] = np.nan
    broken[3][10:20] = np.nan
    broken[1][20:25] = np.inf
    broken[1][25:30] *= np.float32(-1e30)
    left = [part[30:] for part in parts]
    assert np.array_equal(drawn(_floats(*broken), (64, 64)), drawn(_floats(*left), (64, 64)))


def test_nothing_to_draw_is_the_background() -> None:
    none = _floats(*(part[:0] for part in loose(1)))
    assert (drawn(none, (20, 30), np.array([1, 0, 0], np.float32)) == [255, 0, 0]).all()
    with pytest.raises(ValueError, match=r"background must be \(3,\)"):
        drawn(none, (20, 30), np.zeros((20, 31, 3), np.float32))
    with pytest.raises(ValueError, match="1 by 1 pixel at least"):
        drawn(none, (0, 30))


def test_a_raster_draws_what_a_fresh_one_does_whatever_came_before() -> None:
    raster = CpuRaster()
    for count, size in ((500, (64, 64)), (20, (64, 64)), (900, (40, 130)), (20, (64, 64))):
        parts = loose(count, count)
        again = raster.draw(*parts, FRONT.view(), FRONT.focal(size[0]), size, BLACK)
        assert np.array_equal(again, drawn(parts, size))


def test_one_thread_draws_what_many_do(tmp_path: Path) -> None:
    code = (
        "import sys, numpy as np, numba; numba.set_num_threads(int(sys.argv[2]))\n"
        "from test_render_splat import drawn, loose\n"
        "np.save(sys.argv[1], drawn(loose(800), (96, 96)))"
    )
    import numba

    found = []
    for count in (1, numba.config.NUMBA_NUM_THREADS):
        out = tmp_path / f"{count}.npy"
        done = [sys.executable, "-c", code, str(out), str(count)]
        subprocess.run(done, check=True, cwd=Path(__file__).parent)
        found.append(np.load(out))
    assert np.array_equal(found[0], found[-1])


def test_gaussians_follow_a_turn_of_the_head_exactly() -> None:
    figure = ball()
    gaussians = scattered(figure, 400)
    values = NEUTRAL.copy()
    values[NATIVE.index("headYaw")], values[NATIVE.index("headPitch")] = 0.5, 0.2
    posing, still, turned = Posing(figure), Binding(figure, gaussians), Binding(figure, gaussians)
    still.carry(figure.points, NEUTRAL[None], FRONT.eye, np.eye(3, 4, dtype=np.float32))
    posing.pose(values)
    head = posing.turns(values)[2]
    turned.carry(posing.points, values[None], FRONT.eye, head)
    turn, shift = head[:, :3].astype(np.float64), head[:, 3]
    assert np.abs(still.means @ turn.T + shift - turned.means).max() < 2e-6
    assert np.abs(turn @ _whole(still.covariances) @ turn.T - _whole(turned.covariances)).max() < 1e-8


def test_the_world_is_as_the_definition_says() -> None:
    figure = ball()
    gaussians = scattered(figure, 200)
    binding = Binding(figure, gaussians)
    binding.carry(figure.points, NEUTRAL[None], FRONT.eye, np.eye(3, 4, dtype=np.float32))
    cloud = rest(figure, gaussians)
    real = np.linalg.norm(np.cross(*_sides(figure, gaussians)), axis=1) > 1e-9
    for i in np.flatnonzero(real)[:50]:
        a, b, c = figure.points[figure.faces[gaussians.triangle[i]]].astype(np.float64)
        normal = np.cross(b - a, c - a)
        size = np.sqrt(np.linalg.norm(normal))
        normal /= np.linalg.norm(normal)
        tangent = (b - a) / np.linalg.norm(b - a)
        frame = np.stack([tangent, np.cross(normal, tangent), normal], 1)
        u, v = gaussians.corner[i]
        mean = a + u * (b - a) + v * (c - a) + size * frame @ gaussians.offset[i]
        axes = frame @ turns(gaussians.rotation[i : i + 1])[0] * (gaussians.scale[i] * size)
        assert np.abs(binding.means[i] - mean).max() < 1e-6
        assert (
            np.abs(_whole(binding.covariances)[i] - axes @ axes.T).max() < 1e-5 * np.abs(axes @ axes.T).max()
        )
        assert np.abs(cloud.means[i] - mean).max() < 1e-6
    assert np.isfinite(binding.means).all()
    assert np.isfinite(binding.covariances).all()


def test_moving_the_camera_moves_no_gaussian() -> None:
    figure = ball()
    splat = Splat(figure, scattered(figure, 300), FRONT, (48, 48))
    first = splat.draw(NEUTRAL).copy()
    means = splat._binding.means.copy()
    splat.camera = Camera(np.array([0.3, 0.1, 0.7], np.float32), FRONT.target, FRONT.fov)
    second = splat.draw(NEUTRAL).copy()
    assert np.array_equal(means, splat._binding.means)
    assert not np.array_equal(first, second)
    splat.camera = FRONT
    assert np.array_equal(first, splat.draw(NEUTRAL))


def bases(count: int, shapes: tuple[str, ...], seed: int = 0) -> Bases:
    rng = np.random.default_rng(seed)
    moves = rng.normal(0, 0.3, (3, count, 13)).astype(np.float32)
    return Bases(moves, rng.normal(0, 1, (3, len(shapes) + 1)).astype(np.float32), shapes)


def test_bases_at_rest_change_nothing() -> None:
    figure, gaussians = ball(), scattered(ball(), 300, harmonics=3)
    some = bases(300, ("jawOpen",))
    some.mix[:, -1] = 0
    plain = Splat(figure, gaussians, FRONT, (64, 64)).draw(NEUTRAL)
    based = Splat(figure, dataclasses.replace(gaussians, bases=some), FRONT, (64, 64))
    assert np.array_equal(plain, based.draw(NEUTRAL))
    values = NEUTRAL.copy()
    values[NATIVE.index("jawOpen")] = 0.7
    assert not np.array_equal(Splat(figure, gaussians, FRONT, (64, 64)).draw(values), based.draw(values))
    assert np.array_equal(plain, based.draw(NEUTRAL))


def test_bases_move_what_they_say() -> None:
    figure, n = ball(), 60
    gaussians = scattered(figure, n)
    some = bases(n, ("jawOpen", "mouthPucker"))
    values = NEUTRAL.copy()
    values[NATIVE.index("jawOpen")], values[NATIVE.index("mouthPucker")] = 0.6, 0.3
    far = some.mix @ np.array([0.6, 0.3, 1])
    d = np.einsum("k,knj->nj", far, some.moves)
    angle = np.linalg.norm(d[:, 6:9], axis=1, keepdims=True)
    own = np.concatenate([np.cos(angle / 2), np.sin(angle / 2) * d[:, 6:9] / angle], 1)
    odds = gaussians.opacity / (1 - gaussians.opacity) * np.exp(d[:, 9])
    moved = Gaussians(
        gaussians.triangle,
        gaussians.corner,
        (gaussians.offset + d[:, :3]).astype(np.float32),
        quaternions(turns(gaussians.rotation) @ turns(own)),
        (gaussians.scale * np.exp(d[:, 3:6])).astype(np.float32),
        (odds / (1 + odds)).astype(np.float32),
        np.maximum(gaussians.colour + d[:, 10:], 0).astype(np.float32),
        gaussians.harmonics,
    )
    one, two = Binding(figure, dataclasses.replace(gaussians, bases=some)), Binding(figure, moved)
    for binding in (one, two):
        binding.carry(figure.points, values[None], FRONT.eye, np.eye(3, 4, dtype=np.float32))
    assert np.allclose(one.means, two.means, atol=1e-6)
    assert np.allclose(one.covariances, two.covariances, rtol=2e-3, atol=1e-9)
    assert np.allclose(one.colours, two.colours, atol=1e-5)
    assert np.allclose(one.opacities, two.opacities, atol=1e-4)


def test_colours_by_side_turn_with_the_head() -> None:
    figure = ball()
    gaussians = scattered(figure, 100, harmonics=15)
    binding, posing = Binding(figure, gaussians), Posing(figure)
    binding.carry(figure.points, NEUTRAL[None], FRONT.eye, np.eye(3, 4, dtype=np.float32))
    before = binding.colours.copy()
    values = NEUTRAL.copy()
    values[NATIVE.index("headYaw")] = 0.6
    posing.pose(values)
    head = posing.turns(values)[2]
    binding.carry(
        posing.points, values, head[:, :3] @ FRONT.eye + head[:, 3], head
    )  # the eye goes with the head
    assert np.abs(before - binding.colours).max() < 1e-5
    binding.carry(posing.points, values[None], FRONT.eye, head)
    assert np.abs(before - binding.colours).max() > 1e-2


def test_harmonics_are_those_of_gaussian_splatting() -> None:
    """Against scipy's spherical harmonics, made real, with the signs of the reference implementation."""
    special = pytest.importorskip("scipy.special")
    figure, n = ball(), 40
    plain = dataclasses.replace(
        scattered(figure, n),
        colour=np.full((n, 3), 2, np.float32),
        harmonics=np.zeros((n, 15, 3), np.float32),
    )
    where = Binding(figure, plain)
    where.carry(figure.points, NEUTRAL[None], FRONT.eye, np.eye(3, 4, dtype=np.float32))
    way = (where.means - FRONT.eye).astype(np.float64)
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    up, round_ = np.arccos(way[:, 2]), np.arctan2(way[:, 1], way[:, 0])
    k = 0
    for degree in (1, 2, 3):
        for order in range(-degree, degree + 1):
            complex_ = special.sph_harm_y(degree, abs(order), up, round_)
            part = complex_.imag if order < 0 else complex_.real
            wanted = part * (np.sqrt(2) if order else 1)  # scipy's has (-1)^order in it, as the reference
            harmonics = np.zeros((n, 15, 3), np.float32)
            harmonics[:, k] = 1
            binding = Binding(figure, dataclasses.replace(plain, harmonics=harmonics))
            binding.carry(figure.points, NEUTRAL[None], FRONT.eye, np.eye(3, 4, dtype=np.float32))
            assert np.abs(binding.colours[:, 0] - 2 - wanted).max() < 1e-5, (degree, order)
            k += 1


def test_sprouting_is_repeatable_and_covers_the_figure() -> None:
    figure = ball()
    one, two = sprout(figure, 4000), sprout(figure, 4000)
    for field in dataclasses.fields(Gaussians):
        if field.name not in ("bases", "listener"):
            assert np.array_equal(getattr(one, field.name), getattr(two, field.name)), field.name
    assert abs(len(one) - 4000) < 200
    picture = Splat(figure, one, FRONT, (96, 96), Background(transparent=True)).draw(NEUTRAL)
    y, x = np.mgrid[:96, :96] + 0.5 - 48
    inside = np.hypot(x, y) < 0.85 * 0.1 * FRONT.focal(96) / 0.8
    outside = np.hypot(x, y) > 1.15 * 0.1 * FRONT.focal(96) / 0.8
    assert picture[inside, 3].min() > 0.94 * 255  # no gaps
    assert picture[outside, 3].max() < 10
    with pytest.raises(ValueError, match="100 Gaussians at least"):
        sprout(figure, 5)


def test_the_side_that_looks_away_is_not_drawn() -> None:
    figure = ball()
    gaussians = sprout(figure, 3000)
    binding = Binding(figure, gaussians)
    binding.carry(figure.points, NEUTRAL[None], FRONT.eye, np.eye(3, 4, dtype=np.float32))
    assert (binding.opacities[binding.means[:, 2] < -0.06] == 0).all()
    assert (binding.opacities[binding.means[:, 2] > 0.02] > 0).all()


@pytest.mark.parametrize("harmonics", [0, 3, 8, 15])
def test_ply_gives_back_what_it_got(harmonics: int, tmp_path: Path) -> None:
    cloud = rest(ball(), scattered(ball(), 300, harmonics=harmonics))
    ply.write(tmp_path / "head.ply", cloud)
    back = ply.read(tmp_path / "head.ply")
    for field in dataclasses.fields(Cloud):
        left, right = getattr(cloud, field.name), getattr(back, field.name)
        assert np.allclose(left, right, rtol=1e-4, atol=1e-5), field.name


def test_other_readers_understand_our_ply(tmp_path: Path) -> None:
    plyfile = pytest.importorskip("plyfile")
    cloud = rest(ball(), scattered(ball(), 50, harmonics=3))
    ply.write(tmp_path / "head.ply", cloud)
    vertex = plyfile.PlyData.read(tmp_path / "head.ply")["vertex"]
    assert np.allclose(vertex["y"], cloud.means[:, 1])
    assert np.allclose(np.exp(vertex["scale_2"]), cloud.scale[:, 2], rtol=1e-4)
    assert np.allclose(vertex["f_rest_4"], cloud.harmonics[:, 1, 1])  # three of red come first
    assert np.allclose(0.5 + 0.28209479 * vertex["f_dc_2"], cloud.colour[:, 2], atol=1e-5)


def test_a_cloud_that_is_bound_stands_where_it_stood() -> None:
    figure = ball()
    cloud = rest(figure, scattered(figure, 500))
    back = rest(figure, bind(figure, cloud))
    assert np.abs(cloud.means - back.means).max() < 1e-6
    assert np.allclose(cloud.scale, back.scale, rtol=1e-4)
    assert np.abs(turns(cloud.rotation) - turns(back.rotation)).max() < 1e-5


def test_binding_finds_the_nearest_triangle() -> None:
    figure, rng = ball(8), np.random.default_rng(3)
    means = rng.normal(0, 0.12, (60, 3)).astype(np.float32)
    still = np.tile(np.array([1, 0, 0, 0], np.float32), (60, 1))
    tiny = np.full((60, 3), 0.001, np.float32)
    cloud = Cloud(means, still, tiny, np.ones(60, np.float32), tiny, np.zeros((60, 0, 3), np.float32))
    bound = bind(figure, cloud)
    a, b, c = (figure.points[figure.faces[bound.triangle, k]] for k in range(3))
    foot = a + bound.corner[:, :1] * (b - a) + bound.corner[:, 1:] * (c - a)
    shares = rng.dirichlet((1, 1, 1), 4000)
    every = np.einsum("sk,fkj->fsj", shares, figure.points[figure.faces]).reshape(-1, 3)
    least = np.array([np.linalg.norm(every - mean, axis=1).min() for mean in means])
    assert (np.linalg.norm(means - foot, axis=1) <= least + 1e-6).all()
    assert (bound.corner >= 0).all()
    assert (bound.corner.sum(1) <= 1 + 1e-6).all()


def test_files_give_back_what_they_got(tmp_path: Path) -> None:
    figure = ball()
    gaussians = dataclasses.replace(scattered(figure, 200, harmonics=8), bases=bases(200, ("jawOpen",)))
    file.save(tmp_path / "head.npz", gaussians, figure)
    back = file.load(tmp_path / "head.npz", figure)
    for field in dataclasses.fields(Gaussians):
        if field.name not in ("bases", "listener"):
            left, right = getattr(gaussians, field.name), getattr(back, field.name)
            assert np.allclose(left, right, rtol=5e-3, atol=2e-3), field.name
            assert left.dtype == right.dtype
    assert back.bases is not None
    assert gaussians.bases is not None
    assert back.bases.shapes == gaussians.bases.shapes
    assert np.array_equal(back.bases.mix, gaussians.bases.mix)
    assert np.allclose(back.bases.moves, gaussians.bases.moves, atol=2e-3)


def test_a_file_of_another_avatar_is_refused(tmp_path: Path) -> None:
    figure = ball()
    file.save(tmp_path / "head.npz", scattered(figure, 20), figure)
    with pytest.raises(FormatError, match="are of another avatar"):
        file.load(tmp_path / "head.npz", ball(20))
    with pytest.raises(FormatError, match="cannot read Gaussians"):
        file.load(tmp_path / "none.npz", figure)
    with pytest.raises(OutputError, match="cannot write"):
        file.save(tmp_path / "none" / "head.npz", scattered(figure, 20), figure)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"version": np.array(2)}, "version 2; have 1"),
        ({"version": np.array("one")}, "version one; have 1"),
        ({"triangle": np.full(20, 10**6, np.int32)}, "hang on triangles beyond"),
        ({"triangle": np.zeros(0, np.int32)}, "must have 1 to"),
        ({"corner": np.zeros((19, 2), np.float16)}, "no finite corner"),
        ({"colour": np.full((20, 3), np.nan, np.float16)}, "no finite colour"),
        ({"harmonics": np.zeros((20, 4, 3), np.float16)}, "has 4 spherical harmonics"),
        ({"rotation": np.zeros((20, 4), np.float16)}, "rotations that are none"),
        ({"moves": np.zeros((1, 20, 13), np.float16)}, "without the shapes"),
        (
            {
                "moves": np.zeros((1, 20, 13), np.float16),
                "mix": np.zeros((1, 2), np.float32),
                "shapes": np.array(["jaw"]),
            },
            "none of the native rig",
        ),
    ],
    ids=lambda value: "" if isinstance(value, dict) else value,
)
def test_wrong_files_are_told(change: dict[str, np.ndarray], sentence: str, tmp_path: Path) -> None:
    figure, place = ball(), tmp_path / "head.npz"
    file.save(place, scattered(figure, 20), figure)
    with np.load(place) as data:
        parts = {name: data[name] for name in data.files}
    np.savez(place, **{**parts, **change})
    with pytest.raises(FormatError, match=sentence):
        file.load(place, figure)


HEAD = b"ply\nformat binary_little_endian 1.0\nelement vertex 1\n"
NAMES = [*"xyz", "f_dc_0", "f_dc_1", "f_dc_2", "opacity", *(f"scale_{k}" for k in range(3))]
NAMES += [f"rot_{k}" for k in range(4)]
ROWS = b"".join(b"property float %s\n" % name.encode() for name in NAMES)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "is no PLY"),
        (b"ply\nformat ascii 1.0\n", "is no PLY file, or its header does not end"),
        (b"ply\nformat ascii 1.0\nelement vertex 1\nend_header\n0 0 0\n", "format 'ascii 1.0'; have binary"),
        (b"ply\nformat binary_big_endian 1.0\nend_header\n", "binary_big_endian"),
        (HEAD + ROWS + b"end_header\n", "ends before its 1 Gaussians"),
        (HEAD.replace(b" 1\n", b" 99999999999\n") + ROWS + b"end_header\n", "1 to 4000000"),
        (HEAD.replace(b"vertex 1", b"vertex -1") + ROWS + b"end_header\n", "1 to 4000000"),
        (HEAD + b"property float x\nproperty float x\nend_header\n" + bytes(8), "repeat"),
        (HEAD + b"property list uchar int x\nend_header\n" + bytes(8), "is no number"),
        (HEAD + b"property float x\nend_header\n" + bytes(8), "lacks y, z"),
        (HEAD + ROWS + b"property float f_rest_0\nend_header\n" + bytes(60), "1 numbers f_rest"),
        (HEAD + ROWS + b"property float f_rest_7\nend_header\n" + bytes(60), "lacks f_rest_0"),
        (HEAD + ROWS + b"end_header\n" + b"\x00\x00\xc0\x7f" * 14, "beyond reason"),
        (b"ply\nformat binary_little_endian 1.0\nelement face 1\nend_header\n", "does not begin with"),
    ],
    ids=range(14),
)
def test_wrong_ply_files_are_told(data: bytes, sentence: str) -> None:
    with pytest.raises(FormatError, match=sentence):
        ply.parse(data)


def test_any_bytes_are_a_cloud_or_a_sentence() -> None:
    rng = np.random.default_rng(0)
    whole = HEAD + ROWS + b"end_header\n" + bytes(56)
    for _ in range(500):
        data = bytearray(whole[: rng.integers(1, len(whole) + 1)])
        for at in rng.integers(0, len(data), 3):
            data[at] = rng.integers(0, 256)
        with suppress(FormatError):
            assert len(ply.parse(bytes(data))) >= 1


def test_gaussians_that_do_not_fit_are_a_mistake_of_the_program() -> None:
    figure = ball()
    some = scattered(figure, 10)
    with pytest.raises(ValueError, match=r"Gaussians.scale must be \(10, 3\)"):
        dataclasses.replace(some, scale=some.scale[:5])
    with pytest.raises(ValueError, match="got 4"):
        dataclasses.replace(some, harmonics=np.zeros((10, 4, 3), np.float32))
    with pytest.raises(ValueError, match="bases move 5 Gaussians, there are 10"):
        dataclasses.replace(some, bases=bases(5, ("jawOpen",)))
    with pytest.raises(ValueError, match="triangles beyond"):
        Binding(figure, dataclasses.replace(some, triangle=some.triangle + len(figure.faces)))
    with pytest.raises(ValueError, match="unknown device 'tpu'; have cpu, gpu"):
        Splat(figure, some, FRONT, device="tpu")


def _floats(*parts: np.ndarray) -> Loose:
    means, covariances, colours, opacities = (np.ascontiguousarray(part, np.float32) for part in parts)
    return means, covariances, colours, opacities


def _whole(flat: np.ndarray) -> np.ndarray:
    return flat[:, [0, 1, 2, 1, 3, 4, 2, 4, 5]].reshape(-1, 3, 3).astype(np.float64)


def _sides(figure: Figure, gaussians: Gaussians) -> tuple[np.ndarray, np.ndarray]:
    a, b, c = (figure.points[figure.faces[gaussians.triangle, k]] for k in range(3))
    return b - a, c - a
