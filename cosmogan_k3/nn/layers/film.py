"""Feature-wise linear modulation."""

import keras

from cosmogan_k3._typing import Conditions, Maps, Shape, Tensor


@keras.saving.register_keras_serializable(package="cosmogan_k3")
class FiLM(keras.layers.Layer):
    """Scale and shift each channel by linear functions of the conditions.

    The output is::

        y[..., c] = x[..., c] (1 + θ·s_c) + θ·b_c

    s and b are trainable and start at zero. At the start, and where all parameters θ have their
    mean value, the features do not change.

    Parameters
    ----------
    **kwargs
        Options of ``keras.layers.Layer``.

    Notes
    -----
    Inputs: a list of the features ``(n, rows, columns, channels)`` and the standardized parameters
    θ ``(n, n_conditions)``. Output: the shape of the features.

    References
    ----------
    Perez et al. 2018 (arXiv 1709.07871), eq. 1–2.

    Examples
    --------
    >>> import numpy as np
    >>> FiLM()([np.ones((2, 8, 8, 4)), np.ones((2, 3))]).shape == (2, 8, 8, 4)
    True
    """

    conditional = True

    def build(self, input_shape: list[Shape]) -> None:
        """Create s and b."""
        features, conditions = input_shape
        shape = (conditions[-1], features[-1])
        self.scale = self.add_weight(shape=shape, initializer="zeros", name="scale")
        self.shift = self.add_weight(shape=shape, initializer="zeros", name="shift")

    def adapt(self, maps: Maps, conditions: Conditions) -> None:
        """Do nothing: the layer starts as the identity for all training maps."""

    def call(self, inputs: list[Tensor]) -> Tensor:
        """Return the modulated features."""
        features, conditions = inputs
        scale, shift = ((conditions @ w)[:, None, None] for w in (self.scale, self.shift))
        return features * (1 + scale) + shift

    def compute_output_shape(self, input_shape: list[Shape]) -> Shape:
        """Return the shape of the features."""
        return input_shape[0]
