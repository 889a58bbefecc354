"""The power spectrum that is expected of maps cut from a larger sky."""

import itertools
from collections.abc import Callable

import numpy as np
from scipy import fft

from cosmogan_k3._typing import FloatArray

_SKY = 8  # side of the sky from which maps are cut, in sides of a map
_ALIASES = 2  # copies of the Fourier plane on each side that are folded into it


def cut_map_power(
    power: Callable[[FloatArray], FloatArray], *, pixels: int, field_deg: float
) -> FloatArray:
    """Compute the expected |FFT κ|² (L/N²)² of pixel means in a field with open edges.

        P(ℓ) = Σ_r ξ(r) (1 − |x|/L)(1 − |y|/L) exp(−iℓ·r)

    ξ is the correlation function of the pixel means. The triangle is the overlap of the field with
    its shifted copy: it carries power from large scales to small ones.

    Parameters
    ----------
    power : callable
        From ℓ (float64 array) to C_ℓ in steradian.
    pixels : int
        Side N of a map in pixels.
    field_deg : float
        Side L of a map in degrees.

    Returns
    -------
    float64 array, shape (N, N // 2 + 1)
        P(ℓ) in steradian at the modes of ``rfft2``.

    Examples
    --------
    >>> white = cut_map_power(np.ones_like, pixels=8, field_deg=2.0)
    >>> white.shape
    (8, 5)
    """
    sky = _SKY * pixels
    side = np.deg2rad(field_deg)
    cell = (side / pixels) ** 2
    correlation = fft.ifft2(_pixel_power(power, sky, _SKY * side)).real / cell
    lags = fft.fftfreq(sky, 1 / sky)
    overlap = np.maximum(1 - np.abs(lags) / pixels, 0)
    correlation *= overlap[:, None] * overlap
    # Lags that differ by a whole side have the same phase at the modes of the map.
    folded = correlation.reshape(_SKY, pixels, _SKY, pixels).sum(axis=(0, 2))
    return fft.rfft2(folded).real * cell


def _pixel_power(power: Callable[[FloatArray], FloatArray], sky: int, side: float) -> FloatArray:
    """Return the power of pixel means at the modes of ``fft2``: window and aliases."""
    modes = fft.fftfreq(sky, 1 / sky)
    total = np.zeros((sky, sky))
    copies = range(-_ALIASES, _ALIASES + 1)
    for shift_x, shift_y in itertools.product(copies, copies):
        x, y = (modes + shift * sky for shift in (shift_x, shift_y))
        ell = 2 * np.pi / side * np.hypot(x[:, None], y)
        ell[ell == 0] = np.pi / side
        total += power(ell) * np.sinc(x / sky)[:, None] ** 2 * np.sinc(y / sky) ** 2
    return total
