"""Output layer with a shifted-lognormal pixel distribution."""

from typing import Any

import keras
from keras import ops
from numpy.typing import ArrayLike

from cosmogan_k3._typing import Shape, Tensor
from cosmogan_k3.nn.lognormal_skew import SMALLEST_SKEW, fit_skew

# The exponent is limited, so that a stray pixel early in the training does not overflow.
_LARGEST_EXPONENT = 4.0


class SkewedOutput(keras.layers.Layer):
    """Base class of the lognormal output layers.

    Parameters
    ----------
    initial : float, default 0.3
        Initial value of the skew parameter, in (−1, 1).
    **kwargs
        Options of ``keras.layers.Layer``.

    Raises
    ------
    ValueError
        If the initial value lies outside (−1, 1).

    Examples
    --------
    >>> isinstance(LognormalOutput(), SkewedOutput)
    True
    """

    def __init__(self, initial: float = 0.3, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not -1 < initial < 1:
            raise ValueError(f"initial must lie between -1 and 1. Received: initial={initial}")
        self.initial = initial

    def _create_skew(self) -> None:
        start = keras.initializers.Constant(self.initial)
        self.skew = self.add_weight(
            shape=(), initializer=start, constraint=_limit_to_one, name="skew"
        )

    def get_config(self) -> dict[str, Any]:
        """Return the configuration."""
        return super().get_config() | {"initial": self.initial}


@keras.saving.register_keras_serializable(package="cosmogan_k3")
class LognormalOutput(SkewedOutput):
    """Map each pixel as a shifted lognormal field is made from a Gaussian one.

    The output is::

        y = (exp(a x) − 1) / a

    with one trainable skew parameter a, limited to [−1, 1]. a → 0 is the linear output. a > 0 skews
    the distribution towards bright pixels and bounds it from below at −1/a, as for convergence.

    Parameters
    ----------
    initial : float, default 0.3
        Initial value of a, in (−1, 1). ``adapt`` replaces it.
    **kwargs
        Options of ``keras.layers.Layer``.

    Raises
    ------
    ValueError
        If the initial value lies outside (−1, 1).

    Notes
    -----
    Input and output: any shape, in network units. a x is limited to at most 4.

    References
    ----------
    Taruya et al. 2002 (astro-ph/0202090): the lognormal approximation of convergence.

    Examples
    --------
    >>> import numpy as np
    >>> y = LognormalOutput(initial=0.5)(np.array([[-1.0, 0.0, 1.0]], "float32"))
    >>> keras.ops.convert_to_numpy(y).round(3).tolist()
    [[-0.7870000004768372, 0.0, 1.2970000505447388]]
    """

    def build(self, input_shape: Shape | None) -> None:
        """Create the skew parameter."""
        self._create_skew()

    def adapt(self, maps: ArrayLike) -> None:
        """Set the skew parameter to that of training maps.

        Parameters
        ----------
        maps : array of float, any shape
            Training maps in network units.
        """
        if not self.built:
            self.build(None)
        self.skew.assign(fit_skew(maps))

    def call(self, x: Tensor) -> Tensor:
        """Return the lognormal field."""
        return shifted_lognormal(x, ops.convert_to_tensor(self.skew))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the input."""
        return input_shape


def shifted_lognormal(x: Tensor, skew: Tensor) -> Tensor:
    """Transform a Gaussian field to a shifted lognormal one.

    The result is::

        y = (exp(a x) − 1) / a

    Parameters
    ----------
    x : Tensor
        Gaussian field, any shape. a x is limited to at most 4.
    skew : Tensor
        a, of a shape that broadcasts. Values below 1e-3 in magnitude count as 1e-3.

    Returns
    -------
    Tensor
        y.

    Examples
    --------
    >>> y = shifted_lognormal(ops.convert_to_tensor([-1.0, 0.0]), ops.convert_to_tensor(1.0))
    >>> ops.convert_to_numpy(y).round(3).tolist()
    [-0.6320000290870667, 0.0]
    """
    skew = ops.where(ops.abs(skew) < SMALLEST_SKEW, ops.full_like(skew, SMALLEST_SKEW), skew)
    return ops.expm1(ops.minimum(skew * x, _LARGEST_EXPONENT)) / skew


def _limit_to_one(weight: Tensor) -> Tensor:
    return ops.clip(weight, -1.0, 1.0)
