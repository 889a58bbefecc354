"""A Gaussian field whose spectrum follows the parameters of the map."""

import keras
import numpy as np
from keras import ops

from cosmogan_k3.nn.layers.conditional_output import skew_regression, spread_points
from cosmogan_k3.nn.layers.gaussian_field import FINENESS, GaussianField, start_of_power
from cosmogan_k3.nn.quadratic_regression import (
    follow,
    linear_regression,
    log_regression,
    quadratic,
    terms,
)

_POINTS = 32
"""Places in the range of parameters where the Gaussian field of the trend is worked out."""

_BLOCK = 256


@keras.saving.register_keras_serializable(package="cosmogan_k3")
class ConditionalField(GaussianField):
    """``GaussianField`` with gains and mean that follow the parameters.

        T(k|θ) = T_0(k) exp(Σ_j c_j(k) φ_j(θ)),        μ(θ) = μ_0 + Σ_j m_j φ_j(θ)

    φ are the parameters and their products (``quadratic``). ``adapt`` fits ln P(k|θ) of the training maps, each with
    its own θ, as a quadratic function of θ at every wave number; works out T and μ as ``GaussianField`` does at 32
    places in the range, for the bend that ``ConditionalOutput`` has there; and fits these.

    Args:
        pixels: int, side of the maps that T is measured on.

    Inputs: white noise of unit variance, float ``(n, N, N, 1)``, and θ ``(n, parameters)``, standardised; output: the
    field, of the shape of the noise.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> theta = rng.uniform(-1, 1, size=(500, 1)).astype("float32")
        >>> layer = ConditionalField(16)
        >>> layer.adapt(np.exp(theta)[:, :, None, None] * rng.normal(size=(500, 16, 16, 1)), theta)
        >>> noise = rng.normal(size=(64, 16, 16, 1)).astype("float32")
        >>> field = layer([noise, np.full((64, 1), 0.5, "float32")])
        >>> bool(abs(np.std(ops.convert_to_numpy(field)) / np.exp(0.5) - 1) < 0.05)
        True

    Source: as ``GaussianField``.
    """

    conditional = True

    def build(self, input_shape):
        noise, theta = input_shape
        super().build(noise)
        count = terms(theta[-1])
        fixed = {"initializer": "zeros", "trainable": False, "dtype": "float32", "autocast": False}
        self.slopes = self.add_weight(name="slopes", shape=(count, self.gain.shape[0]), **fixed)
        self.mean_slopes = self.add_weight(name="mean_slopes", shape=(count, 1), **fixed)

    def adapt(self, maps, theta):
        """Measure T and μ on training maps ``(n, N, N, 1)`` in network units, and their standardised parameters."""
        if not self.built:
            self.build([maps.shape, theta.shape])
        gains, means = conditional_start(
            np.asarray(maps)[..., 0], np.asarray(theta), FINENESS * self.pixels
        )
        self.gain.assign(np.exp(gains[0]))
        self.slopes.assign(gains[1:])
        self.mean.assign(means[0, 0])
        self.mean_slopes.assign(means[1:])

    def call(self, inputs):
        noise, theta = inputs
        features = quadratic(ops.cast(theta, "float32"))
        gain = ops.convert_to_tensor(self.gain) * ops.exp(
            features @ ops.convert_to_tensor(self.slopes)
        )
        mean = ops.convert_to_tensor(self.mean) + features @ ops.convert_to_tensor(self.mean_slopes)
        return self._drawn(noise, gain, mean[:, :, None])

    def compute_output_shape(self, input_shape):
        return input_shape[0]


def conditional_start(maps, theta, pixels):
    """Trends of ln T, at the whole wave numbers of a map of ``pixels``, and of μ: see ``ConditionalField``.

    Args:
        maps: float ``(n, N, N)``.
        theta: float ``(n, p)``.
        pixels: int.

    Returns:
        float64 arrays ``(1 + terms(p), table)`` and ``(1 + terms(p), 1)``.
    """
    of_mean = linear_regression(theta, maps.mean(axis=(1, 2), dtype=np.float64)[:, None])
    powers, ring = _ring_powers(maps, follow(of_mean, theta))
    of_power, of_bend = log_regression(theta, powers), skew_regression(maps, theta)
    points = spread_points(theta, _POINTS)
    starts = [
        start_of_power(power[ring], bend, mean, pixels)
        for power, bend, (mean,) in zip(
            np.exp(follow(of_power, points)),
            of_bend[0] + points @ of_bend[1:],
            follow(of_mean, points),
            strict=True,
        )
    ]
    gains, means = (np.array(part) for part in zip(*starts, strict=True))
    return linear_regression(points, np.log(gains)), linear_regression(points, means[:, None])


def _ring_powers(maps, means):
    """|FFT|² of each map less its expected mean, in rings of equal |k|, ``(n, rings)``, and the ring of each mode."""
    modes = np.fft.fftfreq(maps.shape[1]) * maps.shape[1]
    square = np.square(modes)[:, None] + np.square(modes)
    ring = np.unique(square, return_inverse=True)[1].reshape(square.shape)
    count = np.bincount(ring.ravel())
    rows = []
    for start in range(0, len(maps), _BLOCK):
        planes = (
            np.abs(
                np.fft.fft2(maps[start : start + _BLOCK] - means[start : start + _BLOCK, :, None])
            )
            ** 2
        )
        rows += [np.bincount(ring.ravel(), plane.ravel()) / count for plane in planes]
    return np.array(rows), ring
