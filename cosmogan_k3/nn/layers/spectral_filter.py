"""Isotropic filter that corrects the mean power spectrum of generated maps."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from cosmogan_k3._typing import FloatArray, Shape, Tensor
from cosmogan_k3.nn.radial import multiply_modes, radial_size

# The filter corrects small residuals only. Larger differences, early in a training, are left to
# the training.
_LARGEST_GAIN = 2.0


@keras.saving.register_keras_serializable(package="cosmogan_k3")
class SpectralFilter(keras.layers.Layer):
    """Multiply Fourier modes by a gain that depends on the wave number, and shift the mean.

    The output is::

        ŷ(k) = T(|k|) x̂(k),        y → y + s

    T is tabulated at whole wave numbers of a map of ``pixels`` and interpolated linearly. Maps of
    another side get the same gain at the same number of cycles per pixel. T is limited to
    [1/2, 2].

    ``fit`` sets T and s from measurements on maps of a trained generator. In training the layer is
    the identity.

    Parameters
    ----------
    pixels : int
        Side of the maps that T is measured on.
    **kwargs
        Options of ``keras.layers.Layer``.

    Notes
    -----
    Input and output: float ``(n, N, N, 1)``, in network units.

    Examples
    --------
    >>> layer = SpectralFilter(16)
    >>> maps = np.random.default_rng(0).normal(size=(2, 16, 16, 1)).astype("float32")
    >>> layer.fit([0.0, 11.0], [4.0, 4.0], shift=0.0)
    >>> bool(np.allclose(keras.ops.convert_to_numpy(layer(maps)), 2 * maps, atol=1e-5))
    True
    """

    def __init__(self, pixels: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pixels = pixels

    def build(self, input_shape: Shape | None) -> None:
        """Create T and s."""
        fixed = {"trainable": False, "dtype": "float32", "autocast": False}
        self.gain = self.add_weight(
            name="gain", shape=(radial_size(self.pixels),), initializer="ones", **fixed
        )
        self.shift = self.add_weight(name="shift", shape=(), initializer="zeros", **fixed)

    def fit(
        self,
        wavenumbers: FloatArray | Sequence[float],
        ratio: FloatArray | Sequence[float],
        shift: float,
    ) -> None:
        """Change T and s so that the power is multiplied by a ratio and the mean is shifted.

        Parameters
        ----------
        wavenumbers : array of float, shape (n_rings,)
            Increasing wave numbers in units of the fundamental mode of a map of ``pixels``.
        ratio : array of float, shape (n_rings,)
            Target power divided by the present power.
        shift : float
            Shift of the mean, in network units.
        """
        if not self.built:
            self.build(None)
        knots = np.arange(self.gain.shape[0])
        self._multiply(np.interp(knots, wavenumbers, np.sqrt(ratio)), shift)

    def then(self, other: "SpectralFilter") -> None:
        """Append another filter of the same size: this one then does what both did in turn.

        Parameters
        ----------
        other : SpectralFilter
            The filter to append.
        """
        self._multiply(ops.convert_to_numpy(other.gain), ops.convert_to_numpy(other.shift))

    def _multiply(self, gain: FloatArray, shift: float) -> None:
        gain = ops.convert_to_numpy(self.gain) * gain
        self.gain.assign(np.clip(gain, 1 / _LARGEST_GAIN, _LARGEST_GAIN))
        self.shift.assign(ops.convert_to_numpy(self.shift) + shift)

    def reset(self) -> None:
        """Make the layer the identity again."""
        self.gain.assign(np.ones(self.gain.shape))
        self.shift.assign(0.0)

    def call(self, x: Tensor, training: bool = False) -> Tensor:
        """Return the filtered maps, or the input in training."""
        if training:
            return x
        filtered = multiply_modes(ops.squeeze(x, -1), ops.convert_to_tensor(self.gain), self.pixels)
        return ops.cast(ops.expand_dims(filtered + ops.convert_to_tensor(self.shift), -1), x.dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the input."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return the configuration."""
        return super().get_config() | {"pixels": self.pixels}
