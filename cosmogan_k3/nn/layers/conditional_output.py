"""Lognormal output layer whose skew depends on the conditions."""

import keras
from keras import ops

from cosmogan_k3._typing import Conditions, Maps, Shape, Tensor
from cosmogan_k3.nn.layers.lognormal_output import SkewedOutput, shifted_lognormal
from cosmogan_k3.nn.lognormal_skew import skew_regression


@keras.saving.register_keras_serializable(package="cosmogan_k3")
class ConditionalOutput(SkewedOutput):
    """``LognormalOutput`` with a skew parameter that is linear in the conditions.

    The output is::

        y = (exp(a x) − 1)/a,        a = a_0 + Σ_j s_j θ_j

    with a limited to [−1, 1]. a_0 and s are trainable. ``adapt`` estimates their initial values
    from training maps.

    Parameters
    ----------
    initial : float, default 0.3
        Initial value of a_0, in (−1, 1); s starts at zero.
    **kwargs
        Options of ``keras.layers.Layer``.

    Raises
    ------
    ValueError
        If the initial value lies outside (−1, 1).

    Notes
    -----
    Inputs: a list of the field ``(n, N, N, 1)`` and the standardized parameters θ
    ``(n, n_conditions)``. Output: the shape of the field.

    References
    ----------
    Taruya et al. 2002 (astro-ph/0202090): the lognormal approximation of convergence.

    Examples
    --------
    >>> import numpy as np
    >>> ConditionalOutput()([np.zeros((2, 8, 8, 1)), np.ones((2, 3))]).shape == (2, 8, 8, 1)
    True
    """

    conditional = True

    def build(self, input_shape: list[tuple[int, ...]]) -> None:
        """Create the skew parameter and its slopes."""
        _, conditions = input_shape
        self._create_skew()
        self.slopes = self.add_weight(shape=(conditions[-1],), initializer="zeros", name="slopes")

    def adapt(self, maps: Maps, conditions: Conditions) -> None:
        """Set the skew parameter and its slopes to those of training maps.

        Parameters
        ----------
        maps : array of float, shape (n, N, N, 1)
            Training maps in network units.
        conditions : array of float, shape (n, n_conditions)
            Their standardized parameters.
        """
        if not self.built:
            self.build([maps.shape, conditions.shape])
        base, *slopes = skew_regression(maps, conditions)
        self.skew.assign(base)
        self.slopes.assign(slopes)

    def call(self, inputs: list[Tensor]) -> Tensor:
        """Return the lognormal field."""
        field, conditions = inputs
        slopes = ops.convert_to_tensor(self.slopes)[:, None]
        skew = ops.convert_to_tensor(self.skew) + conditions @ slopes
        return shifted_lognormal(field, ops.clip(skew, -1.0, 1.0)[:, :, None, None])

    def compute_output_shape(self, input_shape: list[Shape]) -> Shape:
        """Return the shape of the field."""
        return input_shape[0]
