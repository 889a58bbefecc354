"""A Gaussian field whose exponential has the training maps' power spectrum."""

import keras
import numpy as np
from keras import ops

from cosmogan_k3.nn.layers.lognormal_output import fit_skew
from cosmogan_k3.nn.radial import multiply_modes, radial_size

FINENESS = 2
"""Knots of the tables for each whole wave number: at the largest scales the spectrum is too steep for one."""

_SMALLEST = 1e-3
"""Gains below this share of the largest are raised to it."""


@keras.saving.register_keras_serializable(package="cosmogan_k3")
class GaussianField(keras.layers.Layer):
    """Turn white noise into a periodic, isotropic Gaussian field with a power spectrum.

        x̂(k) = T(|k|) n̂(k),        x → x + μ

    ``adapt`` measures T and μ on training maps y so that the field, bent by ``LognormalOutput`` with the bend a of
    these maps, has their mean m and correlation function ξ:

        ξ_x(r) = ln(1 + a² ξ(r)/(1 + a m)²)/a²,    T² = ⟨ξ̂_x⟩ over modes of equal |k|,    μ = ln(1 + a m)/a − a ξ_x(0)/2

    Neither is learnt: what is left of the spectrum's error is for what comes after. T is tabulated at half wave numbers
    of a map of ``pixels`` and linear between them; maps of another side have the same spectrum at the same number of
    cycles a pixel.

    Args:
        pixels: int, side of the maps that T is measured on.

    Input: white noise of unit variance, float ``(n, N, N, 1)``; output: the field, of the same shape.

    Example:
        >>> import numpy as np
        >>> layer = GaussianField(16)
        >>> layer.adapt(3 * np.random.default_rng(0).normal(size=(64, 16, 16, 1)))
        >>> field = layer(np.random.default_rng(1).normal(size=(64, 16, 16, 1)).astype("float32"))
        >>> 2.9 < np.std(keras.ops.convert_to_numpy(field)) < 3.1
        True

    Source: shifted-lognormal simulations of convergence, Xavier, Abdalla & Joachimi 2016 (arXiv 1602.08503).
    """

    def __init__(self, pixels, **kwargs):
        super().__init__(**kwargs)
        self.pixels = pixels

    def build(self, input_shape):
        fixed = {"trainable": False, "dtype": "float32", "autocast": False}
        size = radial_size(FINENESS * self.pixels)
        self.gain = self.add_weight(name="gain", shape=(size,), initializer="ones", **fixed)
        self.mean = self.add_weight(name="mean", shape=(), initializer="zeros", **fixed)

    def adapt(self, maps):
        """Measure T and μ on training maps ``(n, N, N, 1)``, in network units."""
        if not self.built:
            self.build(maps.shape)
        gain, mean = lognormal_start(np.asarray(maps)[..., 0], FINENESS * self.pixels)
        self.gain.assign(gain)
        self.mean.assign(mean)

    def call(self, noise):
        return self._drawn(
            noise, ops.convert_to_tensor(self.gain), ops.convert_to_tensor(self.mean)
        )

    def _drawn(self, noise, gain, mean):
        field = multiply_modes(ops.squeeze(noise, -1), gain, FINENESS * self.pixels) + mean
        return ops.cast(ops.expand_dims(field, -1), noise.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return super().get_config() | {"pixels": self.pixels}


def lognormal_start(maps, pixels):
    """T at the whole wave numbers of a map of ``pixels``, and μ, from maps ``(n, N, N)``; see ``GaussianField``.

    Example:
        >>> import numpy as np
        >>> gains, mean = lognormal_start(np.random.default_rng(0).normal(size=(200, 8, 8)), 8)
        >>> len(gains), bool(abs(gains - 1).max() < 0.2), abs(mean) < 0.1
        (7, True, True)
    """
    bend = fit_skew(maps)
    mean = float(np.mean(maps, dtype=np.float64))
    return start_of_power(_mean_power(maps, mean), bend, mean, pixels)


def start_of_power(power, bend, mean, pixels):
    """T and μ as of ``lognormal_start``, from ⟨|FFT|²⟩ of the maps less their mean, ``(N, N)``."""
    correlation = np.fft.ifft2(power).real / len(power) ** 2
    # A field of this bend has no correlations below −1/a²: what the noise of few maps puts there is raised.
    gaussian = (
        np.log(np.maximum(1 + bend**2 * correlation / (1 + bend * mean) ** 2, 0.01)) / bend**2
    )
    gains = _radial_amplitude(np.fft.fft2(gaussian).real, pixels)
    return np.maximum(gains, _SMALLEST * gains.max()), np.log1p(
        bend * mean
    ) / bend - bend * gaussian[0, 0] / 2


def _mean_power(maps, mean):
    """⟨|FFT|²⟩ of maps less their mean over the set, a block at a time."""
    power = np.zeros(maps.shape[1:])
    for start in range(0, len(maps), 256):
        power += (np.abs(np.fft.fft2(maps[start : start + 256] - mean)) ** 2).sum(axis=0)
    return power / len(maps)


def _radial_amplitude(power, pixels):
    """The table whose interpolation has the root of a Fourier plane's power, by least squares of relative errors."""
    modes = np.fft.fftfreq(len(power)) * pixels
    wavenumber = np.hypot(modes[:, None], modes).ravel()
    distinct, which, count = np.unique(wavenumber.round(6), return_inverse=True, return_counts=True)
    amplitude = np.sqrt(np.maximum(np.bincount(which, power.ravel()) / count, 0))
    amplitude = np.maximum(amplitude, _SMALLEST * max(amplitude.max(), _SMALLEST))
    knots = np.eye(radial_size(pixels))
    shares = np.stack([np.interp(distinct, np.arange(len(knots)), knot) for knot in knots], axis=1)
    weight = np.sqrt(count) / amplitude
    # Knots that no mode touches follow their neighbours by a pull too small to matter where there are modes.
    smooth = 1e-3 * np.diff(knots, axis=0) / amplitude.mean()
    rows, wanted = (
        np.vstack([shares * weight[:, None], smooth]),
        np.append(weight * amplitude, np.zeros(len(smooth))),
    )
    return np.linalg.lstsq(rows, wanted, rcond=None)[0]
