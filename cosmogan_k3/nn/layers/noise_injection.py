"""Small-scale randomness for a convolutional generator."""

import keras


@keras.saving.register_keras_serializable(package="cosmogan_k3")
class NoiseInjection(keras.layers.Layer):
    """Add one noise map to every channel, each with a learnt weight.

        y[..., c] = x[..., c] + w[c] · noise

    Inputs: a pair of tensors, the features ``(n, rows, columns, channels)`` and the noise
    ``(n, rows, columns, 1)``. Output: the shape of the features.

    Example:
        >>> import numpy as np
        >>> from cosmogan_k3.nn.layers import NoiseInjection
        >>> layer = NoiseInjection()
        >>> layer([np.zeros((2, 8, 8, 4)), np.ones((2, 8, 8, 1))]).shape == (2, 8, 8, 4)
        True

    Source: Karras et al. 2019 (arXiv 1812.04948), section 3.2.
    """

    def build(self, input_shape):
        features, noise = input_shape
        if features[-1] is None or noise[-1] != 1:
            raise ValueError(
                "NoiseInjection needs features with a known number of channels and noise with one channel. "
                f"Received: shapes {features} and {noise}"
            )
        self.weight = self.add_weight(shape=(features[-1],), initializer="zeros", name="weight")

    def call(self, inputs):
        features, noise = inputs
        return features + self.weight * noise

    def compute_output_shape(self, input_shape):
        return input_shape[0]
