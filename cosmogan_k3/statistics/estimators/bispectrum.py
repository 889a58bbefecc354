"""The flat-sky bispectrum."""

import numpy as np
from scipy import fft

from cosmogan_k3.statistics._maps import blocks, checked_edges, checked_maps
from cosmogan_k3.statistics.fourier import bin_modes, fundamental_multipole

_CONFIGURATIONS = ("equilateral", "squeezed")


def bispectrum(maps, *, pixel_arcmin, ell_edges=None, configuration="equilateral"):
    """Binned bispectrum of each map, over equilateral or squeezed triangles of modes.

        B(b₁, b₂, b₃) = (L⁴/N⁶) Σ FFT κ(ℓ₁) FFT κ(ℓ₂) FFT κ(ℓ₃) / Σ 1,    ℓ₁ + ℓ₂ + ℓ₃ = 0, |ℓᵢ| in bin bᵢ

    Both sums run over every triangle of modes, and both are sums over pixels: of the product of three maps, each with
    the modes of one bin only (or, for Σ 1, with those modes set to one). *Equilateral* takes the three sides from
    one bin, for each bin; *squeezed* takes one from the lowest bin and two from each of the others.

    Modes may reach up to, not including, Nyquist's: the products are taken on grids too fine for three modes to alias
    to a false triangle, which on the map's own N pixels would befall |ℓ| > ⅔ of Nyquist's; for low bins these are the
    coarser grids, which is what makes them cheap.

    Args:
        maps: float array ``(n, N, N)``, κ, taken as periodic.
        pixel_arcmin: float, side of a pixel in arcmin.
        ell_edges: increasing float array ``(bins + 1,)``, from 0 to below Nyquist's ℓ; bins are (lo, hi]. By
            default up to eight bins, near equal in log ℓ, from mode 1.5 to N/3.
        configuration: ``"equilateral"`` or ``"squeezed"``.

    Returns:
        ``(ell, bispectrum)``: the mean ℓ of the modes of each bin, the lowest left out where squeezed, float64
        ``(bins,)``, and B in steradian², float64 ``(n, bins)``.

    Raises:
        ValueError: maps that are not ``(n, N, N)`` or not finite, edges that do not increase or leave the range, an
            unknown configuration, one bin where squeezed, or a bin without triangles.

    Example:
        >>> import numpy as np
        >>> noise = np.random.default_rng(0).exponential(size=(200, 32, 32)) - 1
        >>> ell, b = bispectrum(noise, pixel_arcmin=1.0)
        >>> expected = 2 * np.deg2rad(1 / 60) ** 4     # third moment times the squared area of a pixel
        >>> bool(abs(b[:, -1].mean() / expected - 1) < 0.2)
        True

    Source: Scoccimarro 2015 (arXiv 1506.02729) and Watkinson et al. 2017 (arXiv 1705.06284) for sums by FFT.
    """
    maps = checked_maps(maps)
    pixels = maps.shape[1]
    fundamental = fundamental_multipole(pixels, pixel_arcmin)
    edges = (
        _default_modes(pixels) * fundamental
        if ell_edges is None
        else checked_edges(ell_edges, "ell_edges")
    )
    if edges[0] < 0 or edges[-1] >= fundamental * pixels / 2:
        raise ValueError(
            f"ell_edges must lie between 0 and Nyquist's {fundamental * pixels / 2:g}. Received: {edges}"
        )
    if configuration not in _CONFIGURATIONS:
        raise ValueError(
            f"configuration must be one of {_CONFIGURATIONS}. Received: {configuration!r}"
        )
    if configuration == "squeezed" and len(edges) < 3:
        raise ValueError(f"Squeezed triangles need two bins. Received: {len(edges) - 1}")
    ell, _, _, bins = bin_modes(pixels, pixel_arcmin, edges)
    first = 1 if configuration == "squeezed" else 0
    rings = [bins == b + 1 for b in range(len(ell))]
    triangles = [(rings[0] if first else ring, ring) for ring in rings[first:]]
    counts = _triangle_sums(np.ones((1, *bins.shape)), triangles)[0]
    if not (counts > 0.5).all():
        empty = first + int(np.argmin(counts))
        raise ValueError(
            f"No {configuration} triangle of modes in ({edges[empty]:g}, {edges[empty + 1]:g}]"
        )
    sums = np.concatenate(
        [_triangle_sums(fft.rfft2(block), triangles) for _, block in blocks(maps)]
    )
    # L⁴/N⁶
    return ell[first:], sums * np.deg2rad(pixel_arcmin / 60) ** 4 / pixels**2 / counts


def _default_modes(pixels):
    return np.unique(np.geomspace(1, max(pixels / 3, 2), 9).astype(int)) + 0.5


def _triangle_sums(modes, triangles):
    """Σ of the product of three modes over triangles with a side in the first ring of a pair and two in the second."""
    sums = np.empty((len(modes), len(triangles)))
    for i, (long, short) in enumerate(triangles):
        reach = [_largest_mode(ring) for ring in (long, short, short)]
        # No three modes sum to a multiple of the grid's size but to zero.
        size = fft.next_fast_len(sum(reach) + 1, real=True)
        field = _ring_map(modes, short, size)
        other = field if long is short else _ring_map(modes, long, size)
        sums[:, i] = np.einsum("nxy,nxy->n", field * field, other) / size**2
    return sums


def _largest_mode(ring):
    return int(np.flatnonzero(ring.any(axis=0)).max())


def _ring_map(modes, ring, size):
    """Map of the modes of one ring, on a grid of ``size`` pixels."""
    top = _largest_mode(ring)
    plane = np.zeros((len(modes), size, top + 1), complex)
    plane[:, : top + 1] = modes[:, : top + 1, : top + 1] * ring[: top + 1, : top + 1]
    plane[:, -top:] = modes[:, -top:, : top + 1] * ring[-top:, : top + 1]
    # The columns that are zero need no transform down them.
    return fft.irfft(fft.ifft(plane, axis=1, norm="forward"), size, axis=2, norm="forward")
