"""The flat-sky bispectrum."""

from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft

from cosmogan_k3._typing import AnyMaps, FloatArray, Rows
from cosmogan_k3.statistics._maps import blocks, checked_edges, checked_maps
from cosmogan_k3.statistics.fourier import bin_modes, fundamental_multipole
from cosmogan_k3.units import pixel_size

Configuration: TypeAlias = Literal["equilateral", "squeezed"]

Ring: TypeAlias = NDArray[np.bool_]  # (N, N // 2 + 1), True for the modes of one bin
Triangle: TypeAlias = tuple[Ring, Ring]  # the ring of the first side, that of the other two


def bispectrum(
    maps: AnyMaps,
    *,
    pixel_arcmin: float | None = None,
    ell_edges: ArrayLike | None = None,
    configuration: Configuration = "equilateral",
) -> tuple[FloatArray, Rows]:
    """Binned bispectrum of each map, over equilateral or squeezed triangles of modes.

    With ℓ₁ + ℓ₂ + ℓ₃ = 0 and |ℓᵢ| in bin bᵢ::

        B(b₁, b₂, b₃) = (L⁴/N⁶) Σ FFT κ(ℓ₁) FFT κ(ℓ₂) FFT κ(ℓ₃) / Σ 1

    Both sums run over every triangle of modes. Each is computed as a sum over pixels of the product
    of three maps with the modes of one bin each. For Σ 1 these modes are set to one.

    - "equilateral": all three sides from one bin, for each bin;
    - "squeezed": one side from the lowest bin and two from each of the other bins.

    The modes must lie below the Nyquist mode. The products are taken on grids so fine that three
    modes cannot alias to a false triangle; on the N pixels of the map this would happen for |ℓ|
    above ⅔ of the Nyquist multipole. The grids of low bins are coarser than the map, and cheap.

    Parameters
    ----------
    maps : float array or MapSet, shape (n, N, N)
        κ, taken as periodic.
    pixel_arcmin : float, optional
        Side of a pixel in arcmin; that of a ``MapSet`` by default.
    ell_edges : array_like of float, shape (bins + 1,), optional
        Increasing edges of bins (lo, hi], from 0 to below the Nyquist multipole. By default up to
        eight bins from mode 1.5 to N/3, nearly equal in log ℓ.
    configuration : {"equilateral", "squeezed"}, default "equilateral"
        Shape of the triangles.

    Returns
    -------
    ell : float64 array, shape (bins,)
        Mean ℓ of the modes of each bin; without the lowest bin if squeezed.
    bispectrum : float64 array, shape (n, bins)
        B in steradian².

    Raises
    ------
    ValueError
        If ``maps`` is not ``(n, N, N)`` or not finite, if the edges do not increase or leave the
        range, if the configuration is unknown, if squeezed triangles have one bin only, or if a bin
        has no triangle.

    Examples
    --------
    >>> noise = np.random.default_rng(0).exponential(size=(200, 32, 32)) - 1
    >>> ell, b = bispectrum(noise, pixel_arcmin=1.0)
    >>> expected = 2 * np.deg2rad(1 / 60) ** 4  # third moment times the squared area of a pixel
    >>> bool(abs(b[:, -1].mean() / expected - 1) < 0.2)
    True

    References
    ----------
    Sums over triangles by FFT: Scoccimarro 2015 (arXiv 1506.02729) and Watkinson et al. 2017
    (arXiv 1705.06284).
    """
    pixel_arcmin = pixel_size(maps, pixel_arcmin)
    maps = checked_maps(maps)
    pixels = maps.shape[1]
    edges = _checked_bins(pixels, pixel_arcmin, ell_edges, configuration)
    ell, _, _, indices = bin_modes(pixels, pixel_arcmin, edges)
    first = 1 if configuration == "squeezed" else 0
    rings = [indices == b + 1 for b in range(len(ell))]
    triangles = [(rings[0] if first else ring, ring) for ring in rings[first:]]
    counts = _triangle_sums(np.ones((1, *indices.shape)), triangles)[0]
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


def _checked_bins(
    pixels: int, pixel_arcmin: float, ell_edges: ArrayLike | None, configuration: str
) -> FloatArray:
    """Edges of the bins, checked against the map and the configuration."""
    fundamental = fundamental_multipole(pixels, pixel_arcmin)
    edges = (
        _default_modes(pixels) * fundamental
        if ell_edges is None
        else checked_edges(ell_edges, "ell_edges")
    )
    nyquist = fundamental * pixels / 2
    if edges[0] < 0 or edges[-1] >= nyquist:
        raise ValueError(
            f"ell_edges must lie between 0 and Nyquist's {nyquist:g}. Received: {edges}"
        )
    if configuration not in get_args(Configuration):
        raise ValueError(
            f"configuration must be one of {get_args(Configuration)}. Received: {configuration!r}"
        )
    if configuration == "squeezed" and len(edges) < 3:
        raise ValueError(f"Squeezed triangles need two bins. Received: {len(edges) - 1}")
    return edges


def _default_modes(pixels: int) -> FloatArray:
    """Edges of the default bins, as wave numbers."""
    return np.unique(np.geomspace(1, max(pixels / 3, 2), 9).astype(int)) + 0.5


def _triangle_sums(modes: NDArray[Any], triangles: list[Triangle]) -> Rows:
    """Σ of the product of three modes over all triangles of each pair of rings."""
    sums = np.empty((len(modes), len(triangles)))
    for i, (long, short) in enumerate(triangles):
        reach = [_largest_mode(ring) for ring in (long, short, short)]
        # The sum of three modes can equal a multiple of the grid's size only if it is zero.
        size = fft.next_fast_len(sum(reach) + 1, real=True)
        field = _ring_map(modes, short, size)
        other = field if long is short else _ring_map(modes, long, size)
        sums[:, i] = np.einsum("nxy,nxy->n", field * field, other) / size**2
    return sums


def _largest_mode(ring: Ring) -> int:
    return int(np.flatnonzero(ring.any(axis=0)).max())


def _ring_map(modes: NDArray[Any], ring: Ring, size: int) -> FloatArray:
    """Map with the modes of one ring, on a grid of ``size`` pixels a side."""
    top = _largest_mode(ring)
    plane = np.zeros((len(modes), size, top + 1), complex)
    plane[:, : top + 1] = modes[:, : top + 1, : top + 1] * ring[: top + 1, : top + 1]
    plane[:, -top:] = modes[:, -top:, : top + 1] * ring[-top:, : top + 1]
    # Columns of zeros need no transform: only the first top + 1 columns are transformed.
    return fft.irfft(fft.ifft(plane, axis=1, norm="forward"), size, axis=2, norm="forward")
