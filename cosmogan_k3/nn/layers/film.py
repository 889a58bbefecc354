"""Features that follow parameters."""

import keras


@keras.saving.register_keras_serializable(package="cosmogan_k3")
class FiLM(keras.layers.Layer):
    """Scale and shift each channel by what the parameters of the map say.

        y[..., c] = x[..., c] (1 + θ·s_c) + θ·b_c

    s and b are learnt, from zero: at the start, and where all parameters have their mean, the features pass unchanged.

    Inputs: a pair of tensors, the features ``(n, rows, columns, channels)`` and θ ``(n, parameters)``, standardised.
    Output: the shape of the features.

    Example:
        >>> import numpy as np
        >>> from cosmogan_k3.nn.layers import FiLM
        >>> layer = FiLM()
        >>> layer([np.ones((2, 8, 8, 4)), np.ones((2, 3))]).shape == (2, 8, 8, 4)
        True

    Source: Perez et al. 2018 (arXiv 1709.07871).
    """

    def build(self, input_shape):
        features, theta = input_shape
        shape = (theta[-1], features[-1])
        self.scale = self.add_weight(shape=shape, initializer="zeros", name="scale")
        self.shift = self.add_weight(shape=shape, initializer="zeros", name="shift")

    def call(self, inputs):
        features, theta = inputs
        scale, shift = ((theta @ weight)[:, None, None] for weight in (self.scale, self.shift))
        return features * (1 + scale) + shift

    def compute_output_shape(self, input_shape):
        return input_shape[0]
