"""One step of the loops in ``benchmarks/by_hand``, with weights and latents of ours.

Each function returns both losses and the gradients of all weights, in the layout of ours. The
optimizers are replaced: the generator's gradient belongs to the discriminator before its update.

A convolution with strides 2 leaves out the last row and column of zeros in PyTorch, and the first
in Keras. The discriminator by hand is therefore compared on flipped maps, with flipped kernels.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Match:
    """A weight of a hand-written loop, and the way from our layout to its own.

    Parameters
    ----------
    weight : tensor
        The weight in their layout.
    axes : tuple of int, optional
        Permutation of our axes that gives theirs.
    flattened : tuple of int, optional
        Shape (rows, columns, channels) of the features that a dense layer reads as (channels,
        rows, columns).
    flipped : bool
        Whether rows and columns run in the opposite direction.
    """

    weight: Any
    axes: tuple[int, ...] | None = None
    flattened: tuple[int, ...] | None = None
    flipped: bool = False

    def to_theirs(self, ours):
        """Return a weight in their layout."""
        if self.flattened:
            ours = ours.reshape(*self.flattened, -1)
        if self.flipped:
            ours = ours[::-1, ::-1]
        axes = (3, 2, 0, 1) if self.flattened else self.axes
        ours = ours.transpose(axes) if axes else ours
        return np.array(ours.reshape(tuple(self.weight.shape)), order="C")

    def to_ours(self, theirs, shape):
        """Return a gradient in our layout."""
        axes = self.axes
        if self.flattened:
            rows, columns, channels = self.flattened
            theirs, axes = theirs.reshape(-1, channels, rows, columns), (3, 2, 0, 1)
        theirs = theirs.transpose(np.argsort(axes)) if axes else theirs
        theirs = theirs[::-1, ::-1] if self.flipped else theirs
        return theirs.reshape(shape)


def torch_matches(loop, system, pixels):
    """Weights of ``by_torch.Loop`` by the network and path of ours."""
    convolution, dense = (3, 2, 0, 1), (1, 0)
    g, d = loop.G, loop.D
    found = {}

    def add(network, name, module, *layout, flipped=False):
        kernel = Match(module.weight, *layout, flipped=flipped)
        parameters = {"kernel": kernel, "bias": Match(module.bias)}
        if module.weight.ndim == 1:
            parameters = {"gamma": Match(module.weight), "beta": Match(module.bias)}
        found.update(
            {(network, f"{name}/{k}"): m for k, m in parameters.items() if m.weight is not None}
        )

    first_up = 0 if system == "quick" else 1
    for i, norm in enumerate(g.norms):
        add("generator", f"norm_{i}", norm)
    if system == "quick":
        for name in ("base", "detail", "map"):
            add("generator", name, getattr(g, name), convolution)
        for i, weight in enumerate(g.noise):
            found["generator", f"inject_{i}/weight"] = Match(weight)
        (skew,) = (p for p in g.parameters() if p.ndim == 0)
        found["generator", "lognormal/skew"] = Match(skew)
        for i, up in enumerate(g.ups):
            add("generator", f"up_{i}", up, convolution)
    else:
        add("generator", "dense", g.dense, dense)
        names = [f"up_{i}" for i in range(first_up, len(g.ups))] + ["map"]
        for name, up in zip(names, g.ups, strict=True):
            add("generator", name, up, (2, 3, 0, 1))
    convolutions = list(d.convolutions)
    if system == "geogan":
        convolutions.append(d.last)
        for i, norm in enumerate([*d.norms, d.last_norm], start=1):
            add("discriminator", f"norm_{i}", norm)
        found["discriminator", "minibatch/projector"] = Match(d.project.weight, dense)
        found["discriminator", "minibatch/kernel"] = Match(d.rows.weight, dense)
    for i, module in enumerate(convolutions):
        add("discriminator", f"conv_{i}", module, convolution, flipped=True)
    side = pixels // 16
    channels = d.logit.weight.shape[1] // side**2
    add("discriminator", "logit", d.logit, None, (side, side, channels), flipped=True)
    return found


class Recorder:
    """An optimizer that keeps gradients and changes nothing."""

    def __init__(self, network):
        self.network = network

    def zero_grad(self, set_to_none=True):
        self.network.zero_grad(set_to_none)

    def step(self):
        self.gradients = {id(p): p.grad.clone() for p in self.network.parameters()}


def torch_step(system, weights, maps, reference, latents):
    """Take a step of ``benchmarks/by_hand/by_torch.py``."""
    import torch

    from benchmarks.by_hand import by_torch

    pixels = maps.shape[1]
    loop = by_torch.Loop(system, pixels, len(maps), "channels_first")
    matches = torch_matches(loop, system, pixels)
    assert set(matches) == set(weights)
    with torch.no_grad():
        for key, match in matches.items():
            match.weight.copy_(torch.from_numpy(match.to_theirs(weights[key])))
    joined = [
        torch.from_numpy(np.concatenate(pair)) for pair in zip(reference, latents, strict=True)
    ]
    joined = [z.permute(0, 3, 1, 2) if z.ndim == 4 else z for z in joined]
    loop._latents = lambda: joined
    loop.D.register_forward_pre_hook(lambda _, arguments: (arguments[0].flip(2, 3),))
    loop.optimizers = [Recorder(loop.G), Recorder(loop.D)]
    loop.step(maps)
    gradients = loop.optimizers[0].gradients | loop.optimizers[1].gradients
    return loop.wait(), {
        key: match.to_ours(gradients[id(match.weight)].numpy(), weights[key].shape)
        for key, match in matches.items()
    }
