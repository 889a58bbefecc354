"""Moments of smoothed maps."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from cosmogan_k3._typing import AnyMaps, FloatArray
from cosmogan_k3.statistics._maps import checked_maps, finite_maps
from cosmogan_k3.statistics.fourier import gaussian_window
from cosmogan_k3.units import pixel_size


def smoothed_moments(
    maps: AnyMaps, *, pixel_arcmin: float | None = None, scales_arcmin: Sequence[float]
) -> FloatArray:
    """Mean, variance, skewness and excess kurtosis of each map after Gaussian smoothing.

    With ⟨ ⟩ the mean over the pixels of one map::

        κ_θ = κ ∗ exp(−r²/2θ²) / (2πθ²),    δ = κ_θ − ⟨κ_θ⟩
        ⟨κ_θ⟩,  ⟨δ²⟩,  ⟨δ³⟩/⟨δ²⟩^{3/2},  ⟨δ⁴⟩/⟨δ²⟩² − 3

    Smoothing is periodic and multiplies modes by exp(−k²θ²/2), the Fourier transform of the
    continuous kernel. Pixels do not sample that kernel well if θ is a pixel or less.

    Parameters
    ----------
    maps : float array or MapSet, shape (n, N, N)
        κ.
    pixel_arcmin : float, optional
        Side of a pixel in arcmin; that of a ``MapSet`` by default.
    scales_arcmin : sequence of float
        θ, the standard deviation of the kernel in arcmin; 0 for no smoothing.

    Returns
    -------
    float64 array, shape (n, scales, 4)
        The four moments in this order. The variance is in units of κ²; skewness and kurtosis are
        NaN if it is 0.

    Raises
    ------
    ValueError
        If ``maps`` is not ``(n, N, N)`` or not finite, if the pixel size is not positive, or if
        there is no scale or a negative one.

    Examples
    --------
    >>> maps = np.random.default_rng(0).exponential(size=(4, 64, 64))  # skewness 2, kurtosis 6
    >>> m = smoothed_moments(maps, pixel_arcmin=1.0, scales_arcmin=[0, 2]).mean(axis=0)
    >>> m.shape, bool(abs(m[0, 2] - 2) < 0.2), bool(m[1, 2] < 0.5)
    ((2, 4), True, True)

    References
    ----------
    Moments as statistics of smoothed maps: Petri et al. 2015 (arXiv 1503.06214).
    """
    pixel_arcmin = pixel_size(maps, pixel_arcmin)
    scales = np.asarray(scales_arcmin, dtype=np.float64)
    if not pixel_arcmin > 0:
        raise ValueError(f"pixel_arcmin must be positive. Received: {pixel_arcmin}")
    if scales.ndim != 1 or not scales.size or not (np.isfinite(scales) & (scales >= 0)).all():
        raise ValueError(
            f"scales_arcmin must be a list of scales, 0 or larger. Received: {scales_arcmin}"
        )
    pixels = checked_maps(maps).shape[1]
    kernels = [gaussian_window(pixels, scale / pixel_arcmin) if scale else None for scale in scales]
    moments = np.empty((len(maps), len(scales), 4))
    for i, map_ in enumerate(finite_maps(maps)):
        moments[i] = _map_moments(map_, kernels)
    return moments


def _map_moments(map_: FloatArray, kernels: list[FloatArray | None]) -> list[tuple[float, ...]]:
    """Compute the four moments of one map under each kernel."""
    mean = map_.mean()
    deviation = map_ - mean
    modes = fft.rfft2(deviation)
    return [(mean, *_central_moments(_smooth(deviation, modes, kernel))) for kernel in kernels]


def _smooth(
    deviation: FloatArray, modes: NDArray[np.complex128], kernel: FloatArray | None
) -> FloatArray:
    if kernel is None:
        return deviation
    return fft.irfft2(modes * kernel, s=deviation.shape, overwrite_x=True)


def _central_moments(deviation: FloatArray) -> tuple[float, float, float]:
    """Variance, skewness and excess kurtosis of a map of mean zero."""
    line = deviation.ravel()
    square = line * line
    variance, third, fourth = (
        np.dot(line, line) / line.size,
        np.dot(square, line) / line.size,
        np.dot(square, square) / line.size,
    )
    if variance == 0:
        return variance, np.nan, np.nan
    return variance, third / variance**1.5, fourth / variance**2 - 3
