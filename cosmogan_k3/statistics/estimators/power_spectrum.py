"""The flat-sky power spectrum."""

import numpy as np
from scipy import fft

from cosmogan_k3.statistics._maps import blocks, checked_edges, checked_maps, checked_mask
from cosmogan_k3.statistics.fourier import bin_modes, fundamental_multipole


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
    return fundamental_multipole(pixels, pixel_arcmin) * (np.arange(pixels // 2 + 1) + 0.5)


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
    return fundamental_multipole(pixels, pixel_arcmin) * np.linspace(
        0.5, np.hypot(pixels // 2, pixels // 2), modes + 1
    )


def power_spectrum(maps, *, pixel_arcmin, ell_edges=None, mask=None):
    """Binned power spectrum of each map.

        P(ℓ) = ⟨|FFT κ|²⟩ (L/N²)²

    averaged over the modes of the whole Fourier plane with ℓ in (lo, hi]. With a mask W of observed share f,

        P(ℓ) = ⟨|FFT W (κ − ⟨κ⟩_observed)|²⟩ (L/N²)² / f

    which restores the amplitude of a flat spectrum, but does not undo that the mask mixes modes: the share 1 − f of
    the power is spread over Δℓ ≈ 2π / (angular size of a hole), with the ℓ⁻³ tail of a sharp edge. So it is low below
    the Δℓ of the holes where P falls there, too high wherever P falls faster than ℓ⁻³, and low within 2π/L of zero,
    whose power goes with the mean. Compare maps under one mask, or undo the mixing, where that matters.

    Args:
        maps: float array ``(n, N, N)``, κ.
        pixel_arcmin: float, side of a pixel in arcmin.
        ell_edges: increasing float array ``(bins + 1,)``; ``integer_mode_edges`` where none are given.
        mask: bool array ``(N, N)``, True where observed; what lies elsewhere, NaN included, is never read.

    Returns:
        ``(ell, power)``: the mean ℓ of the modes of each bin, float64 ``(bins,)``, and P in steradian, float64
        ``(n, bins)``.

    Raises:
        ValueError: maps that are not ``(n, N, N)``, edges that do not increase, a bin without modes, a mask of
            another shape or type, or NaN among observed pixels.

    Example:
        >>> import numpy as np
        >>> white = np.random.default_rng(0).normal(size=(50, 32, 32))
        >>> ell, power = power_spectrum(white, pixel_arcmin=1.0)
        >>> expected = np.deg2rad(1 / 60) ** 2         # variance times the area of a pixel
        >>> bool(abs(power.mean() / expected - 1) < 0.05)
        True

    Source: the flat-sky limit, e.g. Bartelmann & Schneider 2001, section 6.
    """
    maps = checked_maps(maps)
    n, pixels, _ = maps.shape
    mask = checked_mask(mask, pixels)
    edges = (
        integer_mode_edges(pixels, pixel_arcmin)
        if ell_edges is None
        else checked_edges(ell_edges, "ell_edges")
    )
    ell, count, weight, bins = bin_modes(pixels, pixel_arcmin, edges)
    observed = pixels**2 if mask is None else int(mask.sum())
    # (L/N²)² over the observed share of the N² pixels.
    area = np.deg2rad(pixel_arcmin / 60) ** 2 / observed
    power = np.empty((n, len(edges) - 1))
    for chosen, block in blocks(maps, mask):
        if mask is not None:
            block -= block.sum(axis=(1, 2), keepdims=True) / observed
            block *= mask
        modes = fft.rfft2(block)
        squared = (modes.real**2 + modes.imag**2) * weight
        sums = [np.bincount(bins.ravel(), map_.ravel(), len(edges) + 1)[1:-1] for map_ in squared]
        power[chosen] = np.array(sums) * area / count
    return ell, power
