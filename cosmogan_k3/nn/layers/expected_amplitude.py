"""Scaling of maps by the amplitude that their parameters predict."""

from typing import Any

import keras
import numpy as np
from keras import ops

from cosmogan_k3._typing import Conditions, Maps, Shape, Tensor
from cosmogan_k3.nn.quadratic_regression import log_regression, quadratic, terms


@keras.saving.register_keras_serializable(package="cosmogan_k3")
class ExpectedAmplitude(keras.layers.Layer):
    """Multiply maps by the amplitude expected for their parameters, or divide by it.

    The output is::

        y = x σ(θ)^±1,        σ²(θ)/σ²(0) = exp(Σ_j c_j φ_j(θ))

    φ are the parameters and their products (``quadratic``). ``adapt`` measures c on the variances
    of training maps. A discriminator that receives the divided maps sees the same relative error
    of the amplitude equally at every θ.

    Parameters
    ----------
    inverse : bool, default False
        Divide instead of multiplying.
    **kwargs
        Options of ``keras.layers.Layer``.

    Notes
    -----
    Inputs: a list of the maps ``(n, N, N, channels)`` and the standardized parameters θ
    ``(n, n_conditions)``. Output: the shape of the maps.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> theta = np.linspace(-1, 1, 200, dtype="float32")[:, None]
    >>> maps = np.exp(theta)[:, :, None, None] * rng.normal(size=(200, 8, 8, 1))
    >>> layer = ExpectedAmplitude(inverse=True)
    >>> layer.adapt(maps, theta)
    >>> same = ops.convert_to_numpy(layer([maps.astype("float32"), theta]))
    >>> bool(abs(same[:50].std() / same[-50:].std() - 1) < 0.1)
    True
    """

    conditional = True

    def __init__(self, inverse: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.inverse = inverse

    def build(self, input_shape: list[tuple[int, ...]]) -> None:
        """Create the coefficients c."""
        _, conditions = input_shape
        self.slopes = self.add_weight(
            name="slopes",
            shape=(terms(conditions[-1]), 1),
            initializer="zeros",
            trainable=False,
            dtype="float32",
            autocast=False,
        )

    def adapt(self, maps: Maps, conditions: Conditions) -> None:
        """Measure c on training maps.

        Parameters
        ----------
        maps : array of float, shape (n, N, N, 1)
            Training maps in network units.
        conditions : array of float, shape (n, n_conditions)
            Their standardized parameters.
        """
        if not self.built:
            self.build([maps.shape, conditions.shape])
        variances = np.var(maps, axis=(1, 2, 3), dtype=np.float64)[:, None]
        self.slopes.assign(log_regression(conditions, variances)[1:])

    def call(self, inputs: list[Tensor]) -> Tensor:
        """Return the scaled maps."""
        maps, conditions = inputs
        features = quadratic(ops.cast(conditions, "float32"))
        exponent = features @ ops.convert_to_tensor(self.slopes) / 2
        amplitude = ops.exp(-exponent if self.inverse else exponent)
        return maps * ops.cast(amplitude[:, None, None], maps.dtype)

    def compute_output_shape(self, input_shape: list[Shape]) -> Shape:
        """Return the shape of the maps."""
        return input_shape[0]

    def get_config(self) -> dict[str, Any]:
        """Return the configuration."""
        return super().get_config() | {"inverse": self.inverse}
