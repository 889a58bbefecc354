"""Fit of the Gaussian field behind maps that are a shifted-lognormal field."""

import numpy as np

from cosmogan_k3._typing import FloatArray, Maps
from cosmogan_k3.nn.lognormal_skew import fit_skew
from cosmogan_k3.nn.radial import radial_size
from cosmogan_k3.statistics.fourier import equal_wavenumber_rings, wavenumbers
from cosmogan_k3.statistics.lognormal import gaussian_correlation

# Gains below this fraction of the largest are raised to it.
_SMALLEST_GAIN = 1e-3

# Lower bound of 1 + ξ/λ², where λ is the distance from the mean of the lognormal field to its
# minimum. No lognormal field lies below 0, but the noise of few maps does.
_SMALLEST_CORRELATION = 0.01

# Maps that are transformed at a time.
_BLOCK = 256


def fit_gaussian_field(maps: Maps, pixels: int) -> tuple[FloatArray, float]:
    """Fit the transfer function and the mean of a Gaussian field to maps.

    Parameters
    ----------
    maps : array of float, shape (n, N, N)
        Training maps in network units.
    pixels : int
        Side of the map whose whole wave numbers are the knots of the transfer function.

    Returns
    -------
    gains : float64 array, shape (radial_size(pixels),)
        T of ``GaussianField``.
    mean : float
        μ of ``GaussianField``.

    Examples
    --------
    >>> maps = np.random.default_rng(0).normal(size=(200, 8, 8))
    >>> gains, mean = fit_gaussian_field(maps, 8)
    >>> len(gains), bool(abs(gains - 1).max() < 0.2), abs(mean) < 0.1
    (7, True, True)
    """
    skew = fit_skew(maps)
    mean = float(np.mean(maps, dtype=np.float64))
    return gaussian_of_lognormal(_mean_power(maps, mean), skew, mean, pixels)


def gaussian_of_lognormal(
    power: FloatArray, skew: float, mean: float, pixels: int
) -> tuple[FloatArray, float]:
    """Transfer function and mean of the Gaussian field behind a lognormal field.

    With the skew parameter a, the mean m and the correlation function ξ of the lognormal field::

        ξ_x(r) = ln(1 + a² ξ(r)/(1 + a m)²)/a²
        T² = mean of the Fourier transform of ξ_x over modes of equal |k|
        μ = ln(1 + a m)/a − a ξ_x(0)/2

    Parameters
    ----------
    power : float64 array, shape (N, N)
        ⟨|FFT|²⟩ of the lognormal maps minus their mean.
    skew : float
        a, not zero.
    mean : float
        m.
    pixels : int
        Side of the map whose whole wave numbers are the knots of T.

    Returns
    -------
    gains : float64 array, shape (radial_size(pixels),)
        T.
    mean : float
        μ.

    References
    ----------
    Xavier, Abdalla & Joachimi 2016 (arXiv 1602.08503).

    Examples
    --------
    >>> gains, mean = gaussian_of_lognormal(np.full((8, 8), 64.0), 1e-3, 0.0, 8)
    >>> gains.round(2).tolist(), round(mean, 4)
    ([1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0], -0.0005)
    """
    correlation = np.fft.ifft2(power).real / len(power) ** 2
    relative = skew**2 * correlation / (1 + skew * mean) ** 2
    gaussian = gaussian_correlation(relative, minimum=_SMALLEST_CORRELATION) / skew**2
    gains = _radial_amplitude(np.fft.fft2(gaussian).real, pixels)
    gaussian_mean = np.log1p(skew * mean) / skew - skew * gaussian[0, 0] / 2
    return np.maximum(gains, _SMALLEST_GAIN * gains.max()), gaussian_mean


def _mean_power(maps: Maps, mean: float) -> FloatArray:
    """⟨|FFT|²⟩ of maps minus the mean of the set, a block of maps at a time."""
    power = np.zeros(maps.shape[1:])
    for start in range(0, len(maps), _BLOCK):
        power += (np.abs(np.fft.fft2(maps[start : start + _BLOCK] - mean)) ** 2).sum(axis=0)
    return power / len(maps)


def _radial_amplitude(power: FloatArray, pixels: int) -> FloatArray:
    """Fit a table whose linear interpolation is the root of the power of a Fourier plane.

    Least squares of the relative errors.
    """
    rounded = wavenumbers(len(power), pixels).round(6)
    distinct, ring, count = equal_wavenumber_rings(rounded)
    amplitude = np.sqrt(np.maximum(np.bincount(ring.ravel(), power.ravel()) / count, 0))
    amplitude = np.maximum(amplitude, _SMALLEST_GAIN * max(amplitude.max(), _SMALLEST_GAIN))
    knots = np.eye(radial_size(pixels))
    shares = np.stack([np.interp(distinct, np.arange(len(knots)), knot) for knot in knots], axis=1)
    weight = np.sqrt(count) / amplitude
    # A weak smoothness term determines the knots that no mode touches. It is too small to change
    # the others.
    smooth = 1e-3 * np.diff(knots, axis=0) / amplitude.mean()
    design = np.vstack([shares * weight[:, None], smooth])
    target = np.append(weight * amplitude, np.zeros(len(smooth)))
    return np.linalg.lstsq(design, target, rcond=None)[0]
