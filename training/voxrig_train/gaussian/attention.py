"""A deformer that listens: every Gaussian attends to the motion of the last moments.

After GaussianTalker (Cho and others, arXiv 2404.16012), re-expressed from its equations: features of a
canonical triplane ask, tokens of the motion answer, and heads turn what was heard into changes of each
attribute. Three planes of two resolutions are multiplied where a Gaussian lies and joined over resolutions;
one layer of attention with two heads; one head for each attribute.

    motion (t, c): the last t frames of the native rig ─┬─ t tokens of speech, curve by curve
                                                        ├─ one token of the eyes and the brows
                                                        └─ one that is always the same, for what does not move
    places (n, 3) ─ triplane ─ features (n, 64) ─ attend to the tokens ─ deltas (n, 13)

``Concatenation`` is the control: the same features beside the mean of the tokens, in a network of the same
size. Both are Deformers by way of ``Listening``, and become an ONNX graph that holds the features instead of
the triplane. Letters: n Gaussians, t frames, c curves.
"""

from __future__ import annotations

import io

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from voxrig.avatar.figure import Figure
from voxrig.render.splat.gaussians import HISTORY, Bases
from voxrig.rigs.native import NATIVE
from voxrig_train.gaussian.head import Weight, Weights

ATTRIBUTES = {"offset": 3, "scale": 3, "rotation": 3, "opacity": 1, "colour": 3}
"""The thirteen columns of deltas, as in ``Bases.moves``."""
REACH = {"offset": 1.0, "scale": 0.5, "rotation": 0.5, "opacity": 2.0, "colour": 0.25}
"""Where each stops: no attribute runs away from a motion that was never seen."""

_UPPER = tuple(i for i, name in enumerate(NATIVE.curves) if name.startswith(("eye", "brow")))
_SPEECH = tuple(i for i in range(len(NATIVE)) if i not in _UPPER)
_PLANES, _CHANNELS = (64, 128), 32
_TOLERANCE = 1e-4


class Triplane(nn.Module):
    """Features of places in the head: (n, 64)."""

    def __init__(self) -> None:
        super().__init__()
        self.planes = nn.ParameterList(
            nn.Parameter(1 + 0.1 * torch.randn(3, _CHANNELS, size, size)) for size in _PLANES
        )

    def forward(self, places: Tensor) -> Tensor:
        """Places (n, 3) within -1..1."""
        pairs = torch.stack([places[:, [0, 1]], places[:, [0, 2]], places[:, [1, 2]]])[:, :, None]
        joined = []
        for plane in self.planes:
            found = functional.grid_sample(plane, pairs, align_corners=True, padding_mode="border")[..., 0]
            joined.append(found.prod(0).T)
        return torch.cat(joined, 1)


class Tokens(nn.Module):
    """What is heard: (t + 2, width) of motion (t, c)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.speech, self.upper = nn.Linear(len(_SPEECH), width), nn.Linear(len(_UPPER), width)
        self.when = nn.Parameter(0.02 * torch.randn(HISTORY, width))
        self.still = nn.Parameter(0.02 * torch.randn(1, width))

    def forward(self, motion: Tensor) -> Tensor:
        speech = self.speech(motion[:, list(_SPEECH)]) + self.when
        return torch.cat([speech, self.upper(motion[-1:, list(_UPPER)]), self.still])


class Heads(nn.Module):
    """Changes of each attribute, (n, 13), small at first and bounded by REACH."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner = nn.ModuleList(nn.Linear(width, width) for _ in ATTRIBUTES)
        self.outer = nn.ModuleList(nn.Linear(width, size) for size in ATTRIBUTES.values())
        for last in self.outer:
            nn.init.normal_(last.weight, std=1e-3)
            nn.init.zeros_(last.bias)

    def forward(self, heard: Tensor) -> Tensor:
        told = [
            reach * torch.tanh(outer(functional.relu(inner(heard))))
            for inner, outer, reach in zip(self.inner, self.outer, REACH.values(), strict=True)
        ]
        return torch.cat(told, 1)


class Attention(nn.Module):
    """Deltas (n, 13) of Gaussians that ask: features (n, 64), motion (t, c)."""

    def __init__(self, width: int = 64, heads: int = 2) -> None:
        super().__init__()
        self.triplane, self.tokens, self.told = Triplane(), Tokens(width), Heads(width)
        self.ask, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.inner, self.outer = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        self.before, self.after = nn.LayerNorm(width), nn.LayerNorm(width)
        self.heads = heads

    def forward(self, places: Tensor, motion: Tensor) -> Tensor:
        """Places (n, 3) within -1..1."""
        return self.answer(self.triplane(places), motion)

    def answer(self, features: Tensor, motion: Tensor) -> Tensor:
        tokens, normed = self.tokens(motion), self.before(features)
        size = normed.shape[-1] // self.heads
        ask = self.ask(normed).unflatten(-1, (self.heads, size)).transpose(0, 1)
        key = self.key(tokens).unflatten(-1, (self.heads, size)).transpose(0, 1)
        value = self.value(tokens).unflatten(-1, (self.heads, size)).transpose(0, 1)
        weight = torch.softmax(ask @ key.transpose(1, 2) / size**0.5, -1)
        heard = features + (weight @ value).transpose(0, 1).flatten(1)
        told: Tensor = self.told(heard + self.outer(functional.relu(self.inner(self.after(heard)))))
        return told


class Concatenation(nn.Module):
    """The control: features beside the mean of the tokens, with as many weights as ``Attention``."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.triplane, self.tokens, self.told = Triplane(), Tokens(width), Heads(width)
        self.join = nn.Linear(2 * width, 2 * width)
        self.inner, self.outer = nn.Linear(2 * width, width), nn.Linear(width, width)

    def forward(self, places: Tensor, motion: Tensor) -> Tensor:
        """Places (n, 3) within -1..1."""
        return self.answer(self.triplane(places), motion)

    def answer(self, features: Tensor, motion: Tensor) -> Tensor:
        mean = self.tokens(motion).mean(0).expand_as(features)
        heard = functional.relu(self.join(torch.cat([features, mean], 1)))
        told: Tensor = self.told(features + self.outer(functional.relu(self.inner(heard))))
        return told


NETWORKS = {"attention": Attention, "concatenation": Concatenation}


class Listening:
    """A Deformer that is one of NETWORKS."""

    def __init__(self, name: str, figure: Figure, seed: int = 0) -> None:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self._network = NETWORKS[name]()
        low, high = figure.points.min(0), figure.points.max(0)
        self._middle = torch.from_numpy((low + high) / 2)
        self._half = float((high - low).max() / 2)

    def begin(self, count: int) -> dict[str, Weight]:
        return {
            name: Weight(weight.detach(), 1e-3 if name.startswith("triplane") else 2e-4, None)
            for name, weight in self._network.named_parameters()
        }

    def deltas(self, weights: Weights, motion: Tensor, rest: Tensor) -> Tensor:
        own = {name: weights[name] for name, _ in self._network.named_parameters()}
        told: Tensor = functional_call(self._network, own, (self._placed(rest), motion))
        return told

    def bases(self, weights: Weights) -> Bases | None:
        return None

    def graph(self, weights: Weights, rest: Tensor) -> bytes:
        """What voxrig runs: ONNX, from motion (8, 110) to deltas (n, 13). Raises ValueError if it differs."""
        own = {name: weights[name].detach().cpu() for name, _ in self._network.named_parameters()}
        rest = rest.detach().cpu()
        with torch.no_grad():
            features = functional_call(
                self._network.triplane,
                {k.removeprefix("triplane."): w for k, w in own.items() if k.startswith("triplane.")},
                (self._placed(rest),),
            )
        baked = _Baked(self._network, own, features).eval()
        motion, out = torch.zeros(HISTORY, len(NATIVE)), io.BytesIO()
        names = {"input_names": ["motion"], "output_names": ["deltas"]}
        program = torch.onnx.export(
            baked, (motion,), dynamo=True, external_data=False, verbose=False, **names
        )
        program.save(out)
        _compared(out.getvalue(), baked)
        return out.getvalue()

    def _placed(self, rest: Tensor) -> Tensor:
        return (rest - self._middle.to(rest.device)) / self._half


class _Baked(nn.Module):
    """A network whose triplane was asked once for all."""

    def __init__(self, network: nn.Module, weights: Weights, features: Tensor) -> None:
        super().__init__()
        self.network = type(network)()
        self.network.load_state_dict(dict(weights))
        del self.network.triplane
        self.register_buffer("features", features)

    def forward(self, motion: Tensor) -> Tensor:
        told: Tensor = self.network.answer(self.features, motion)
        return told


def _compared(graph: bytes, baked: _Baked) -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    motion = np.random.default_rng(0).random((HISTORY, len(NATIVE)), np.float32)
    [told] = session.run(None, {"motion": motion})
    with torch.no_grad():
        worst = float(np.abs(told - baked(torch.from_numpy(motion)).numpy()).max())
    if worst > _TOLERANCE:
        raise ValueError(f"the ONNX graph differs from the network by {worst:.2g}")
