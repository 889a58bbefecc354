"""Published and measured systems as plain data.

A preset names everything that a training depends on except the data: both networks, the loss
schedule, the optimizers, the scaling, the augmentation and the averaging of the weights.
docs/reference/presets.md gives the source of each number; docs/explanation/errata.md lists where
the paper's table had to be corrected.
"""

from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from cosmogan_k3.errors import InputError
from cosmogan_k3.gan.architectures import Architecture, DeepConvolutional, FullyConvolutional
from cosmogan_k3.nn.losses import (
    AdversarialLoss,
    CrossEntropy,
    GeometricHinge,
    RelativisticAverageHinge,
    RelativisticPairing,
    Wasserstein,
)
from cosmogan_k3.nn.penalties import R1, R2, GradientPenalty, WassersteinPenalty

LossSchedule: TypeAlias = dict[int, AdversarialLoss]  # first epoch of each loss to the loss


@dataclass(frozen=True)
class Preset:
    """A training without its data.

    Parameters
    ----------
    architecture : Architecture
        Description of both networks.
    pixels : int
        Side of the maps that the preset was made for. Other sides of the same divisibility work.
    loss_schedule : dict of int to AdversarialLoss
        The epoch at which each loss takes over.
    scaling : {"standard", "range", "rational"}
        Kind of ``Scaling``.
    generator_learning_rate, discriminator_learning_rate : float
        Learning rates of Adam at the start.
    final_learning_rate_factor : float
        Factor that both learning rates reach linearly at the end of training.
    beta_1, beta_2 : float
        Decay rates of Adam.
    generator_clipnorm, discriminator_clipnorm : float or None
        Largest norm of the whole gradient; longer ones are shortened. One map with an extreme
        pixel would else raise Adam's second moments, and stop the training for hundreds of steps.
    batch_size, epochs : int
        Defaults of a training. Each discriminator step takes an equal part of the batch.
    discriminator_steps : int
        Discriminator steps for each generator step.
    average_decay : float
        Decay of the exponential moving average of the generator's weights; 0 for no average.
    penalties : tuple of GradientPenalty
        Terms added to the discriminator's loss.
    spectral_weight, feature_weight : float
        Weights of ``SpectralMatching`` and ``FeatureMatching`` in the generator's loss; 0 leaves
        one out.
    augment : bool
        Whether training maps are rotated and reflected at random.
    initial_stddev : float or None
        Standard deviation of all initial kernels; None for that of Glorot and Bengio.
    precision : {"float32", "bfloat16"}
        Of the features in the networks. Maps, weights, losses, moments and optimizers have float32.

    Raises
    ------
    InputError
        If the batch cannot be split evenly among the discriminator steps, or if weights are
        averaged that belong to averages of batch statistics.

    Examples
    --------
    >>> Preset(DeepConvolutional(), pixels=64).loss_schedule
    {0: GeometricHinge(margin_real=1.0, margin_fake=1.0)}
    """

    architecture: Architecture
    pixels: int
    loss_schedule: LossSchedule = field(default_factory=lambda: {0: GeometricHinge()})
    scaling: Literal["standard", "range", "rational"] = "range"
    generator_learning_rate: float = 2e-4
    discriminator_learning_rate: float = 2e-4
    final_learning_rate_factor: float = 1.0
    beta_1: float = 0.5
    beta_2: float = 0.999
    generator_clipnorm: float | None = None
    discriminator_clipnorm: float | None = None
    batch_size: int = 64
    epochs: int = 45
    discriminator_steps: int = 1
    average_decay: float = 0.0
    penalties: tuple[GradientPenalty, ...] = ()
    spectral_weight: float = 0.0
    feature_weight: float = 0.0
    augment: bool = False
    initial_stddev: float | None = 0.02
    precision: str = "float32"

    def __post_init__(self) -> None:
        if self.batch_size % self.discriminator_steps:
            raise InputError(
                "A batch is split evenly among the discriminator's steps: its size must be a "
                f"multiple of {self.discriminator_steps}. Received: {self.batch_size}",
                parameter="batch_size",
            )
        if self.average_decay and self.architecture.generator_norm == "batch":
            raise InputError(
                "Averages of batch statistics do not fit averaged weights: use "
                "generator_norm='virtual' or None with average_decay. Received: "
                f"generator_norm='batch', average_decay={self.average_decay}"
            )


_GEOGAN = Preset(
    architecture=DeepConvolutional(
        generator_norm="virtual", reference_size=64, minibatch_kernels=256
    ),
    pixels=256,
    loss_schedule={0: GeometricHinge(), 85: RelativisticAverageHinge()},
    epochs=185,
    average_decay=0.999,
)
_QUICK = Preset(
    architecture=FullyConvolutional(),
    pixels=64,
    loss_schedule={0: CrossEntropy()},
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
_BEST_NETWORKS = FullyConvolutional(
    channels=(64, 48, 32, 16, 16),
    generator_norm=None,
    reference_size=0,
    discriminator_channels=(32, 32, 64, 128),
    discriminator_kernel=3,
    discriminator_repeat=False,
    discriminator_wavelet_planes=2,
    discriminator_compressed=True,
    discriminator_pooled=True,
    injection_stddev=0.5,
    gaussian=True,
)
_BEST = replace(
    _QUICK,
    architecture=_BEST_NETWORKS,
    generator_learning_rate=2e-3,
    discriminator_learning_rate=2e-3,
    generator_clipnorm=5.0,
    discriminator_clipnorm=0.5,
    penalties=(R1(0.01, fraction=0.25),),
    spectral_weight=0.1,
    feature_weight=0.1,
    epochs=5,
)
_COSMOGAN = Preset(
    architecture=DeepConvolutional(),
    pixels=256,
    loss_schedule={0: CrossEntropy(flip=0.01)},
)
_RODRIGUEZ = Preset(
    architecture=DeepConvolutional(latent=200),
    pixels=256,
    loss_schedule={0: CrossEntropy()},
    scaling="rational",
    batch_size=16,
)

PRESETS: dict[str, Preset] = {
    "best": _BEST,
    "quick": _QUICK,
    "geogan": _GEOGAN,
    "geogan_relativistic": replace(
        _GEOGAN, loss_schedule={0: RelativisticAverageHinge()}, epochs=100
    ),
    "dcgan": Preset(
        architecture=DeepConvolutional(latent=100, channels=(1024, 512, 256, 128)),
        pixels=64,
        loss_schedule={0: CrossEntropy()},
        batch_size=128,
    ),
    "geometric_gan": replace(_COSMOGAN, loss_schedule={0: GeometricHinge()}),
    "cosmogan": _COSMOGAN,
    "rodriguez": _RODRIGUEZ,
    "rodriguez_wgan": replace(
        _RODRIGUEZ,
        architecture=DeepConvolutional(latent=100, discriminator_norm=None),
        loss_schedule={0: Wasserstein()},
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
        loss_schedule={0: RelativisticPairing()},
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
            _BEST_NETWORKS,
            latent=4,
            channels=(8, 8, 4, 4),
            discriminator_channels=(4, 8, 8),
        ),
        pixels=16,
        batch_size=8,
        epochs=1,
    ),
}


def get_preset(name: str, width: float = 1.0) -> Preset:
    """Return a preset by name.

    Parameters
    ----------
    name : str
    width : float, default 1
        Factor on the channels of both networks.

    Raises
    ------
    InputError
        If the name is not in ``PRESETS``.

    Examples
    --------
    >>> get_preset("geogan").architecture.reference_size
    64
    """
    if name not in PRESETS:
        raise InputError(
            f"Unknown preset. Received: {name!r}; expected one of {', '.join(PRESETS)}",
            parameter="preset",
        )
    preset = PRESETS[name]
    return replace(preset, architecture=preset.architecture.widened(width))
