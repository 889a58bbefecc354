"""Penalties on the slope of the discriminator, as parts that add up.

A penalty is a small frozen dataclass, called with the discriminator, the real and the generated maps of a batch and a
seed; it returns a scalar that is added to the discriminator's loss. ⟨·⟩ is the batch mean. ``fraction`` is the share
of each batch on which the slope is computed: the same expectation as a penalty on every 1/``fraction``-th step, at the
same cost, in one compiled step.
"""

from dataclasses import dataclass

import keras
from keras import ops

from cosmogan_k3 import backend
from cosmogan_k3.errors import InputError
from cosmogan_k3.nn.serializable import SerializableDataclass, register

_LEAST_SQUARED_SLOPE = 1e-12
"""Below it the slope counts as constant: the derivative of the root would be infinite where the slope vanishes."""


def squared_slope(discriminator, maps, *given):
    """|∇_x D(x)|² of each map.

    Args:
        discriminator: ``keras.Model`` from maps to logits.
        maps: tensor ``(n, rows, columns, channels)``.
        given: what else a conditional discriminator is told, held constant.

    Returns:
        tensor ``(n,)``, which can be differentiated by the discriminator's weights. Averages that a normalisation
        moves on the way are put back.

    Example:
        >>> import keras
        >>> discriminator = keras.Sequential([keras.Input((2, 2, 1)), keras.layers.Flatten(), keras.layers.Dense(1)])
        >>> discriminator.set_weights([ops.convert_to_numpy(ops.full((4, 1), 3.0)), ops.convert_to_numpy(ops.zeros(1))])
        >>> ops.convert_to_numpy(ops.stop_gradient(squared_slope(discriminator, ops.zeros((2, 2, 2, 1))))).tolist()
        [36.0, 36.0]
    """
    _, slope = backend.value_and_input_gradient(
        lambda x: ops.sum(discriminator([x, *given] if given else x, training=True)),
        maps,
        discriminator.variables,
    )
    return ops.sum(ops.square(slope), axis=(1, 2, 3))


@dataclass(frozen=True)
class GradientPenalty(SerializableDataclass):
    """What every penalty here shares: ``weight`` times the mean of its ``penalty`` of the slopes at its ``points``."""

    weight: float
    fraction: float = 1.0

    def __post_init__(self):
        if not self.weight >= 0 or not 0 < self.fraction <= 1:
            raise InputError(
                "A penalty needs a weight that is not negative and a fraction in (0, 1]. "
                f"Received: weight={self.weight}, fraction={self.fraction}"
            )

    def __call__(self, discriminator, real, fake, seed=None, *given):
        stride = round(1 / self.fraction)
        maps = self.points(real[::stride], fake[::stride], seed)
        slopes = squared_slope(discriminator, maps, *(rows[::stride] for rows in given))
        return self.weight * ops.mean(backend.gather(self.penalty(slopes)))

    def penalty(self, squared_slope):
        return squared_slope / 2


@register
@dataclass(frozen=True)
class R1(GradientPenalty):
    """Zero-centred penalty at the real maps: γ/2 ⟨|∇D(x)|²⟩.

    Args:
        weight: float, γ.
        fraction: float in (0, 1], share of each batch on which it is computed.

    Raises:
        InputError: a negative weight, or a fraction outside (0, 1].

    Example:
        >>> R1(0.5, fraction=0.25)
        R1(weight=0.5, fraction=0.25)

    Source: Mescheder et al. 2018 (arXiv 1801.04406), eq. 9.
    """

    def points(self, real, fake, seed):
        return real


@register
@dataclass(frozen=True)
class R2(GradientPenalty):
    """Zero-centred penalty at the generated maps: γ/2 ⟨|∇D(g)|²⟩.

    Args:
        weight: float, γ.
        fraction: float in (0, 1], share of each batch on which it is computed.

    Raises:
        InputError: a negative weight, or a fraction outside (0, 1].

    Example:
        >>> R2(2.0)
        R2(weight=2.0, fraction=1.0)

    Source: Mescheder et al. 2018 (arXiv 1801.04406), eq. 10.
    """

    def points(self, real, fake, seed):
        return fake


@register
@dataclass(frozen=True)
class WassersteinPenalty(GradientPenalty):
    """Penalty that holds the slope at one between real and generated maps: λ ⟨(|∇D(x̂)| − 1)²⟩.

    x̂ = t x + (1 − t) g with t uniform in [0, 1], one for each pair of maps.

    Args:
        weight: float, λ.
        fraction: float in (0, 1], share of each batch on which it is computed.

    Raises:
        InputError: a negative weight, or a fraction outside (0, 1].

    Example:
        >>> WassersteinPenalty()
        WassersteinPenalty(weight=10.0, fraction=1.0)

    Source: Gulrajani et al. 2017 (arXiv 1704.00028), eq. 3.
    """

    weight: float = 10.0

    def points(self, real, fake, seed):
        share = keras.random.uniform(
            (ops.shape(real)[0] * backend.replica_count(), 1, 1, 1), seed=seed
        )
        share = backend.local_slice(share)
        return share * real + (1 - share) * fake

    def penalty(self, squared_slope):
        return ops.square(ops.sqrt(ops.maximum(squared_slope, _LEAST_SQUARED_SLOPE)) - 1)
