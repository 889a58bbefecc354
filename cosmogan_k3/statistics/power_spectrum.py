"""The flat-sky power spectrum."""

import numpy as np
from scipy import fft

_BLOCK = 2**22
"""Pixels transformed at a time: memory stays constant however many maps there are."""


def integer_mode_edges(pixels, pixel_arcmin):
    """Edges of one bin around each integer Fourier mode n = 1 … N/2: (n − ½, n + ½] times the fundamental ℓ.

    Args:
        pixels: int, N, side of the map.
        pixel_arcmin: float, side of a pixel in arcmin.

    Returns:
        float64 ``(N/2 + 1,)``, in ℓ.

    Example:
        >>> integer_mode_edges(4, 90.0).tolist()       # a field of 6 degrees: fundamental ℓ = 60
        [30.0, 90.0, 150.0]
    """
    return _fundamental(pixels, pixel_arcmin) * (np.arange(pixels // 2 + 1) + 0.5)


def published_mode_edges(pixels, pixel_arcmin, *, modes=248):
    """Edges of the paper's 248 modes: equal bins from half the fundamental ℓ to the corner of the Fourier plane.

    A map of 256 pixels has 128 integer modes up to Nyquist's and 181 up to the corner, not 248; the paper does not say
    how it bins (docs/errata.md). Equal bins over the whole plane are the reading under which 248 exist and none is
    empty.

    Args:
        pixels: int, side of the map.
        pixel_arcmin: float, side of a pixel in arcmin.
        modes: int, number of bins.

    Returns:
        float64 ``(modes + 1,)``, in ℓ.

    Example:
        >>> len(published_mode_edges(256, 1.0))
        249
    """
    return _fundamental(pixels, pixel_arcmin) * np.linspace(0.5, np.hypot(pixels // 2, pixels // 2), modes + 1)


def _fundamental(pixels, pixel_arcmin):
    return 360.0 * 60.0 / (pixels * pixel_arcmin)


def power_spectrum(maps, *, pixel_arcmin, ell_edges=None):
    """Binned power spectrum of each map.

        P(ℓ) = ⟨|FFT κ|²⟩ (L/N²)²

    averaged over the modes of the whole Fourier plane with ℓ in (lo, hi].

    Args:
        maps: float array ``(n, N, N)``, κ.
        pixel_arcmin: float, side of a pixel in arcmin.
        ell_edges: increasing float array ``(bins + 1,)``; ``integer_mode_edges`` where none are given.

    Returns:
        ``(ell, power)``: the mean ℓ of the modes of each bin, float64 ``(bins,)``, and P in steradian, float64
        ``(n, bins)``.

    Raises:
        ValueError: maps that are not ``(n, N, N)``, edges that do not increase, or a bin without modes.

    Example:
        >>> import numpy as np
        >>> white = np.random.default_rng(0).normal(size=(50, 32, 32))
        >>> ell, power = power_spectrum(white, pixel_arcmin=1.0)
        >>> expected = np.deg2rad(1 / 60) ** 2         # variance times the area of a pixel
        >>> bool(abs(power.mean() / expected - 1) < 0.05)
        True

    Source: the flat-sky limit, e.g. Bartelmann & Schneider 2001, section 6.
    """
    maps = _checked(maps)
    n, pixels, _ = maps.shape
    edges = np.asarray(integer_mode_edges(pixels, pixel_arcmin) if ell_edges is None else ell_edges, float)
    if edges.ndim != 1 or len(edges) < 2 or not (np.diff(edges) > 0).all():
        raise ValueError(f"ell_edges must be at least two increasing numbers. Received: {edges}")
    ell, weight, bins = _plane(pixels, pixel_arcmin, edges)
    count = np.bincount(bins, weight, len(edges) + 1)[1:-1]
    if not count.all():
        empty = int(np.argmin(count))
        raise ValueError(
            f"No Fourier mode of a map of {pixels} pixels of {pixel_arcmin:g} arcmin lies in "
            f"({edges[empty]:g}, {edges[empty + 1]:g}]"
        )
    mean_ell = np.bincount(bins, weight * ell, len(edges) + 1)[1:-1] / count
    area = np.deg2rad(pixel_arcmin / 60) ** 2 / pixels**2
    power = np.empty((n, len(edges) - 1))
    step = max(1, _BLOCK // pixels**2)
    for start in range(0, n, step):
        modes = fft.rfft2(np.asarray(maps[start : start + step], dtype=np.float64))
        squared = (modes.real**2 + modes.imag**2).reshape(len(modes), -1) * weight
        for i, row in enumerate(squared, start):
            power[i] = np.bincount(bins, row, len(edges) + 1)[1:-1] * area / count
    return mean_ell, power


def _checked(maps):
    if getattr(maps, "ndim", 0) != 3 or maps.shape[1] != maps.shape[2] or not len(maps):
        raise ValueError(f"maps must be a non-empty array (n, N, N). Received: shape {getattr(maps, 'shape', None)}")
    return maps


def _plane(pixels, pixel_arcmin, edges):
    """ℓ, multiplicity and bin (1 to the number of bins; outside: 0 or beyond) of each mode of the half-plane."""
    frequency = np.hypot(fft.fftfreq(pixels)[:, None], fft.rfftfreq(pixels)[None, :]).ravel()
    ell = frequency * 360.0 * 60.0 / pixel_arcmin
    # The columns inside the half-plane stand for their mirror images too; the first, and Nyquist's, for themselves.
    weight = np.full((pixels, pixels // 2 + 1), 2.0)
    weight[:, 0] = 1.0
    if pixels % 2 == 0:
        weight[:, -1] = 1.0
    # Rounding must not push a mode that lies on an edge across it.
    bins = np.searchsorted(edges * (1 + 1e-12), ell, side="left")
    return ell, weight.ravel(), bins
