"""Minkowski functionals of excursion sets."""

import numpy as np
from numpy.typing import ArrayLike

from cosmogan_k3._typing import AnyMaps, FloatArray, Rows
from cosmogan_k3.statistics._maps import checked_edges, checked_maps, finite_maps
from cosmogan_k3.statistics.binning import BLOCK, Bins, periodic_padding
from cosmogan_k3.units import pixel_size


def minkowski_functionals(
    maps: AnyMaps,
    thresholds: ArrayLike,
    *,
    pixel_arcmin: float | None = None,
    periodic: bool = True,
) -> tuple[Rows, Rows, Rows]:
    """Area, boundary length and Euler characteristic of the set κ ≥ ν of each map, per area.

    ::

        V0(ν) = ⟨Θ(κ − ν)⟩
        V1(ν) = ¼ ⟨δ(κ − ν) |∇κ|⟩
        V2(ν) = 1/(2π) ⟨δ(κ − ν) (2 κx κy κxy − κx² κyy − κy² κxx) / |∇κ|²⟩

    δ(κ − ν) is one over the width of the bin [lo, hi) that holds κ; ν of V0 is the middle of the
    bin. First derivatives are central differences over two pixels; second derivatives apply them
    twice. Where ∇κ = 0, the integrand of V2 is its value along the diagonal,
    (2 κxy − κxx − κyy) / 2.

    Parameters
    ----------
    maps : float array or MapSet, shape (n, N, N)
        κ.
    thresholds : array_like of float, shape (bins + 1,)
        Increasing edges of the bins, in units of κ.
    pixel_arcmin : float, optional
        Side of a pixel in arcmin; that of a ``MapSet`` by default.
    periodic : bool, default True
        Whether differences reach across opposite sides of the map. If not, the outer two rows and
        columns, which lack neighbours, are left out of the means: use this for maps cut from a
        larger field.

    Returns
    -------
    v0, v1, v2 : float64 array, shape (n, bins)
        V0 is dimensionless, V1 is in 1/arcmin, V2 in 1/arcmin².

    Raises
    ------
    ValueError
        If ``maps`` is not ``(n, N, N)`` or not finite, if N is below 5, if the thresholds do not
        increase, or if the pixel size is not positive.

    Examples
    --------
    >>> ramp = np.tile(np.arange(32.0), (1, 32, 1))  # |∇κ| = ½ per arcmin if a pixel has 2 arcmin
    >>> v0, v1, v2 = minkowski_functionals(ramp, [4, 8, 28], pixel_arcmin=2.0, periodic=False)
    >>> np.round(v0, 3).tolist(), np.round(v1 * 28, 3).tolist(), abs(v2).tolist()
    ([[0.857, 0.429]], [[0.125, 0.125]], [[0.0, 0.0]])

    References
    ----------
    Petri et al. 2013 (arXiv 1309.4460). ``minkowskiFunctionals`` of LensTools is the same with
    ``periodic=True, pixel_arcmin=1``.
    """
    edges = checked_edges(thresholds)
    pixel_arcmin = pixel_size(maps, pixel_arcmin)
    if not pixel_arcmin > 0:
        raise ValueError(f"pixel_arcmin must be positive. Received: {pixel_arcmin}")
    maps = checked_maps(maps)
    if maps.shape[1] < 5:
        raise ValueError(
            f"Second derivatives need at least 5 pixels a side. Received: {maps.shape[1]}"
        )
    # Make the middles edges too: then one search serves V0 as well.
    bins = Bins(np.insert(edges, np.arange(1, len(edges)), (edges[:-1] + edges[1:]) / 2))
    functionals = np.empty((3, len(maps), len(edges) - 1))
    for i, map_ in enumerate(finite_maps(maps)):
        functionals[:, i] = _means(periodic_padding(map_[None], 2)[0] if periodic else map_, bins)
    functionals[1:] /= np.diff(edges)
    functionals[1] /= 8 * pixel_arcmin
    functionals[2] /= 8 * np.pi * pixel_arcmin**2
    v0, v1, v2 = functionals
    return v0, v1, v2


def _means(map_: FloatArray, bins: Bins) -> FloatArray:
    """Average [κ ≥ ν] and the binned integrands over the inner pixels, shape (3, bins)."""
    inner = len(map_) - 4
    height = max(1, BLOCK // inner)
    # Strips stay in the processor's cache.
    strips = (map_[top : top + height + 4] for top in range(0, inner, height))
    sums = sum((_strip_sums(strip, bins) for strip in strips), start=np.zeros(()))
    return sums / inner**2


def _strip_sums(strip: FloatArray, bins: Bins) -> FloatArray:
    """Sum [κ ≥ ν] and the binned integrands over the inner pixels of a strip of rows."""
    width = strip.shape[1]
    line = strip.ravel()
    index = bins.index(line[2 * width : -2 * width])
    columns = index.reshape(-1, width)
    columns[:, :2] = columns[:, -2:] = 0
    at_least = bins.sums(index)[::-1].cumsum()[::-1]
    in_halves = np.stack(
        [bins.sums(index, integrand)[1:-1] for integrand in _integrands(line, width)]
    )
    return np.stack([at_least[2::2], *(in_halves[:, ::2] + in_halves[:, 1::2])])


def _integrands(line: FloatArray, width: int) -> tuple[FloatArray, FloatArray]:
    """2|∇κ| and 4 (2 κx κy κxy − κx² κyy − κy² κxx) / |∇κ|²: differences are not halved.

    The rows of the strip lie end to end, so neighbours are ±1 and ±width away and every operation
    runs over one contiguous line. The result lacks the outer two rows; its outer two columns are
    invalid.
    """
    along, across = _difference(line, 1), _difference(line, width)
    xx = _difference(along, 1)[2 * width - 2 : 2 - 2 * width]
    xy = _difference(along, width)[width - 1 : 1 - width]
    yy = _difference(across, width)
    x, y = along[2 * width - 1 : 1 - 2 * width], across[width:-width]
    x2, y2 = x * x, y * y
    length = np.sqrt(x2 + y2)
    if not length.min():
        flat = length == 0
        for array in (x, y, x2, y2):
            array[flat] = 1
    # In place: new arrays would cost as much as the arithmetic.
    xy *= x
    xy *= y
    xy *= 2
    xx *= y2
    yy *= x2
    xy -= xx
    xy -= yy
    x2 += y2
    xy /= x2
    return length, xy


def _difference(line: FloatArray, step: int) -> FloatArray:
    return line[2 * step :] - line[: -2 * step]
