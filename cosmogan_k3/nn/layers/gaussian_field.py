"""Gaussian random field from white noise."""

from typing import Any

import keras
import numpy as np
from keras import ops

from cosmogan_k3._typing import Maps, Shape, Tensor
from cosmogan_k3.nn.gaussian_fit import fit_gaussian_field
from cosmogan_k3.nn.radial import multiply_modes, radial_size

# Knots of the transfer function per wave number: on the largest scales the spectrum is too steep
# for one.
KNOTS_PER_MODE = 2


class FilteredNoise(keras.layers.Layer):
    """Base class of the layers that turn white noise into a Gaussian field.

    Parameters
    ----------
    pixels : int
        Side of the maps that the transfer function is measured on.
    **kwargs
        Options of ``keras.layers.Layer``.

    Examples
    --------
    >>> isinstance(GaussianField(16), FilteredNoise)
    True
    """

    def __init__(self, pixels: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pixels = pixels

    def _create_weights(self) -> None:
        """Create the transfer function T and the mean μ."""
        fixed = {"trainable": False, "dtype": "float32", "autocast": False}
        size = radial_size(KNOTS_PER_MODE * self.pixels)
        self.gain = self.add_weight(name="gain", shape=(size,), initializer="ones", **fixed)
        self.mean = self.add_weight(name="mean", shape=(), initializer="zeros", **fixed)

    def _field(self, noise: Tensor, gain: Tensor, mean: Tensor) -> Tensor:
        """Field of noise ``(n, N, N, 1)``, for one table of gains or for one table per map."""
        field = multiply_modes(ops.squeeze(noise, -1), gain, KNOTS_PER_MODE * self.pixels) + mean
        return ops.cast(ops.expand_dims(field, -1), noise.dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the configuration."""
        return super().get_config() | {"pixels": self.pixels}


@keras.saving.register_keras_serializable(package="cosmogan_k3")
class GaussianField(FilteredNoise):
    """Turn white noise into a periodic, isotropic Gaussian field with a given power spectrum.

    For noise n, the field is::

        x̂(k) = T(|k|) n̂(k),        x → x + μ

    ``adapt`` measures T and μ on training maps y, so that the field has their mean m and their
    correlation function ξ after ``LognormalOutput`` with their skew parameter a::

        ξ_x(r) = ln(1 + a² ξ(r)/(1 + a m)²)/a²
        T² = mean of the Fourier transform of ξ_x over modes of equal |k|
        μ = ln(1 + a m)/a − a ξ_x(0)/2

    Neither is trainable: later layers correct the error of the spectrum that remains. T is
    tabulated at half wave numbers of a map of ``pixels`` and interpolated linearly. Maps of another
    side have the same spectrum at the same number of cycles per pixel.

    Parameters
    ----------
    pixels : int
        Side of the maps that T is measured on.
    **kwargs
        Options of ``keras.layers.Layer``.

    Notes
    -----
    Input: white noise of unit variance, ``(n, N, N, 1)``. Output: the field, of the same shape.

    References
    ----------
    Xavier, Abdalla & Joachimi 2016 (arXiv 1602.08503): shifted-lognormal fields of convergence.

    Examples
    --------
    >>> layer = GaussianField(16)
    >>> layer.adapt(3 * np.random.default_rng(0).normal(size=(64, 16, 16, 1)))
    >>> field = layer(np.random.default_rng(1).normal(size=(64, 16, 16, 1)).astype("float32"))
    >>> 2.9 < np.std(keras.ops.convert_to_numpy(field)) < 3.1
    True
    """

    def build(self, input_shape: Shape) -> None:
        """Create T and μ."""
        self._create_weights()

    def adapt(self, maps: Maps) -> None:
        """Measure T and μ on training maps.

        Parameters
        ----------
        maps : array of float, shape (n, N, N, 1)
            Training maps in network units.
        """
        if not self.built:
            self.build(maps.shape)
        gain, mean = fit_gaussian_field(np.asarray(maps)[..., 0], KNOTS_PER_MODE * self.pixels)
        self.gain.assign(gain)
        self.mean.assign(mean)

    def call(self, noise: Tensor) -> Tensor:
        """Return the field."""
        return self._field(
            noise, ops.convert_to_tensor(self.gain), ops.convert_to_tensor(self.mean)
        )

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the noise."""
        return input_shape
