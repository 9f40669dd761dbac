"""A fit under way: what is learnt, one step of it, and all that a checkpoint keeps.

Chance is drawn from the seed and the number of the step, so that going on from a checkpoint is the same as
never having stopped.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from voxrig.avatar.figure import Figure
from voxrig.render.posing import Posing
from voxrig.render.splat.gaussians import HISTORY, Gaussians
from voxrig_train.gaussian import density, head, lips, losses
from voxrig_train.gaussian.album import Album
from voxrig_train.gaussian.capture import Shot
from voxrig_train.gaussian.deformer import Deformer
from voxrig_train.gaussian.density import Growth
from voxrig_train.gaussian.frames import carried
from voxrig_train.gaussian.head import Bound, Weight, World
from voxrig_train.gaussian.losses import Terms
from voxrig_train.gaussian.raster import rasterise


@dataclass(frozen=True)
class Plan:
    """How large a fit is."""

    side: int
    """Pixels of a picture's longer side at most: larger ones are shrunk."""
    gaussians: int
    """At the end. A fit begins with 60 in a hundred of them."""
    steps: int
    degree: int = 1
    """Of spherical harmonics, 0..2: how much colour depends on the side from which one looks."""
    seed: int = 0
    last_rate: float = 0.05
    """Part of each learning rate that is left at the end."""
    growth: Growth = field(default_factory=Growth)
    terms: Terms = field(default_factory=Terms)


PLANS = {
    "cpu": Plan(side=192, gaussians=12_000, steps=6_000),
    "gpu": Plan(side=512, gaussians=80_000, steps=12_000),
}
"""Sizes that docs/gaussian.md tells of."""
_BEGIN = 0.6


@dataclass(frozen=True, eq=False)
class Drawn:
    """One picture of the head as tensors."""

    picture: Tensor  # (h, w, 3)
    world: World
    place: Tensor  # (n, 3) where the triangles carry the Gaussians


class Fitting:
    """Fits one head to the shots that an album holds."""

    def __init__(self, figure: Figure, album: Album, deformer: Deformer, plan: Plan) -> None:
        self.figure, self.album, self.deformer, self.plan = figure, album, deformer, plan
        self.step = 0
        self._posing = Posing(figure)
        self._device = album.device
        self._faces = torch.from_numpy(figure.faces).long().to(self._device)
        self._marks = lips.landmarks(figure)
        self._rest = torch.from_numpy(figure.points).to(self._device)
        count = int(_BEGIN * plan.gaussians)
        bound, learnt = head.begin(figure, count, plan.degree, plan.seed)
        learnt |= deformer.begin(count)
        self._bind(bound)
        self._learn({name: weight.start for name, weight in learnt.items()}, learnt)
        self._forget()

    def advance(self) -> float:
        """One step: one picture. Its loss."""
        plan = self.plan
        shot = self._shot()
        chance = np.random.default_rng((plan.seed, 1, self.step))
        background = self.album.background(chance)
        goal = self.album.goal(shot, background)
        drawn = self.draw(shot, background)
        drawn.world.means.retain_grad()
        left = plan.last_rate ** (self.step / plan.steps)
        for group in self._optimiser.param_groups:
            group["lr"] = group["rate"] * left
        loss = losses.loss(plan.terms, drawn.picture, goal, self._mouth(shot))
        loss = loss + losses.restraint(plan.terms, drawn.world, drawn.place)
        self._optimiser.zero_grad()
        loss.backward()
        self._optimiser.step()
        pull = drawn.world.means.grad.norm(dim=1)
        self._pull += pull
        self._seen += pull > 0
        self.step += 1
        if plan.growth.due(self.step, plan.steps):
            self._grow()
        return float(loss.detach())

    def draw(self, shot: Shot, background: Tensor) -> Drawn:
        """The head in a shot, on a colour (3,)."""
        album = self.album
        own = album.capture.values[shot.row]
        self._posing.pose(own)
        points = torch.from_numpy(self._posing.points.copy()).to(self._device)
        turn = torch.from_numpy(self._posing.turns(own)[2, :, :3].copy()).to(self._device)
        view, focal = album.view(shot)
        eye = torch.from_numpy((-np.linalg.inv(view[:3, :3]) @ view[:3, 3]).astype(np.float32)).to(
            self._device
        )
        on = carried(points, self._corners, self.bound.corner)
        motion = torch.from_numpy(album.capture.motion(shot, HISTORY)).to(self._device)
        deltas = self.deformer.deltas(self.weights, motion, self._places)
        world = head.world(self.weights, on, deltas, turn, eye)
        image, alpha = rasterise(
            world.means, world.covariances, world.colours, world.opacities, view, focal, album.size
        )
        return Drawn(image + (1 - alpha)[..., None] * background, world, on.place)

    def gaussians(self) -> Gaussians:
        """The head as it is now."""
        moved = self.deformer.bases(self.weights), self.deformer.graph(self.weights, self._places)
        return head.packed(self.bound, self.weights, *moved)

    def state(self) -> dict[str, Any]:
        """All that ``restore`` needs."""
        return {
            "step": self.step,
            "bound": (self.bound.triangle, self.bound.corner),
            "weights": {name: weight.detach() for name, weight in self.weights.items()},
            "moments": self._moments(),
            "pull": self._pull,
            "seen": self._seen,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Goes on from the state of a fit with the same album, deformer and plan."""
        self.step = state["step"]
        self._bind(Bound(*state["bound"]))
        _, learnt = head.begin(self.figure, 1, self.plan.degree, 0)
        self._learn(state["weights"], learnt | self.deformer.begin(1))
        for name, (count, mean, square) in state["moments"].items():
            moments = {"step": count.clone(), "exp_avg": mean.clone(), "exp_avg_sq": square.clone()}
            self._optimiser.state[self.weights[name]] = moments
        self._pull, self._seen = state["pull"].clone(), state["seen"].clone()

    def _shot(self) -> Shot:
        """Each shot once, in an order by chance, then all again."""
        shots = self.album.shots
        turn, at = divmod(self.step, len(shots))
        order = np.random.default_rng((self.plan.seed, 0, turn)).permutation(len(shots))
        return shots[int(order[at])]

    def _mouth(self, shot: Shot) -> tuple[slice, slice]:
        """In the pose of the last drawing."""
        marks = lips.projected(self._posing.points[self._marks], *self.album.view(shot), self.album.size)
        return lips.box(marks, self.album.size)

    def _bind(self, bound: Bound) -> None:
        self.bound = Bound(bound.triangle.to(self._device), bound.corner.to(self._device))
        self._corners = self._faces[self.bound.triangle]
        self._places = carried(self._rest, self._corners, self.bound.corner).place

    def _learn(self, start: dict[str, Tensor], learnt: dict[str, Weight]) -> None:
        self.weights = {name: x.to(self._device).clone().requires_grad_() for name, x in start.items()}
        self._along = {name: weight.along for name, weight in learnt.items()}
        groups = [
            {"params": [x], "name": name, "rate": learnt[name].rate, "lr": learnt[name].rate}
            for name, x in self.weights.items()
        ]
        # Gradients of one Gaussian among thousands are tiny: the usual eps would drown them.
        self._optimiser = torch.optim.Adam(groups, eps=1e-15, fused=True)

    def _moments(self) -> dict[str, tuple[Tensor, Tensor, Tensor]]:
        out = {}
        for name, weight in self.weights.items():
            if weight in self._optimiser.state:
                own = self._optimiser.state[weight]
                out[name] = own["step"].clone(), own["exp_avg"].clone(), own["exp_avg_sq"].clone()
        return out

    def _forget(self) -> None:
        self._pull = torch.zeros(len(self.bound.triangle), device=self._device)
        self._seen = torch.zeros_like(self._pull)

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def _grow(self) -> None:
        plan, weights = self.plan, {name: x.detach() for name, x in self.weights.items()}
        size = carried(self._rest, self._corners, self.bound.corner).size
        spread = (weights["scale"].exp() * size[:, None]).amax(1)
        large = spread > plan.growth.large * self.album.pixel
        now = density.regrown(
            self._pull / self._seen.clamp_min(1),
            weights["opacity"].sigmoid(),
            self._seen > 0,
            large,
            (plan.gaussians - len(size)) // plan.growth.left(self.step, plan.steps),
            plan.growth,
        )
        moments = self._moments()
        groups = zip(self.weights.items(), self._optimiser.param_groups, strict=True)
        learnt = {name: Weight(x, group["rate"], self._along[name]) for (name, x), group in groups}

        def inherit(name: str, x: Tensor) -> Tensor:
            along = self._along[name]
            return x if along is None else x.index_select(along, now.parents)

        weights = {name: inherit(name, x).clone() for name, x in weights.items()}
        chance = np.random.default_rng((plan.seed, 2, self.step))
        noise = torch.from_numpy(chance.normal(size=(len(now.parents), 3)).astype(np.float32))
        density.divided(weights, head.turned(weights["rotation"]), now, noise.to(self._device))
        self._bind(Bound(self.bound.triangle[now.parents], self.bound.corner[now.parents]))
        self._learn(weights, learnt)
        for name, (count, mean, square) in moments.items():
            self._optimiser.state[self.weights[name]] = {
                "step": count,
                "exp_avg": inherit(name, mean).clone(),
                "exp_avg_sq": inherit(name, square).clone(),
            }
        self._forget()
