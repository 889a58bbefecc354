"""Noise input for a convolutional generator."""

from typing import Any

import keras

from cosmogan_k3._typing import Shape, Tensor


@keras.saving.register_keras_serializable(package="cosmogan_k3")
class NoiseInjection(keras.layers.Layer):
    """Add one noise map to every channel, each with a trainable weight.

    The output is::

        y[..., c] = x[..., c] + w[c] · noise

    with one w for each channel.

    Parameters
    ----------
    initializer : keras.initializers.Initializer or str, default "zeros"
        Initializer of w.
    **kwargs
        Options of ``keras.layers.Layer``.

    Raises
    ------
    ValueError
        If the number of channels is unknown or the noise has more than one channel.

    Notes
    -----
    Inputs: a list of the features ``(n, rows, columns, channels)`` and the noise
    ``(n, rows, columns, 1)``. Output: the shape of the features.

    References
    ----------
    Karras et al. 2019 (arXiv 1812.04948), section 3.2.

    Examples
    --------
    >>> import numpy as np
    >>> NoiseInjection()([np.zeros((2, 8, 8, 4)), np.ones((2, 8, 8, 1))]).shape == (2, 8, 8, 4)
    True
    """

    def __init__(
        self, initializer: keras.initializers.Initializer | str = "zeros", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.initializer = keras.initializers.get(initializer)

    def build(self, input_shape: list[Shape]) -> None:
        """Create one weight for each channel."""
        features, noise = input_shape
        if features[-1] is None or noise[-1] != 1:
            raise ValueError(
                "NoiseInjection needs features with a known number of channels "
                f"and noise with one channel. Received: shapes {features} and {noise}"
            )
        self.weight = self.add_weight(
            shape=(features[-1],), initializer=self.initializer, name="weight"
        )

    def call(self, inputs: list[Tensor]) -> Tensor:
        """Return the features with noise."""
        features, noise = inputs
        return features + self.weight * noise

    def compute_output_shape(self, input_shape: list[Shape]) -> Shape:
        """Return the shape of the features."""
        return input_shape[0]

    def get_config(self) -> dict[str, Any]:
        """Return the configuration."""
        return super().get_config() | {
            "initializer": keras.initializers.serialize(self.initializer)
        }
