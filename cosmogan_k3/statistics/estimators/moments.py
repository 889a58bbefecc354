"""Moments of smoothed maps."""

import numpy as np
from scipy import fft

from cosmogan_k3.statistics._maps import checked_maps, finite_maps


def smoothed_moments(maps, *, pixel_arcmin, scales_arcmin):
    """Mean, variance, skewness and excess kurtosis of each map after Gaussian smoothing.

        κ_θ = κ ∗ exp(−r²/2θ²) / (2πθ²),    δ = κ_θ − ⟨κ_θ⟩
        ⟨κ_θ⟩,  ⟨δ²⟩,  ⟨δ³⟩/⟨δ²⟩^{3/2},  ⟨δ⁴⟩/⟨δ²⟩² − 3

    ⟨ ⟩ is the mean over the pixels of one map. Smoothing is periodic, by the continuous kernel's Fourier transform
    exp(−k²θ²/2), which scales below a pixel or so do not sample well.

    Args:
        maps: float array ``(n, N, N)``, κ.
        pixel_arcmin: float, side of a pixel in arcmin.
        scales_arcmin: sequence of floats, θ, the standard deviation of the kernel in arcmin; 0 for no smoothing.

    Returns:
        float64 ``(n, scales, 4)``, in this order; the variance in units of κ², skewness and kurtosis NaN where it is 0.

    Raises:
        ValueError: maps that are not ``(n, N, N)`` and finite, a pixel that has no size, or no or negative scales.

    Example:
        >>> import numpy as np
        >>> maps = np.random.default_rng(0).exponential(size=(4, 64, 64))      # skewness 2, excess kurtosis 6
        >>> m = smoothed_moments(maps, pixel_arcmin=1.0, scales_arcmin=[0, 2]).mean(axis=0)
        >>> m.shape, bool(abs(m[0, 2] - 2) < 0.2), bool(m[1, 2] < 0.5)
        ((2, 4), True, True)

    Source: Petri et al. 2015 (arXiv 1503.06214), for the moments as statistics of smoothed maps.
    """
    scales = np.asarray(scales_arcmin, dtype=np.float64)
    if not pixel_arcmin > 0:
        raise ValueError(f"pixel_arcmin must be positive. Received: {pixel_arcmin}")
    if scales.ndim != 1 or not scales.size or not (np.isfinite(scales) & (scales >= 0)).all():
        raise ValueError(
            f"scales_arcmin must be a list of scales, 0 or larger. Received: {scales_arcmin}"
        )
    pixels = checked_maps(maps).shape[1]
    kernels = [_kernel(pixels, scale / pixel_arcmin) for scale in scales]
    moments = np.empty((len(maps), len(scales), 4))
    for i, map_ in enumerate(finite_maps(maps)):
        moments[i] = _map_moments(map_, kernels)
    return moments


def _kernel(pixels, scale):
    """The kernel's Fourier transform; None for no smoothing."""
    if scale == 0:
        return None
    rows, columns = (
        np.exp(-2 * (np.pi * scale * k) ** 2) for k in (fft.fftfreq(pixels), fft.rfftfreq(pixels))
    )
    kernel = rows[:, None] * columns
    # Arithmetic with numbers next to the smallest there are would crawl.
    return np.where(kernel < 1e-30, 0, kernel)


def _map_moments(map_, kernels):
    mean = map_.mean()
    deviation = map_ - mean
    modes = fft.rfft2(deviation)
    return [(mean, *_central_moments(_smooth(deviation, modes, kernel))) for kernel in kernels]


def _smooth(deviation, modes, kernel):
    if kernel is None:
        return deviation
    return fft.irfft2(modes * kernel, s=deviation.shape, overwrite_x=True)


def _central_moments(deviation):
    """Variance, skewness and excess kurtosis of a map of zero mean."""
    line = deviation.ravel()
    square = line * line
    variance, third, fourth = (
        line @ line / line.size,
        square @ line / line.size,
        square @ square / line.size,
    )
    if variance == 0:
        return variance, np.nan, np.nan
    return variance, third / variance**1.5, fourth / variance**2 - 3
