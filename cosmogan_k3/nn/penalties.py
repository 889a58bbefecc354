"""Penalties on the gradient of the discriminator with respect to the maps."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import keras
from keras import ops

from cosmogan_k3 import backend
from cosmogan_k3._typing import Seed, Tensor
from cosmogan_k3.errors import InputError
from cosmogan_k3.nn.serializable import SerializableDataclass, register

# Squared slopes are raised to this value: the derivative of the square root is infinite at 0.
_SMALLEST_SQUARED_SLOPE = 1e-12


def squared_slope(
    discriminator: keras.Model, maps: Tensor, conditions: Tensor | None = None
) -> Tensor:
    """Squared norm of the discriminator's gradient for each map.

    For map x_i::

        s_i = |∇_x D(x_i)|²

    Parameters
    ----------
    discriminator : keras.Model
        Network from maps, or from the list ``[maps, conditions]``, to logits ``(n, 1)``.
    maps : Tensor
        Points at which the gradient is taken, shape ``(n, rows, columns, channels)``.
    conditions : Tensor, optional
        Standardized parameters of the maps, shape ``(n, n_conditions)``, held constant.

    Returns
    -------
    Tensor
        Squared slopes, shape ``(n,)``, differentiable with respect to the discriminator's weights.
        Moving averages of normalization layers are left as they were.

    Examples
    --------
    >>> import keras
    >>> dense = keras.layers.Dense(1, kernel_initializer=keras.initializers.Constant(3.0))
    >>> discriminator = keras.Sequential([keras.Input((2, 2, 1)), keras.layers.Flatten(), dense])
    >>> slopes = squared_slope(discriminator, ops.zeros((2, 2, 2, 1)))
    >>> ops.convert_to_numpy(ops.stop_gradient(slopes)).tolist()
    [36.0, 36.0]
    """

    def total(x: Tensor) -> tuple[Tensor, None]:
        inputs = x if conditions is None else [x, conditions]
        return ops.sum(discriminator(inputs, training=True)), None

    _, slope = backend.value_and_input_gradient(total, maps, discriminator.variables)
    return ops.sum(ops.square(slope), axis=(1, 2, 3))


@dataclass(frozen=True)
class GradientPenalty(SerializableDataclass, ABC):
    """Base class of the penalties on the discriminator's slope.

    The penalty is::

        P = w ⟨p(|∇D(x̂)|²)⟩

    A subclass defines the points x̂ and, if it is not |∇D|²/2, the penalty p. ⟨·⟩ is the mean over
    the batch.

    Parameters
    ----------
    weight : float
        w, not negative.
    fraction : float, default 1.0
        Fraction of each batch on which the slope is computed, in (0, 1]. The expectation and the
        cost are those of a penalty on every 1/``fraction``-th step, but every step is the same
        compiled function.

    Raises
    ------
    InputError
        If the weight is negative or the fraction lies outside (0, 1].

    Examples
    --------
    >>> isinstance(R1(0.5), GradientPenalty)
    True
    """

    weight: float
    fraction: float = 1.0

    def __post_init__(self) -> None:
        if not self.weight >= 0 or not 0 < self.fraction <= 1:
            raise InputError(
                "A penalty needs a weight that is not negative and a fraction in (0, 1]. "
                f"Received: weight={self.weight}, fraction={self.fraction}"
            )

    def __call__(
        self,
        discriminator: keras.Model,
        real: Tensor,
        fake: Tensor,
        seed: Seed = None,
        conditions: Tensor | None = None,
    ) -> Tensor:
        """Return the scalar that is added to the discriminator's loss.

        Parameters
        ----------
        discriminator : keras.Model
            Network from maps, or from ``[maps, conditions]``, to logits.
        real, fake : Tensor
            Real and generated maps, shape ``(n, rows, columns, 1)``, in network units.
        seed : keras.random.SeedGenerator or int, optional
            Seed of random points, if the penalty draws any.
        conditions : Tensor, optional
            Standardized parameters of the maps, shape ``(n, n_conditions)``.

        Returns
        -------
        Tensor
            The penalty, a scalar.
        """
        stride = round(1 / self.fraction)
        maps = self.points(real[::stride], fake[::stride], seed)
        rows = None if conditions is None else conditions[::stride]
        squares = squared_slope(discriminator, maps, rows)
        return self.weight * ops.mean(backend.gather(self.penalty(squares)))

    @abstractmethod
    def points(self, real: Tensor, fake: Tensor, seed: Seed) -> Tensor:
        """Return the maps at which the slope is penalized, shape ``(n, rows, columns, 1)``."""

    def penalty(self, squared_slope: Tensor) -> Tensor:
        """Return the penalty of each squared slope, shape ``(n,)``."""
        return squared_slope / 2


@register
@dataclass(frozen=True)
class R1(GradientPenalty):
    """Zero-centered gradient penalty on real maps.

    The penalty is::

        R₁ = γ/2 ⟨|∇D(x)|²⟩

    Parameters
    ----------
    weight : float
        γ, not negative.
    fraction : float, default 1.0
        Fraction of each batch on which the slope is computed, in (0, 1].

    Raises
    ------
    InputError
        If the weight is negative or the fraction lies outside (0, 1].

    References
    ----------
    Mescheder et al. 2018 (arXiv 1801.04406), eq. 9.

    Examples
    --------
    >>> R1(0.5, fraction=0.25)
    R1(weight=0.5, fraction=0.25)
    """

    def points(self, real: Tensor, fake: Tensor, seed: Seed) -> Tensor:
        """Return the real maps."""
        return real


@register
@dataclass(frozen=True)
class R2(GradientPenalty):
    """Zero-centered gradient penalty on generated maps.

    The penalty is::

        R₂ = γ/2 ⟨|∇D(g)|²⟩

    Parameters
    ----------
    weight : float
        γ, not negative.
    fraction : float, default 1.0
        Fraction of each batch on which the slope is computed, in (0, 1].

    Raises
    ------
    InputError
        If the weight is negative or the fraction lies outside (0, 1].

    References
    ----------
    Mescheder et al. 2018 (arXiv 1801.04406), eq. 10.

    Examples
    --------
    >>> R2(2.0)
    R2(weight=2.0, fraction=1.0)
    """

    def points(self, real: Tensor, fake: Tensor, seed: Seed) -> Tensor:
        """Return the generated maps."""
        return fake


@register
@dataclass(frozen=True)
class WassersteinPenalty(GradientPenalty):
    """One-centered gradient penalty between real and generated maps.

    The penalty is::

        P = λ ⟨(|∇D(x̂)| − 1)²⟩,      x̂ = t x + (1 − t) g

    with t uniform in [0, 1], one value for each pair of maps.

    Parameters
    ----------
    weight : float, default 10.0
        λ, not negative.
    fraction : float, default 1.0
        Fraction of each batch on which the slope is computed, in (0, 1].

    Raises
    ------
    InputError
        If the weight is negative or the fraction lies outside (0, 1].

    References
    ----------
    Gulrajani et al. 2017 (arXiv 1704.00028), eq. 3.

    Examples
    --------
    >>> WassersteinPenalty()
    WassersteinPenalty(weight=10.0, fraction=1.0)
    """

    weight: float = 10.0

    def points(self, real: Tensor, fake: Tensor, seed: Seed) -> Tensor:
        """Return random points on the lines between real and generated maps."""
        # Drawn for the whole batch, so that the points do not depend on the number of devices.
        shape = (ops.shape(real)[0] * backend.replica_count(), 1, 1, 1)
        t = backend.local_slice(keras.random.uniform(shape, seed=seed))
        return t * real + (1 - t) * fake

    def penalty(self, squared_slope: Tensor) -> Tensor:
        """Return (|∇D| − 1)² of each squared slope, shape ``(n,)``."""
        slope = ops.sqrt(ops.maximum(squared_slope, _SMALLEST_SQUARED_SLOPE))
        return ops.square(slope - 1)
