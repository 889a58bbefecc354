"""Maps in units of the amplitude that their cosmology has, and back."""

import keras
import numpy as np
from keras import ops

from cosmogan_k3.nn.quadratic_regression import log_regression, quadratic, terms


@keras.saving.register_keras_serializable(package="cosmogan_k3")
class ExpectedAmplitude(keras.layers.Layer):
    """Multiply maps by the amplitude that is expected of their parameters, or divide by it.

        y = x σ(θ)^±1,        σ²(θ)/σ²(0) = exp(Σ_j c_j φ_j(θ))

    c is measured by ``adapt`` on the variances of training maps, φ are the parameters and their products
    (``quadratic``). A discriminator that sees maps so divided sees an error of amplitude alike at every θ.

    Args:
        inverse: bool, whether to divide.

    Inputs: maps ``(n, N, N, channels)`` and θ ``(n, parameters)``, standardised. Output: the shape of the maps.

    Example:
        >>> import numpy as np
        >>> from cosmogan_k3.nn.layers import ExpectedAmplitude
        >>> theta = np.linspace(-1, 1, 200, dtype="float32")[:, None]
        >>> maps = np.exp(theta)[:, :, None, None] * np.random.default_rng(0).normal(size=(200, 8, 8, 1))
        >>> layer = ExpectedAmplitude(inverse=True)
        >>> layer.adapt(maps, theta)
        >>> same = ops.convert_to_numpy(layer([maps.astype("float32"), theta]))
        >>> bool(abs(same[:50].std() / same[-50:].std() - 1) < 0.1)
        True

    Source: ours.
    """

    conditional = True

    def __init__(self, inverse=False, **kwargs):
        super().__init__(**kwargs)
        self.inverse = inverse

    def build(self, input_shape):
        shape = (terms(input_shape[1][-1]), 1)
        self.slopes = self.add_weight(
            name="slopes",
            shape=shape,
            initializer="zeros",
            trainable=False,
            dtype="float32",
            autocast=False,
        )

    def adapt(self, maps, theta):
        """Measure c on training maps ``(n, N, N, 1)`` in network units, and their standardised parameters."""
        if not self.built:
            self.build([maps.shape, theta.shape])
        variances = np.var(maps, axis=(1, 2, 3), dtype=np.float64)[:, None]
        self.slopes.assign(log_regression(theta, variances)[1:])

    def call(self, inputs):
        maps, theta = inputs
        exponent = quadratic(ops.cast(theta, "float32")) @ ops.convert_to_tensor(self.slopes) / 2
        amplitude = ops.exp(-exponent if self.inverse else exponent)
        return maps * ops.cast(amplitude[:, None, None], maps.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape[0]

    def get_config(self):
        return super().get_config() | {"inverse": self.inverse}
