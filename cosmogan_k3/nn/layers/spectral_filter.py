"""An isotropic filter that gives generated maps the mean power spectrum of the training maps."""

import keras
import numpy as np
from keras import ops

from cosmogan_k3.nn.radial import multiply_modes, radial_size

_LARGEST_GAIN = 2.0
"""The filter mends per cents; what differs by more, early in a training, is the training's to mend."""


@keras.saving.register_keras_serializable(package="cosmogan_k3")
class SpectralFilter(keras.layers.Layer):
    """Multiply the Fourier modes of each map by a gain that depends on their wave number alone, and shift its mean.

        ŷ(k) = T(|k|) x̂(k),        y → y + s

    T is tabulated at whole wave numbers of a map of ``pixels`` and linear between them; maps of another side are given
    the same gain at the same number of cycles a pixel. In training the layer does nothing: ``fit`` measures T and s on
    maps of a finished generator.

    Args:
        pixels: int, side of the maps that T is measured on.

    Input and output: float ``(n, N, N, 1)``.

    Example:
        >>> import numpy as np
        >>> layer = SpectralFilter(16)
        >>> maps = np.random.default_rng(0).normal(size=(2, 16, 16, 1)).astype("float32")
        >>> layer.fit([0.0, 11.0], [4.0, 4.0], shift=0.0)
        >>> bool(np.allclose(keras.ops.convert_to_numpy(layer(maps)), 2 * maps, atol=1e-5))
        True

    Source: ours.
    """

    def __init__(self, pixels, **kwargs):
        super().__init__(**kwargs)
        self.pixels = pixels

    def build(self, input_shape):
        fixed = {"trainable": False, "dtype": "float32", "autocast": False}
        self.gain = self.add_weight(
            name="gain", shape=(radial_size(self.pixels),), initializer="ones", **fixed
        )
        self.shift = self.add_weight(name="shift", shape=(), initializer="zeros", **fixed)

    def fit(self, wavenumbers, ratio, shift):
        """Change T and s so that the power is multiplied by a ratio and the mean shifted.

        Args:
            wavenumbers: float ``(rings,)``, increasing, in units of the fundamental mode of a map of ``pixels``.
            ratio: float ``(rings,)``, power that is wanted over power that there is.
            shift: float, s.
        """
        if not self.built:
            self.build(None)
        self._follow(np.interp(np.arange(self.gain.shape[0]), wavenumbers, np.sqrt(ratio)), shift)

    def then(self, other):
        """Do what this filter does, and after it what another of the same size does."""
        self._follow(ops.convert_to_numpy(other.gain), ops.convert_to_numpy(other.shift))

    def _follow(self, gain, shift):
        gain = ops.convert_to_numpy(self.gain) * gain
        self.gain.assign(np.clip(gain, 1 / _LARGEST_GAIN, _LARGEST_GAIN))
        self.shift.assign(ops.convert_to_numpy(self.shift) + shift)

    def reset(self):
        """Let maps pass as they are."""
        self.gain.assign(np.ones(self.gain.shape))
        self.shift.assign(0.0)

    def call(self, x, training=False):
        if training:
            return x
        filtered = multiply_modes(ops.squeeze(x, -1), ops.convert_to_tensor(self.gain), self.pixels)
        return ops.cast(ops.expand_dims(filtered + ops.convert_to_tensor(self.shift), -1), x.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return super().get_config() | {"pixels": self.pixels}
