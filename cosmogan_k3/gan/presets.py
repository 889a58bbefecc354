"""Published and measured systems as plain data.

A preset names everything that a training depends on but the data: both architectures, the loss schedule, the
optimizers, scaling, augmentation and averaging. docs/presets.md says where each number comes from and docs/errata.md
where the paper's table had to be corrected.
"""

from dataclasses import dataclass, field, replace

from cosmogan_k3.errors import InputError
from cosmogan_k3.nn.penalties import R1, R2, GradientPenalty, WassersteinPenalty


@dataclass(frozen=True)
class DeepConvolutional:
    """A DCGAN pair: one dense layer and transposed convolutions against strided convolutions.

    Args:
        latent: length of the latent vector.
        channels: channels of the generator from the coarsest map on; the discriminator mirrors them.
        kernel_size: of every convolution.
        generator_norm: "virtual", "batch" or None.
        discriminator_norm: "batch" or None; never after the first convolution.
        reference_size: examples in the reference batch of "virtual".
        output: "tanh" or "linear".
        minibatch_kernels, minibatch_dims, minibatch_projection: minibatch discrimination; no kernels, no layer.
        minibatch_layout: "reshape" (as published: the flattened vector is cut up again, which scrambles space and
            channels) or "channels" (constant channels).
    """

    latent: int = 64
    channels: tuple[int, ...] = (512, 256, 128, 64)
    kernel_size: int = 5
    generator_norm: str | None = "batch"
    discriminator_norm: str | None = "batch"
    reference_size: int = 0
    output: str = "tanh"
    minibatch_kernels: int = 0
    minibatch_dims: int = 5
    minibatch_projection: int | None = 64
    minibatch_layout: str = "reshape"


@dataclass(frozen=True)
class FullyConvolutional:
    """A generator that commutes with translations of the sky: latents on a grid, noise at every scale.

    Args:
        latent: channels of the latent grid, which is 2^(number of channels − 2) times coarser than the map.
        channels: channels on each grid from the coarsest to the map's own, which is visited twice.
        discriminator_channels: of its stride-2 convolutions.
        discriminator_kernel: size of their kernels after the first, whose is 5.
        discriminator_repeat: whether the last of them is followed by one more with stride 1.
        discriminator_wavelet_planes: differences of scale that it sees (``AtrousWavelet``) beside the smooth map and the map's
            logarithm (``LogPlane``); 0 for the map alone.
        generator_norm: "virtual", "batch" or None.
        reference_size: examples in the reference batch of "virtual".
        reference_mode: "batch" or "example".
        padding: "periodic" or "zeros", in the generator.
        margin: pixels drawn around a map and cropped, a multiple of the coarsest cell, for maps whose opposite edges do
            not join.
        output: "lognormal" (``LognormalOutput``) or "linear".
        gaussian: whether the generator draws a Gaussian field of the training maps' spectrum (``GaussianField``), sees
            it on every grid, and adds to it; its maps start as lognormal ones.
    """

    latent: int = 16
    channels: tuple[int, ...] = (64, 32, 16, 8, 8)
    discriminator_channels: tuple[int, ...] = (16, 32, 64, 128)
    discriminator_kernel: int = 5
    discriminator_repeat: bool = True
    discriminator_wavelet_planes: int = 0
    generator_norm: str | None = "virtual"
    reference_size: int = 8
    reference_mode: str = "batch"
    padding: str = "periodic"
    margin: int = 0
    output: str = "lognormal"
    gaussian: bool = False


@dataclass(frozen=True)
class Preset:
    """Everything but the data.

    Args:
        architecture: of both networks.
        pixels: side of the maps it was made for; others of the same divisibility work.
        losses: mapping of the epoch at which a loss takes over to its name and parameters.
        scaling: "standard" (κ divided by its standard deviation), "range" (minimum and maximum to ∓1) or "rodriguez"
            (minimum to −1, mean to 0, infinity to 1).
        generator_learning_rate, discriminator_learning_rate: learning rates of Adam.
        final_learning_rate_factor: factor by which both fall linearly until the end of training; 1 keeps them.
        beta_1, beta_2: of Adam.
        batch_size, epochs: defaults of training. A batch is cut into as many parts as the discriminator takes steps.
        discriminator_steps: of the discriminator for one of the generator.
        average_decay: of the exponential moving average of the generator; 0 switches it off.
        penalties: on the slope of the discriminator.
        spectral_weight: of ``SpectralMatching`` in the generator's loss; 0 leaves it out.
        augment: rotations and flips of the training maps.
        initial_stddev: of all kernels; None for Glorot's.
    """

    architecture: DeepConvolutional | FullyConvolutional
    pixels: int
    losses: dict[int, dict] = field(default_factory=lambda: {0: {"name": "hinge"}})
    scaling: str = "range"
    generator_learning_rate: float = 2e-4
    discriminator_learning_rate: float = 2e-4
    final_learning_rate_factor: float = 1.0
    beta_1: float = 0.5
    beta_2: float = 0.999
    batch_size: int = 64
    epochs: int = 45
    discriminator_steps: int = 1
    average_decay: float = 0.0
    penalties: tuple[GradientPenalty, ...] = ()
    spectral_weight: float = 0.0
    augment: bool = False
    initial_stddev: float | None = 0.02

    def __post_init__(self):
        if self.batch_size % self.discriminator_steps:
            raise InputError(
                "A batch is split evenly among the discriminator's steps: its size must be a multiple of "
                f"{self.discriminator_steps}. Received: {self.batch_size}"
            )
        if self.average_decay and self.architecture.generator_norm == "batch":
            raise ValueError(
                "Averages of batch statistics do not fit averaged weights: use generator_norm='virtual' or None with "
                f"average_decay. Received: generator_norm='batch', average_decay={self.average_decay}"
            )


_GEOGAN = Preset(
    architecture=DeepConvolutional(
        generator_norm="virtual", reference_size=64, minibatch_kernels=256
    ),
    pixels=256,
    losses={0: {"name": "hinge"}, 85: {"name": "relativistic_hinge"}},
    epochs=185,
    average_decay=0.999,
)
_QUICK = Preset(
    architecture=FullyConvolutional(),
    pixels=64,
    losses={0: {"name": "cross_entropy"}},
    scaling="standard",
    generator_learning_rate=1e-3,
    discriminator_learning_rate=1e-3,
    final_learning_rate_factor=0.1,
    beta_1=0.0,
    beta_2=0.99,
    batch_size=16,
    epochs=4,
    average_decay=0.998,
    penalties=(R1(0.5, fraction=0.25),),
    augment=True,
    initial_stddev=None,
)

_BEST = replace(
    _QUICK,
    architecture=FullyConvolutional(
        discriminator_channels=(32, 32, 64, 128),
        discriminator_kernel=3,
        discriminator_repeat=False,
        discriminator_wavelet_planes=2,
        gaussian=True,
    ),
    penalties=(R1(0.05, fraction=0.25),),
    spectral_weight=0.1,
    epochs=5,
)

_COSMOGAN = Preset(
    architecture=DeepConvolutional(),
    pixels=256,
    losses={0: {"name": "cross_entropy", "flip": 0.01}},
)
_RODRIGUEZ = Preset(
    architecture=DeepConvolutional(latent=200),
    pixels=256,
    losses={0: {"name": "cross_entropy"}},
    scaling="rodriguez",
    batch_size=16,
)

PRESETS = {
    "best": _BEST,
    "quick": _QUICK,
    "geogan": _GEOGAN,
    "geogan_relativistic": replace(_GEOGAN, losses={0: {"name": "relativistic_hinge"}}, epochs=100),
    "dcgan": Preset(
        architecture=DeepConvolutional(latent=100, channels=(1024, 512, 256, 128)),
        pixels=64,
        losses={0: {"name": "cross_entropy"}},
        batch_size=128,
    ),
    "geometric_gan": replace(_COSMOGAN, losses={0: {"name": "hinge"}}),
    "cosmogan": _COSMOGAN,
    "rodriguez": _RODRIGUEZ,
    "rodriguez_wgan": replace(
        _RODRIGUEZ,
        architecture=DeepConvolutional(latent=100, discriminator_norm=None),
        losses={0: {"name": "wasserstein"}},
        penalties=(WassersteinPenalty(10.0),),
        generator_learning_rate=1e-4,
        discriminator_learning_rate=1e-4,
        beta_1=0.0,
        beta_2=0.9,
        batch_size=80,
        discriminator_steps=5,
    ),
    "r3gan": replace(
        _QUICK,
        architecture=FullyConvolutional(generator_norm=None, reference_size=0),
        losses={0: {"name": "relativistic_pairing"}},
        penalties=(R1(2.0), R2(2.0)),
        generator_learning_rate=2e-4,
        discriminator_learning_rate=2e-4,
        final_learning_rate_factor=0.25,
        batch_size=64,
        epochs=45,
        average_decay=0.999,
    ),
    "tiny": replace(
        _BEST,
        architecture=replace(
            _BEST.architecture,
            latent=4,
            channels=(8, 8, 4, 4),
            discriminator_channels=(4, 8, 8),
            reference_size=4,
        ),
        pixels=16,
        batch_size=8,
        epochs=1,
    ),
}


def get_preset(name):
    """Return a preset by name.

    Raises:
        InputError: for a name that is not in ``PRESETS``.

    Example:
        >>> get_preset("geogan").architecture.reference_size
        64
    """
    if name not in PRESETS:
        raise InputError(
            f"Unknown preset. Received: {name!r}; expected one of {', '.join(PRESETS)}"
        )
    return PRESETS[name]
