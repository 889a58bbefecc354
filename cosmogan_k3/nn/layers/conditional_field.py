"""Gaussian random field whose power spectrum depends on the conditions."""

import keras
import numpy as np
from keras import ops

from cosmogan_k3._typing import Conditions, FloatArray, IntArray, Maps, Shape, Tensor
from cosmogan_k3.nn.farthest_points import farthest_points
from cosmogan_k3.nn.gaussian_fit import gaussian_of_lognormal
from cosmogan_k3.nn.layers.gaussian_field import KNOTS_PER_MODE, FilteredNoise
from cosmogan_k3.nn.lognormal_skew import skew_regression
from cosmogan_k3.nn.quadratic_regression import (
    linear_regression,
    log_regression,
    predict,
    quadratic,
    terms,
)
from cosmogan_k3.statistics.fourier import equal_wavenumber_rings, squared_wavenumbers

# Points in the range of the parameters at which the Gaussian field of the model is computed.
_N_POINTS = 32

# Maps that are transformed at a time.
_BLOCK = 256


@keras.saving.register_keras_serializable(package="cosmogan_k3")
class ConditionalField(FilteredNoise):
    """``GaussianField`` with a transfer function and a mean that depend on the conditions.

    For the parameters θ of a map::

        T(k|θ) = T_0(k) exp(Σ_j c_j(k) φ_j(θ)),        μ(θ) = μ_0 + Σ_j m_j φ_j(θ)

    φ are the parameters and their products (``quadratic``). ``adapt`` works in three steps:

    1. It fits ln P(k|θ) of the training maps by a quadratic function of θ at each wave number.
    2. It computes T and μ as ``GaussianField`` does, at 32 points in the range of θ, with the skew
       parameter that ``ConditionalOutput`` has there.
    3. It fits ln T and μ by quadratic functions of θ.

    Parameters
    ----------
    pixels : int
        Side of the maps that T is measured on.
    **kwargs
        Options of ``keras.layers.Layer``.

    Notes
    -----
    Inputs: a list of white noise of unit variance ``(n, N, N, 1)`` and the standardized parameters
    θ ``(n, n_conditions)``. Output: the field, of the shape of the noise.

    References
    ----------
    Xavier, Abdalla & Joachimi 2016 (arXiv 1602.08503): shifted-lognormal fields of convergence.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> theta = rng.uniform(-1, 1, size=(500, 1)).astype("float32")
    >>> layer = ConditionalField(16)
    >>> layer.adapt(np.exp(theta)[:, :, None, None] * rng.normal(size=(500, 16, 16, 1)), theta)
    >>> noise = rng.normal(size=(64, 16, 16, 1)).astype("float32")
    >>> field = layer([noise, np.full((64, 1), 0.5, "float32")])
    >>> bool(abs(np.std(ops.convert_to_numpy(field)) / np.exp(0.5) - 1) < 0.05)
    True
    """

    conditional = True

    def build(self, input_shape: list[tuple[int, ...]]) -> None:
        """Create T_0, μ_0 and their coefficients."""
        _, conditions = input_shape
        self._create_weights()
        count = terms(conditions[-1])
        fixed = {"initializer": "zeros", "trainable": False, "dtype": "float32", "autocast": False}
        self.slopes = self.add_weight(name="slopes", shape=(count, self.gain.shape[0]), **fixed)
        self.mean_slopes = self.add_weight(name="mean_slopes", shape=(count, 1), **fixed)

    def adapt(self, maps: Maps, conditions: Conditions) -> None:
        """Measure T and μ on training maps.

        Parameters
        ----------
        maps : array of float, shape (n, N, N, 1)
            Training maps in network units.
        conditions : array of float, shape (n, n_conditions)
            Their standardized parameters.
        """
        if not self.built:
            self.build([maps.shape, conditions.shape])
        gains, means = fit_conditional_field(
            np.asarray(maps)[..., 0], np.asarray(conditions), KNOTS_PER_MODE * self.pixels
        )
        self.gain.assign(np.exp(gains[0]))
        self.slopes.assign(gains[1:])
        self.mean.assign(means[0, 0])
        self.mean_slopes.assign(means[1:])

    def call(self, inputs: list[Tensor]) -> Tensor:
        """Return the field."""
        noise, conditions = inputs
        features = quadratic(ops.cast(conditions, "float32"))
        exponent = features @ ops.convert_to_tensor(self.slopes)
        gain = ops.convert_to_tensor(self.gain) * ops.exp(exponent)
        mean = ops.convert_to_tensor(self.mean) + features @ ops.convert_to_tensor(self.mean_slopes)
        return self._field(noise, gain, mean[:, :, None])

    def compute_output_shape(self, input_shape: list[Shape]) -> Shape:
        """Return the shape of the noise."""
        return input_shape[0]


def fit_conditional_field(
    maps: Maps, conditions: Conditions, pixels: int
) -> tuple[FloatArray, FloatArray]:
    """Fit the logarithm of the transfer function and the mean as functions of the conditions.

    Parameters
    ----------
    maps : array of float, shape (n, N, N)
        Training maps in network units.
    conditions : array of float, shape (n, p)
        Their standardized parameters.
    pixels : int
        Side of the map whose whole wave numbers are the knots of the transfer function.

    Returns
    -------
    gains : float64 array, shape (1 + terms(p), radial_size(pixels))
        Coefficients of ln T, for ``predict``.
    means : float64 array, shape (1 + terms(p), 1)
        Coefficients of μ.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> theta = rng.uniform(-1, 1, size=(100, 1))
    >>> maps = np.exp(theta)[..., None] * rng.normal(size=(100, 8, 8))
    >>> gains, means = fit_conditional_field(maps, theta, 8)
    >>> gains.shape, means.shape
    ((3, 7), (3, 1))
    """
    map_means = maps.mean(axis=(1, 2), dtype=np.float64)[:, None]
    mean_model = linear_regression(conditions, map_means)
    powers, ring = _ring_powers(maps, predict(mean_model, conditions))
    power_model = log_regression(conditions, powers)
    skew_model = skew_regression(maps, conditions)
    points = farthest_points(conditions, _N_POINTS)
    fits = [
        gaussian_of_lognormal(power[ring], skew, mean, pixels)
        for power, skew, (mean,) in zip(
            np.exp(predict(power_model, points)),
            skew_model[0] + points @ skew_model[1:],
            predict(mean_model, points),
            strict=True,
        )
    ]
    gains, means = (np.array(part) for part in zip(*fits, strict=True))
    return linear_regression(points, np.log(gains)), linear_regression(points, means[:, None])


def _ring_powers(maps: Maps, means: FloatArray) -> tuple[FloatArray, IntArray]:
    """|FFT|² of each map minus its expected mean, in rings of equal |k|; the ring of each mode.

    Shapes ``(n, n_rings)`` and ``(N, N)``.
    """
    _, ring, count = equal_wavenumber_rings(squared_wavenumbers(maps.shape[1]))
    rows = []
    for start in range(0, len(maps), _BLOCK):
        block = slice(start, start + _BLOCK)
        planes = np.abs(np.fft.fft2(maps[block] - means[block, :, None])) ** 2
        rows += [np.bincount(ring.ravel(), plane.ravel()) / count for plane in planes]
    return np.array(rows), ring
