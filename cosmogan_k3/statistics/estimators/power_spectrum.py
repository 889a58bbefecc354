"""The flat-sky power spectrum."""

import numpy as np
from numpy.typing import ArrayLike
from scipy import fft

from cosmogan_k3._typing import AnyMaps, FloatArray, Rows
from cosmogan_k3.statistics._maps import blocks, checked_edges, checked_maps, checked_mask
from cosmogan_k3.statistics.fourier import bin_modes, fundamental_multipole
from cosmogan_k3.units import pixel_size


def integer_mode_edges(pixels: int, pixel_arcmin: float) -> FloatArray:
    """Edges of one bin around each integer wave number n = 1 … N/2.

    Bin n is (n − ½, n + ½] times the fundamental multipole.

    Parameters
    ----------
    pixels : int
        Side N of the map.
    pixel_arcmin : float
        Side of a pixel in arcmin.

    Returns
    -------
    float64 array, shape (N // 2 + 1,)
        Edges in ℓ.

    Examples
    --------
    >>> integer_mode_edges(4, 90.0).tolist()  # a field of 6 degrees: fundamental ℓ = 60
    [30.0, 90.0, 150.0]
    """
    modes = np.arange(pixels // 2 + 1, dtype=np.float64)
    return fundamental_multipole(pixels, pixel_arcmin) * (modes + 0.5)


def published_mode_edges(pixels: int, pixel_arcmin: float, *, modes: int = 248) -> FloatArray:
    """Edges of the 248 modes of the cosmoGAN paper.

    The bins are equal and reach from half the fundamental multipole to the corner of the Fourier
    plane. A map of 256 pixels has 128 integer modes up to the Nyquist mode and 181 up to the
    corner, not 248. The paper does not describe its bins (docs/explanation/errata.md). With equal
    bins over the whole plane, 248 bins exist and none is empty.

    Parameters
    ----------
    pixels : int
        Side N of the map.
    pixel_arcmin : float
        Side of a pixel in arcmin.
    modes : int, default 248
        Number of bins.

    Returns
    -------
    float64 array, shape (modes + 1,)
        Edges in ℓ.

    Examples
    --------
    >>> len(published_mode_edges(256, 1.0))
    249

    References
    ----------
    Mustafa et al. 2019 (arXiv 1706.02390).
    """
    return fundamental_multipole(pixels, pixel_arcmin) * np.linspace(
        0.5, np.hypot(pixels // 2, pixels // 2), modes + 1
    )


def power_spectrum(
    maps: AnyMaps,
    *,
    pixel_arcmin: float | None = None,
    ell_edges: ArrayLike | None = None,
    mask: ArrayLike | None = None,
) -> tuple[FloatArray, Rows]:
    """Binned power spectrum of each map.

    The mean runs over the modes of the whole Fourier plane with ℓ in (lo, hi]::

        P(ℓ) = ⟨|FFT κ|²⟩ (L/N²)²

    With a mask W that leaves a fraction f of the pixels::

        P(ℓ) = ⟨|FFT W (κ − ⟨κ⟩_observed)|²⟩ (L/N²)² / f

    This restores the amplitude of a flat spectrum. It does not undo the mixing of modes by the
    mask: the fraction 1 − f of the power is spread over Δℓ ≈ 2π / (angular size of a hole), with
    the ℓ⁻³ tail of a sharp edge. So P is too low

    - below the Δℓ of the holes, if P falls there;
    - within 2π/L of zero, because the mean is subtracted;

    and too high wherever P falls faster than ℓ⁻³. Compare maps under the same mask, or undo the
    mixing, where that matters.

    Parameters
    ----------
    maps : float array or MapSet, shape (n, N, N)
        κ.
    pixel_arcmin : float, optional
        Side of a pixel in arcmin; that of a ``MapSet`` by default.
    ell_edges : array_like of float, shape (bins + 1,), optional
        Increasing edges in ℓ; ``integer_mode_edges`` by default.
    mask : bool array, shape (N, N), optional
        True where observed. Other pixels, NaN included, are never read.

    Returns
    -------
    ell : float64 array, shape (bins,)
        Mean ℓ of the modes of each bin.
    power : float64 array, shape (n, bins)
        P in steradian.

    Raises
    ------
    ValueError
        If ``maps`` is not ``(n, N, N)`` or an observed pixel is not finite, if the edges do not
        increase, if a bin holds no mode, or if the mask has another shape or type.

    Examples
    --------
    >>> white = np.random.default_rng(0).normal(size=(50, 32, 32))
    >>> ell, power = power_spectrum(white, pixel_arcmin=1.0)
    >>> expected = np.deg2rad(1 / 60) ** 2  # variance times the area of a pixel
    >>> bool(abs(power.mean() / expected - 1) < 0.05)
    True

    References
    ----------
    The flat-sky limit: Bartelmann & Schneider 2001, section 6.
    """
    pixel_arcmin = pixel_size(maps, pixel_arcmin)
    maps = checked_maps(maps)
    n, pixels, _ = maps.shape
    mask = checked_mask(mask, pixels)
    edges = (
        integer_mode_edges(pixels, pixel_arcmin)
        if ell_edges is None
        else checked_edges(ell_edges, "ell_edges")
    )
    ell, n_modes, weights, indices = bin_modes(pixels, pixel_arcmin, edges)
    observed = pixels**2 if mask is None else int(mask.sum())
    # (L/N²)² over the observed fraction of the N² pixels.
    area = np.deg2rad(pixel_arcmin / 60) ** 2 / observed
    power = np.empty((n, len(edges) - 1))
    for chosen, block in blocks(maps, mask):
        if mask is not None:
            block -= block.sum(axis=(1, 2), keepdims=True) / observed
            block *= mask
        modes = fft.rfft2(block)
        squared = (modes.real**2 + modes.imag**2) * weights
        sums = [
            np.bincount(indices.ravel(), map_.ravel(), len(edges) + 1)[1:-1] for map_ in squared
        ]
        power[chosen] = np.array(sums) * area / n_modes
    return ell, power
