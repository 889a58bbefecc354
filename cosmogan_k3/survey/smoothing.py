"""Gaussian smoothing of maps, of observed pixels only where there is a mask."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from cosmogan_k3._typing import FloatArray, FloatMaps, Mask
from cosmogan_k3.maps.stream import check_pixel_size
from cosmogan_k3.statistics._maps import checked_maps, checked_mask
from cosmogan_k3.statistics.fourier import gaussian_window
from cosmogan_k3.units import in_unit, positive


def smooth(
    maps: FloatMaps, *, pixel_arcmin: Any, sigma_arcmin: Any, mask: Mask | None = None
) -> FloatMaps:
    """Smooth maps with a Gaussian kernel.

    The kernel G has the standard deviation σ. Without a mask, maps continue periodically, and::

        κ_σ = G ∗ κ,    P_σ(ℓ) = P(ℓ) exp(−ℓ²σ²)

    With a mask W, 1 where observed, the mean runs over the observed pixels alone::

        κ_σ = (G ∗ W κ) / (G ∗ W)

    The full width at half maximum is 2.355 σ. A kernel exp(−θ²/θ_G²) has θ_G = √2 σ.

    Parameters
    ----------
    maps : float array, shape (n, N, N)
        κ, or a component of the shear.
    pixel_arcmin : float or astropy.units.Quantity
        Side of a pixel in arcmin.
    sigma_arcmin : float or astropy.units.Quantity
        σ in arcmin, not the full width.
    mask : bool array, shape (N, N), optional
        True where observed. Other pixels, NaN included, are never read; they are NaN in the result.

    Returns
    -------
    float array, shape (n, N, N)
        In the precision of ``maps``.

    Raises
    ------
    InputError
        A pixel size or σ that is not positive and finite.
    ValueError
        Maps or a mask of another shape.

    Examples
    --------
    >>> point = np.zeros((1, 64, 64))
    >>> point[0, 32, 32] = 1
    >>> peak = smooth(point, pixel_arcmin=0.5, sigma_arcmin=2.0).max()
    >>> round(float(peak * 2 * np.pi * (2.0 / 0.5) ** 2), 6)  # that of the kernel
    1.0

    References
    ----------
    With a mask this is the normalized convolution of Knutsson & Westin 1993.
    """
    pixels = checked_maps(maps).shape[1]
    mask = checked_mask(mask, pixels)
    pixel = check_pixel_size(pixel_arcmin)
    sigma = positive("sigma_arcmin", in_unit(sigma_arcmin, "arcmin", "sigma_arcmin"))
    window = gaussian_window(pixels, sigma / pixel)
    precision = maps.dtype if np.dtype(maps.dtype).kind == "f" else np.float64
    smoothed = np.empty(maps.shape, precision)
    weight: FloatArray = np.ones((pixels, pixels))
    if mask is not None:
        weight = np.where(mask, _convolve(mask, window), np.nan)
        maps = np.where(mask, maps, 0)
    for i, kappa in enumerate(maps):  # alone, so that no other map changes its last bit
        smoothed[i] = _convolve(kappa, window) / weight
    return smoothed


def _convolve(kappa: NDArray[Any], window: FloatArray) -> FloatArray:
    modes = fft.rfft2(np.asarray(kappa, np.float64))
    return fft.irfft2(modes * window, s=kappa.shape, overwrite_x=True)
