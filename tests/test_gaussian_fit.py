"""Laws of fitting Gaussians: gradients are right, pictures come nearer, captures that are wrong say why."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from sounds import babble

torch = pytest.importorskip("torch")
numba = pytest.importorskip("numba")
pytest.importorskip("PIL")

from PIL import Image  # noqa: E402

from voxrig.avatar import glb_figure  # noqa: E402
from voxrig.avatar.figure import Figure  # noqa: E402
from voxrig.errors import FormatError  # noqa: E402
from voxrig.render.camera import Camera, framed  # noqa: E402
from voxrig.render.splat import file  # noqa: E402
from voxrig.render.splat.gaussians import HISTORY  # noqa: E402
from voxrig.render.splat.listener import Listener  # noqa: E402
from voxrig.rigs.native import NATIVE  # noqa: E402
from voxrig_train.gaussian import blur, capture_file, fitting, head, lips, losses, mouths, person  # noqa: E402
from voxrig_train.gaussian.album import Album  # noqa: E402
from voxrig_train.gaussian.attention import NETWORKS, Listening  # noqa: E402
from voxrig_train.gaussian.capture import Capture, Clip, Shot, View  # noqa: E402
from voxrig_train.gaussian.deformer import Deformer, Linear, Still  # noqa: E402
from voxrig_train.gaussian.density import Growth  # noqa: E402
from voxrig_train.gaussian.fitting import Fitting, Plan  # noqa: E402
from voxrig_train.gaussian.raster import rasterise  # noqa: E402

SIDE = 48
JAW = NATIVE.index("jawOpen")
PLAN = Plan(side=SIDE, gaussians=500, steps=100, degree=0, growth=Growth(rounds=2))
CAMERA = Camera(np.array([0.1, 0.05, 0.8], np.float32), np.zeros(3, np.float32), 0.4)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Pictures this small take longer to share out than to draw."""
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    yield
    numba.set_num_threads(before)


@pytest.fixture(scope="module")
def figure() -> Figure:
    return glb_figure.load()


def scene(count: int, seed: int = 0) -> list[Any]:
    """Gaussians about the origin: means, covariances, colours, opacities."""
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(count, 3, 3)) * 0.02
    full = root @ root.transpose(0, 2, 1)
    covariances = full[:, [0, 0, 0, 1, 1, 2], [0, 1, 2, 1, 2, 2]]
    means, opacities = rng.normal(size=(count, 3)) * 0.07, rng.uniform(0.05, 0.95, count)
    arrays = means, covariances, rng.random((count, 3)), opacities
    return [torch.tensor(x.astype(np.float32), requires_grad=True) for x in arrays]


def plain(
    means: Any, covariances: Any, colours: Any, opacities: Any, view: Any, focal: float, size: Any
) -> Any:
    """The same rule, pixel by pixel, in the words of torch alone."""
    h, w = size
    camera = torch.from_numpy(view)
    x, y, z = (means @ camera[:3, :3].T + camera[:3, 3]).unbind(1)
    z = -z
    full = covariances[:, [0, 1, 2, 1, 3, 4, 2, 4, 5]].view(-1, 3, 3)
    nil = torch.zeros_like(x)
    rows = (focal / z, nil, focal * x / z**2), (nil, -focal / z, -focal * y / z**2)
    slope = torch.stack([torch.stack(row, 1) for row in rows], 1)
    across = slope @ camera[:3, :3]
    inverse = torch.linalg.inv(across @ full @ across.transpose(1, 2) + 0.3 * torch.eye(2))
    down, right = torch.meshgrid(torch.arange(h) + 0.5, torch.arange(w) + 0.5, indexing="ij")
    light, image = torch.ones(h, w), torch.zeros(h, w, 3)
    for i in torch.argsort(z).tolist():
        d = torch.stack([right - w / 2 - focal * x[i] / z[i], down - h / 2 + focal * y[i] / z[i]], -1)
        power = -0.5 * (d @ inverse[i] * d).sum(-1)
        alpha = (opacities[i] * power.exp()).clamp(max=0.99) * (power > -5.5) * (light >= 0.005)
        image = image + (light * alpha)[..., None] * colours[i]
        light = light * (1 - alpha)
    return image, 1 - light


@pytest.mark.parametrize(("count", "within"), [(20, 2e-3), (150, 5e-3)])
def test_pictures_and_gradients_are_those_of_the_plain_rule(count: int, within: float) -> None:
    size, told = (40, 53), []
    pull = torch.randn(40, 53, 4, generator=torch.manual_seed(1))
    for draw in (rasterise, plain):
        leaves = scene(count)
        image, alpha = draw(*leaves, CAMERA.view(), CAMERA.focal(40), size)
        ((image * pull[..., :3]).sum() + (alpha * pull[..., 3]).sum()).backward()
        told.append((image.detach(), alpha.detach(), [leaf.grad for leaf in leaves]))
    (image, alpha, ours), (image2, alpha2, theirs) = told
    assert (image - image2).abs().max() < 4e-3
    assert (alpha - alpha2).abs().max() < 4e-3
    for one, two in zip(ours, theirs, strict=True):
        assert (one - two).abs().max() < within * two.abs().max()


def test_order_in_memory_changes_no_picture() -> None:
    leaves = [leaf.detach() for leaf in scene(200)]
    mixed = torch.randperm(200, generator=torch.manual_seed(0))
    one, _ = rasterise(*leaves, CAMERA.view(), CAMERA.focal(33), (33, 17))
    two, _ = rasterise(*(leaf[mixed] for leaf in leaves), CAMERA.view(), CAMERA.focal(33), (33, 17))
    assert torch.equal(one, two)


def test_a_shifted_sensor_shifts_the_picture() -> None:
    leaves = [leaf.detach() for leaf in scene(60)]
    middle = View("a", CAMERA.view(), CAMERA.focal(64), (32.0, 32.0))
    aside = replace(middle, centre=(32.0 + 6, 32.0 - 4))
    one, _ = rasterise(*leaves, middle.matrix((64, 64)), middle.focal, (64, 64))
    two, _ = rasterise(*leaves, aside.matrix((64, 64)), aside.focal, (64, 64))
    assert (one[10:50, 10:50] - two[6:46, 16:56]).abs().max() < 2e-3


def test_the_window_on_the_processor_is_that_of_matrices() -> None:
    maps = torch.rand(4, 20, 31, requires_grad=True)
    pull = torch.rand(4, 20, 31)
    (blur.blurred(maps) * pull).sum().backward()
    ours, maps.grad = maps.grad, None
    down, across = blur._matrix(20), blur._matrix(31)
    (down @ maps @ across.T * pull).sum().backward()
    assert torch.allclose(ours, maps.grad, atol=1e-5)
    picture = torch.rand(20, 31, 3)
    assert float(losses.ssim(picture, picture).min()) > 0.999


def test_shifts_of_a_mouth_are_found() -> None:
    rng = np.random.default_rng(0)
    fine = blur._swept(rng.random((1, 200, 200)).astype(np.float32))[0]
    goal, made = fine[10:138, 10:138], fine[8:136, 13:141]  # two down, three to the left
    marks = np.array([[60, 60], [70, 64]], np.float32)
    assert np.allclose(mouths.shifts(made, goal, marks, 1.0), np.hypot(2, 3), atol=0.1)
    assert np.isnan(mouths.shifts(made, goal, np.array([[1, 1]], np.float32), 1.0)).all()


def test_landmarks_lie_on_lips(figure: Figure) -> None:
    places = figure.points[lips.landmarks(figure)] / figure.width
    assert np.ptp(places[:, 0]) > 0.5  # from corner to corner
    assert np.abs(places[:, 0]).max() < 0.6
    assert (places[:, 1] < figure.eyes[0, 1] / figure.width - 0.7).all()


def test_a_person_moves_otherwise_and_rests_alike(figure: Figure) -> None:
    manner = person.drawn(3)
    other = person.posed(manner, figure, 3)
    assert np.array_equal(other.points, figure.points)
    assert len(other.moves.by) > len(figure.moves.by)
    assert other.moves.start[-1] == len(other.moves.by)
    values = np.zeros((1, len(NATIVE)), np.float32)
    assert np.array_equal(person.acted(manner, values), values)
    values[0, JAW] = 0.4
    assert person.acted(manner, values)[0, JAW] > 0.42


def capture_of(folder: Path, figure: Figure, blush: float = 0.0) -> Capture:
    """A head of Gaussians that opens its mouth; it darkens by ``blush`` then, which no mesh tells."""
    values = np.zeros((8, len(NATIVE)), np.float32)
    values[:, JAW] = np.linspace(0, 0.8, 8)
    size = SIDE, SIDE
    views = []
    for name, yaw, use in (("front", 0.0, "learn"), ("side", 0.5, "learn"), ("other", 0.25, "test")):
        camera = framed(figure, "head", yaw)
        views.append(View(name, camera.view(), camera.focal(SIDE), (SIDE / 2, SIDE / 2), use))
    clips = Clip("open", 0, 6), Clip("wide", 6, 2, "test")
    shots = tuple(Shot(f"{v}-{row}.png", v, row) for row in range(8) for v in range(3))
    whole = Capture(folder, size, 25.0, values, tuple(views), clips, shots)
    folder.mkdir()
    bound, learnt = head.begin(figure, 900, 0, 5)
    weights = {name: weight.start for name, weight in learnt.items()}
    weights["colour"] = weights["colour"] * torch.tensor([0.3, 0.9, 1.2])  # somebody green
    posing = fitting.Posing(figure)
    for shot in shots:
        posing.pose(values[shot.row])
        faces = torch.from_numpy(figure.faces).long()[bound.triangle]
        on = fitting.carried(torch.from_numpy(posing.points), faces, bound.corner)
        world = head.world(weights, on, None, torch.eye(3), torch.zeros(3))
        colours = world.colours * (1 - blush * float(values[shot.row, JAW]))
        own, parts = views[shot.view], (world.means, world.covariances, colours, world.opacities)
        image, alpha = rasterise(*parts, own.rigid, own.focal, size)
        straight = image / alpha[..., None].clamp_min(1e-3)
        pixels = torch.cat([straight, alpha[..., None]], 2).clamp(0, 1).numpy()
        Image.fromarray(np.rint(pixels * 255).astype(np.uint8)).save(folder / shot.picture)
    capture_file.write(whole)
    return whole


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, figure: Figure) -> Capture:
    return capture_of(tmp_path_factory.mktemp("small") / "capture", figure)


def begun(figure: Figure, whole: Capture, plan: Plan = PLAN, bases: int = 0, network: str = "") -> Fitting:
    album = Album(whole, whole.chosen("learn", "learn"), plan.side)
    own: Deformer = Linear(whole.values[:6], bases) if bases else Still()
    return Fitting(figure, album, Listening(network, figure) if network else own, plan)


@torch.no_grad()
def nearness(fit: Fitting, whole: Capture, clips: str = "test") -> float:
    """Decibels on pictures of that use."""
    album = Album(whole, whole.chosen(clips), SIDE)
    grey = torch.full((3,), 0.5)
    return float(np.mean([losses.psnr(fit.draw(s, grey).picture, album.goal(s, grey)) for s in album.shots]))


def test_a_fit_comes_nearer_to_pictures_that_it_has_not_seen(figure: Figure, small: Capture) -> None:
    fit = begun(figure, small)
    before = nearness(fit, small)
    while fit.step < PLAN.steps:
        fit.advance()
    assert nearness(fit, small) > before + 2.5
    assert len(fit.bound.triangle) <= PLAN.gaussians


def test_going_on_is_the_same_as_never_stopping(figure: Figure, small: Capture, tmp_path: Path) -> None:
    whole, first = begun(figure, small, bases=1), begun(figure, small, bases=1)
    for _ in range(20):
        whole.advance()
    for _ in range(9):
        first.advance()
    torch.save(first.state(), tmp_path / "state.pt")
    second = begun(figure, small, bases=1)
    second.restore(torch.load(tmp_path / "state.pt", weights_only=True))
    for _ in range(11):
        second.advance()
    assert len(whole.bound.triangle) > int(0.6 * PLAN.gaussians) - 50
    for name, weight in whole.weights.items():
        assert torch.equal(weight, second.weights[name]), name


def test_bases_learn_what_the_mesh_does_not_tell(figure: Figure, tmp_path: Path) -> None:
    whole = capture_of(tmp_path / "moved", figure, blush=1.2)
    plan, told = replace(PLAN, steps=160), []
    for bases in (0, 1):
        fit = begun(figure, whole, plan, bases)
        while fit.step < plan.steps:
            fit.advance()
        told.append(nearness(fit, whole, "learn"))
    assert told[1] > told[0] + 0.3


@pytest.mark.parametrize("network", NETWORKS)
def test_networks_learn_what_came_before(figure: Figure, network: str) -> None:
    """Half the Gaussians follow the jaw of three frames ago, which the newest frame does not tell."""
    chance = torch.manual_seed(0)
    rest = torch.from_numpy(figure.points[:: len(figure.points) // 300])
    moved = Listening(network, figure)
    weights = {name: w.start.clone().requires_grad_() for name, w in moved.begin(len(rest)).items()}
    optimiser = torch.optim.Adam(weights.values(), 2e-3)
    left = (rest[:, :1] > rest[:, :1].median()).float()

    def missed() -> Any:
        motion = torch.zeros(HISTORY, len(NATIVE))
        motion[:, JAW] = torch.rand(HISTORY, generator=chance)
        told = moved.deltas(weights, motion, rest)
        return (told[:, 10:] - 0.2 * left * motion[-4, JAW]).square().mean()

    with torch.no_grad():
        before = float(np.mean([missed() for _ in range(20)]))
    for _ in range(400):
        optimiser.zero_grad()
        missed().backward()
        optimiser.step()
    with torch.no_grad():
        assert float(np.mean([missed() for _ in range(20)])) < before / 4


@pytest.mark.parametrize("network", NETWORKS)
def test_voxrig_runs_networks_from_the_file_of_a_head(
    figure: Figure, small: Capture, tmp_path: Path, network: str
) -> None:
    """What is fitted in torch, saved with its graph and loaded, gives the same deltas and picture."""
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    from voxrig_train.gaussian.systems import Fitted

    fit = begun(figure, small, network=network)
    for _ in range(15):
        fit.advance()
    file.save(tmp_path / "head.npz", fit.gaussians(), figure)
    back = file.load(tmp_path / "head.npz", figure)
    shot = small.chosen("test")[0]
    motion = small.motion(shot, HISTORY)
    with torch.no_grad():
        want = fit.deformer.deltas(fit.weights, torch.from_numpy(motion), fit._places)
        ours = fit.draw(shot, torch.full((3,), 128 / 255)).picture.clamp(0, 1).numpy()
    assert want is not None
    assert float(want.abs().max()) > 1e-4
    np.testing.assert_allclose(Listener(back.listener, len(back)).deltas(motion), want.numpy(), atol=1e-4)
    drawn = Fitted(figure, back, (SIDE, SIDE), lips.landmarks(figure)).draw(motion, *fit.album.view(shot))
    assert np.abs(drawn - ours).mean() < 2 / 255  # files keep 16 bits
    with pytest.raises(FormatError, match="must go from"):
        Listener(back.listener, len(back) + 1)
    with pytest.raises(FormatError, match="cannot be run"):
        Listener(b"no graph", len(back))


def test_voxrig_draws_what_was_fitted(figure: Figure, small: Capture) -> None:
    from voxrig_train.gaussian.systems import Fitted

    fit = begun(figure, small, replace(PLAN, degree=1), bases=1)
    for _ in range(15):
        fit.advance()
    shot = small.chosen("test")[0]
    system = Fitted(figure, fit.gaussians(), (SIDE, SIDE), lips.landmarks(figure))
    view, focal = fit.album.view(shot)
    drawn = system.draw(small.motion(shot, 8), view, focal)
    with torch.no_grad():
        ours = fit.draw(shot, torch.full((3,), 128 / 255)).picture.clamp(0, 1).numpy()
    assert np.abs(drawn - ours).mean() < 1 / 255
    assert np.abs(drawn - ours).max() < 16 / 255
    bound, weights = head.unpacked(fit.gaussians())
    assert torch.equal(bound.triangle, fit.bound.triangle)
    assert torch.allclose(weights["scale"], fit.weights["scale"], atol=1e-4)


def test_a_capture_reads_back(small: Capture) -> None:
    again = capture_file.read(small.folder)
    assert (again.size, again.fps, again.clips, again.shots) == (
        small.size,
        small.fps,
        small.clips,
        small.shots,
    )
    assert np.allclose(again.values, small.values, atol=1e-5)
    for one, two in zip(again.views, small.views, strict=True):
        assert np.allclose(one.rigid, two.rigid)
        assert (one.name, one.use, one.centre) == (two.name, two.use, two.centre)


def put(*keys: Any) -> Callable[[Any], None]:
    """Sets a place in capture.json: the way there, and then the value."""

    def act(whole: Any) -> None:
        for key in keys[:-2]:
            whole = whole[key]
        whole[keys[-2]] = keys[-1]

    return act


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (put("version", 2), "must be 'voxrig-capture' of version 1"),
        (put("colour", 1), "unknown key 'colour'; have background, cameras"),
        (put("size", [48]), "size must be a list of 2"),
        (put("size", [8, 48]), "size must be a whole number from 16 to 4096"),
        (put("fps", float("nan")), "fps must be a number from 1 to 1000"),
        (put("curves", "../curves.csv"), "curves '../curves.csv' lies outside the capture"),
        (put("cameras", 0, "view", 0, 0, 2), "view of camera 0 must only turn and shift"),
        (put("cameras", 0, "use", "train"), "unknown use 'train'; have learn, test"),
        (put("cameras", 1, "name", "front"), "two of the cameras have one name"),
        (put("clips", 1, "count", 4), "clip 1 ends at row 10 of the curves, there are 8"),
        (put("clips", 1, "first", 5), "row 5 of the curves is in two clips"),
        (put("shots", 0, "row", 99), "row of shot 0 must be a whole number from 0 to 7"),
        (put("shots", 0, "camera", True), "camera of shot 0 must be a whole number from 0 to 2"),
        (put("shots", []), "shots must be a list of 1 to"),
    ],
)  # fmt: skip
def test_a_wrong_capture_says_what_is_wrong(
    small: Capture, tmp_path: Path, spoil: Callable[[Any], None], says: str
) -> None:
    whole = json.loads((small.folder / "capture.json").read_text())
    spoil(whole)
    (tmp_path / "capture.json").write_text(json.dumps(whole))
    (tmp_path / "curves.csv").write_text((small.folder / "curves.csv").read_text())
    with pytest.raises(FormatError) as error:
        capture_file.read(tmp_path)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_wrong_curves_and_pictures_are_told(small: Capture, tmp_path: Path) -> None:
    text = (small.folder / "capture.json").read_text()
    (tmp_path / "capture.json").write_text(text)
    with pytest.raises(FormatError, match=r"cannot read .*curves\.csv"):
        capture_file.read(tmp_path)
    for table, says in (("jaw\n1\n", "unknown curve 'jaw'"), ("jawOpen\n", "holds no rows"),
                        ("jawOpen\nx\n", "row 0 of curves.csv holds something that is no number"),
                        ("jawOpen\ninf\n", "must hold 1 finite numbers")):  # fmt: skip
        (tmp_path / "curves.csv").write_text(table)
        with pytest.raises(FormatError, match=says):
            capture_file.read(tmp_path)
    (tmp_path / "curves.csv").write_text("jawOpen\n" + "0.5\n" * 8)
    whole = capture_file.read(tmp_path)
    assert float(whole.values[0, JAW]) == 0.5
    (tmp_path / whole.shots[0].picture).write_bytes(b"no picture")
    with pytest.raises(FormatError, match="is no picture that can be read"):
        whole.picture(whole.shots[0])
    Image.new("RGB", (SIDE, SIDE)).save(tmp_path / whole.shots[0].picture)
    with pytest.raises(FormatError, match="has no alpha; give it alpha or a mask"):
        whole.picture(whole.shots[0])
    Image.new("RGB", (SIDE, 20)).save(tmp_path / whole.shots[0].picture)
    with pytest.raises(FormatError, match="48 × 20, the capture says 48 × 48"):
        whole.picture(whole.shots[0])
    (tmp_path / "capture.json").write_text("{")
    with pytest.raises(FormatError, match="is no JSON"):
        capture_file.read(tmp_path)


def test_a_made_capture_can_be_fitted_and_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("voxrig.render.splat.file")
    from voxrig_train.gaussian import evaluate, fit, synthetic

    folder, out = tmp_path / "ada", tmp_path / "ada.npz"
    sounds = []
    for i in range(2):
        sounds.append(tmp_path / f"{i}.wav")
        soundfile.write(sounds[-1], babble(0.8, seed=i).samples, 16000)
    synthetic.make(sounds, folder, synthetic.Order(side=48, pictures=12, held_out=1, seed=1))
    arguments = ["fit", str(folder), "--out", str(out), "--steps", "5", "--gaussians", "300", "--bases", "2"]
    monkeypatch.setattr("sys.argv", arguments)
    fit.main()
    card = json.loads((tmp_path / "ada.json").read_text())
    assert (card["bases"], card["pictures"]) == (2, 12)
    assert 180 <= card["gaussians"] <= 300
    assert not (tmp_path / "ada.checkpoint.pt").exists()
    scores = evaluate.evaluate(capture_file.read(folder), [out], 48)
    assert set(scores) == {"ada", "mesh", "ada, shuffled"}
    for by in scores.values():
        assert set(by) == {"known cameras", "held-out cameras"}
        assert all(np.isfinite(s.psnr) and 0 <= s.ssim <= 1 for s in by.values())
