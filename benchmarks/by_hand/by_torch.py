"""PyTorch by hand: ``nn.Module``, channels first, fused Adam, foreach averages."""

import copy
import itertools
from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from benchmarks.by_hand import GEOGAN, QUICK


class ReferenceNorm(nn.Module):
    """Virtual batch normalization.

    The reference batch has its own statistics; the other maps have those of both together.

    Parameters
    ----------
    channels : int
        Channels of the features.
    reference : int
        Size of the reference batch, which comes first.
    """

    def __init__(self, channels: int, reference: int) -> None:
        super().__init__()
        self.reference = reference
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Apply the module."""
        affine = self.weight, self.bias
        own = functional.batch_norm(x[: self.reference], None, None, *affine, training=True)
        joint = functional.batch_norm(x, None, None, *affine, training=True)
        return torch.cat([own, joint[self.reference :]])


def periodic(inputs: int, outputs: int, bias: bool = True) -> nn.Conv2d:
    """Periodic convolution of 3x3."""
    return nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="circular", bias=bias)


class QuickGenerator(nn.Module):
    """Generator of ``quick``."""

    def __init__(self) -> None:
        super().__init__()
        first, *middle, last = QUICK["generator"]
        self.base = periodic(QUICK["latent"], first)
        pairs = list(itertools.pairwise([first, *middle]))
        self.ups = nn.ModuleList(periodic(i, o, bias=False) for i, o in pairs)
        self.norms = nn.ModuleList(ReferenceNorm(o, QUICK["reference"]) for _, o in pairs)
        self.noise = nn.ParameterList(torch.zeros(c, 1, 1) for c in (*middle, last))
        self.detail, self.map = periodic(middle[-1], last), periodic(last, 1)
        self.skew = nn.Parameter(torch.tensor(0.3))

    def forward(self, latent: torch.Tensor, *noises: torch.Tensor) -> torch.Tensor:
        """Generate maps."""
        x = self.base(latent)
        for up, norm, weight, noise in zip(self.ups, self.norms, self.noise, noises, strict=False):
            x = up(functional.interpolate(x, scale_factor=2.0, mode="nearest"))
            x = functional.relu(norm(x + weight * noise))
        x = functional.relu(self.detail(x) + self.noise[-1] * noises[-1])
        return torch.expm1((self.skew * self.map(x)).clamp(max=4.0)) / self.skew


class QuickDiscriminator(nn.Module):
    """Discriminator of ``quick``."""

    def __init__(self, pixels: int) -> None:
        super().__init__()
        *channels, last = (1, *QUICK["discriminator"])
        strides = [2] * (len(channels) - 1) + [1]
        pairs = zip(channels, [*channels[1:], last], strides, strict=True)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(i, o, 5, stride=s, padding=2) for i, o, s in pairs
        )
        self.logit = nn.Linear(last * (pixels // 16) ** 2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Apply the module."""
        for convolution in self.convolutions:
            x = functional.leaky_relu(convolution(x), 0.2)
        return self.logit(x.flatten(1))


class GeoGenerator(nn.Module):
    """Generator of ``geogan``."""

    def __init__(self, pixels: int) -> None:
        super().__init__()
        first, *rest = GEOGAN["channels"]
        self.shape = (first, pixels // 16, pixels // 16)
        self.dense = nn.Linear(GEOGAN["latent"], first * (pixels // 16) ** 2)
        pairs = list(zip([first, *rest], [*rest, 1], strict=True))
        self.ups = nn.ModuleList(
            nn.ConvTranspose2d(i, o, 5, 2, padding=2, output_padding=1) for i, o in pairs
        )
        self.norms = nn.ModuleList(ReferenceNorm(c, GEOGAN["reference"]) for c in (first, *rest))

    def forward(self, latent: torch.Tensor) -> torch.Tensor:
        """Generate maps."""
        x = self.dense(latent).unflatten(1, self.shape)
        for up, norm in zip(self.ups, self.norms, strict=True):
            x = up(functional.relu(norm(x)))
        return torch.tanh(x)


class GeoDiscriminator(nn.Module):
    """Discriminator of ``geogan``."""

    def __init__(self, pixels: int) -> None:
        super().__init__()
        channels = (1, *reversed(GEOGAN["channels"]))
        pairs = list(itertools.pairwise(channels))
        self.convolutions = nn.ModuleList(nn.Conv2d(i, o, 5, stride=2, padding=2) for i, o in pairs)
        self.norms = nn.ModuleList(nn.BatchNorm2d(o) for _, o in pairs[1:])
        side, last = pixels // 16, channels[-1]
        joined = last + GEOGAN["kernels"] // side**2
        self.project = nn.Linear(last * side**2, GEOGAN["projection"], bias=False)
        self.rows = nn.Linear(GEOGAN["projection"], GEOGAN["kernels"] * GEOGAN["dims"], bias=False)
        self.last, self.last_norm = nn.Conv2d(joined, joined, 5, padding=2), nn.BatchNorm2d(joined)
        self.logit = nn.Linear(joined * side**2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Apply the module."""
        x = functional.leaky_relu(self.convolutions[0](x), 0.2)
        for convolution, norm in zip(self.convolutions[1:], self.norms, strict=True):
            x = functional.leaky_relu(norm(convolution(x)), 0.2)
        flat = x.flatten(1)
        rows = self.rows(self.project(flat)).unflatten(1, (GEOGAN["kernels"], GEOGAN["dims"]))
        close = torch.exp(-(rows[:, None] - rows[None]).abs().sum(3)).sum(1)
        x = torch.cat([flat, close], 1).unflatten(1, (-1, *x.shape[2:]))
        return self.logit(functional.leaky_relu(self.last_norm(self.last(x)), 0.2).flatten(1))


class Loop:
    """Both networks, both optimizers, the averaged weights and the step.

    Parameters
    ----------
    system, pixels, batch, variant, precision : str, int, int, str, str
        As for ``loop``.
    """

    def __init__(
        self, system: str, pixels: int, batch: int, variant: str, precision: str = "float32"
    ) -> None:
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.numbers = {"quick": QUICK, "geogan": GEOGAN}[system]
        quick = system == "quick"
        generator = QuickGenerator() if quick else GeoGenerator(pixels)
        discriminator = QuickDiscriminator(pixels) if quick else GeoDiscriminator(pixels)
        first, last = torch.contiguous_format, torch.channels_last
        layout = last if variant == "channels_last" else first
        self.layout = first if variant == "channels_first" else last
        if variant == "compiled" and self.device.type == "cpu":
            self.layout = layout = first
        self.G = generator.to(self.device, memory_format=layout)
        self.D = discriminator.to(self.device, memory_format=layout)
        self.average = copy.deepcopy(self.G).requires_grad_(False)
        self.generate, self.discriminate = self.G, self.D
        if variant == "compiled":
            self.generate, self.discriminate = torch.compile(self.G), torch.compile(self.D)
        betas, fused = self.numbers["betas"], {"fused": True}
        self.optimizers = [
            torch.optim.Adam(net.parameters(), rate, betas, **fused)
            for net, rate in zip((self.G, self.D), self.numbers["rates"], strict=True)
        ]
        sides = [pixels // 8, pixels // 4, pixels // 2, pixels, pixels]
        counts = [self.numbers["latent"], 1, 1, 1, 1]
        grids = [(c, s, s) for c, s in zip(counts, sides, strict=True)]
        self.shapes = grids if quick else [(self.numbers["latent"],)]
        reference = self.numbers["reference"]
        self.reference = [
            torch.randn(reference, *shape, device=self.device) for shape in self.shapes
        ]
        self.batch, self.precision = batch, precision
        self.objectives = self._logistic if quick else self._hinge

    def _logistic(self, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        return functional.softplus(-real).mean() + functional.softplus(fake).mean()

    def _hinge(self, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        return functional.relu(1 - real).mean() + functional.relu(1 + fake).mean()

    def _latents(self) -> list[torch.Tensor]:
        fresh = (torch.randn(self.batch, *shape, device=self.device) for shape in self.shapes)
        return [torch.cat(pair) for pair in zip(self.reference, fresh, strict=True)]

    def step(self, maps: np.ndarray) -> None:
        """Take one step."""
        real = torch.from_numpy(maps).to(self.device, non_blocking=True).permute(0, 3, 1, 2)
        real = real.contiguous(memory_format=self.layout)
        optimizer_g, optimizer_d = self.optimizers
        cast = torch.autocast(
            self.device.type, torch.bfloat16, enabled=self.precision == "bfloat16"
        )
        with cast:
            fake = self.generate(*self._latents())[self.numbers["reference"] :].float()
            d_loss = self.objectives(self.discriminate(real), self.discriminate(fake.detach()))
        if "gamma" in self.numbers:
            d_loss = d_loss + self._penalty(real[:: self.numbers["penalised"]])
        optimizer_d.zero_grad(set_to_none=True)
        d_loss.backward()
        optimizer_d.step()
        self.D.requires_grad_(False)
        with cast:
            logits = self.discriminate(fake)
            g_loss = (
                functional.softplus(-logits).mean() if "gamma" in self.numbers else -logits.mean()
            )
        optimizer_g.zero_grad(set_to_none=True)
        g_loss.backward()
        optimizer_g.step()
        self.D.requires_grad_(True)
        with torch.no_grad():
            torch._foreach_lerp_(
                list(self.average.parameters()),
                list(self.G.parameters()),
                1 - self.numbers["decay"],
            )
        self.losses = d_loss.detach(), g_loss.detach()

    def _penalty(self, real: torch.Tensor) -> torch.Tensor:
        """R1: the mean squared gradient of the logit on real maps."""
        real = real.detach().requires_grad_()
        slope = torch.autograd.grad(self.D(real).sum(), real, create_graph=True)[0]
        return self.numbers["gamma"] / 2 * slope.square().sum((1, 2, 3)).mean()

    def wait(self) -> list[float]:
        """Wait for the device and return the last losses."""
        return [float(loss) for loss in self.losses]


def loop(
    system: str, pixels: int, batch: int, variant: str, precision: str = "float32"
) -> tuple[Callable[[np.ndarray], None], Callable[[], list[float]]]:
    """Build the networks and the step.

    Parameters
    ----------
    system : str
        ``quick`` or ``geogan``.
    pixels : int
        Side of the maps.
    batch : int
        Maps per step.
    variant : str
        ``channels_first``, ``channels_last`` or ``compiled``.
    precision : str
        ``float32`` or ``bfloat16``.

    Returns
    -------
    step : callable
        Takes one step on a NumPy batch ``(batch, pixels, pixels, 1)``.
    wait : callable
        Waits for the device and returns the last losses.
    """
    training = Loop(system, pixels, batch, variant, precision)
    return training.step, training.wait
