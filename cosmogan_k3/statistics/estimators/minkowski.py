"""Minkowski functionals of excursion sets."""

import numpy as np

from cosmogan_k3.statistics._maps import checked_edges, checked_maps, finite_maps
from cosmogan_k3.statistics.binning import BLOCK, Bins, wrapped


def minkowski_functionals(maps, thresholds, *, pixel_arcmin, periodic=True):
    """Area, boundary length and Euler characteristic (all per area) of the set κ ≥ ν, of each map.

        V0(ν) = ⟨Θ(κ − ν)⟩
        V1(ν) = ¼ ⟨δ(κ − ν) |∇κ|⟩
        V2(ν) = 1/(2π) ⟨δ(κ − ν) (2 κx κy κxy − κx² κyy − κy² κxx) / |∇κ|²⟩

    δ(κ − ν) is one over the width of the bin [lo, hi) that holds κ, and ν of V0 the middle of the bin. Derivatives are
    central differences over two pixels, second ones the same applied twice. Where ∇κ = 0 the integrand of V2 is its
    value along the diagonal, (2 κxy − κxx − κyy) / 2.

    Args:
        maps: float array ``(n, N, N)``, κ.
        thresholds: increasing float array ``(bins + 1,)``: edges of the bins, in units of κ.
        pixel_arcmin: float, side of a pixel in arcmin.
        periodic: bool; whether differences reach across opposite sides of the map. If not, the outer two rows and
            columns, which lack neighbours, are left out of the averages: for maps cut from a larger field.

    Returns:
        ``(v0, v1, v2)``: float64 ``(n, bins)``; V0 has no unit, V1 is in 1/arcmin, V2 in 1/arcmin².

    Raises:
        ValueError: maps that are not ``(n, N, N)``, finite and of at least 5 pixels a side; thresholds that do not
            increase; a pixel that has no size.

    Example:
        >>> import numpy as np
        >>> ramp = np.tile(np.arange(32.0), (1, 32, 1))          # |∇κ| = ½ per arcmin where pixels measure 2 arcmin
        >>> v0, v1, v2 = minkowski_functionals(ramp, [4, 8, 28], pixel_arcmin=2.0, periodic=False)
        >>> np.round(v0, 3).tolist(), np.round(v1 * 28, 3).tolist(), abs(v2).tolist()
        ([[0.857, 0.429]], [[0.125, 0.125]], [[0.0, 0.0]])

    Source: Petri et al. 2013 (arXiv 1309.4460); LensTools' ``minkowskiFunctionals`` is the same
    with ``periodic=True, pixel_arcmin=1``.
    """
    edges = checked_edges(thresholds)
    if not pixel_arcmin > 0:
        raise ValueError(f"pixel_arcmin must be positive. Received: {pixel_arcmin}")
    if checked_maps(maps).shape[1] < 5:
        raise ValueError(
            f"Second derivatives need at least 5 pixels a side. Received: {maps.shape[1]}"
        )
    # The middles are edges too: then one search serves V0 as well.
    bins = Bins(np.insert(edges, np.arange(1, len(edges)), (edges[:-1] + edges[1:]) / 2))
    functionals = np.empty((3, len(maps), len(edges) - 1))
    for i, map_ in enumerate(finite_maps(maps)):
        functionals[:, i] = _means(wrapped(map_[None], 2)[0] if periodic else map_, bins)
    functionals[1:] /= np.diff(edges)
    functionals[1] /= 8 * pixel_arcmin
    functionals[2] /= 8 * np.pi * pixel_arcmin**2
    return tuple(functionals)


def _means(map_, bins):
    """Means over inner pixels of [κ ≥ ν] and, within bins, of the integrands; strip by strip to stay in the cache."""
    inner = len(map_) - 4
    height = max(1, BLOCK // inner)
    sums = sum(_strip_sums(map_[top : top + height + 4], bins) for top in range(0, inner, height))
    return sums / inner**2


def _strip_sums(strip, bins):
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


def _integrands(line, width):
    """2|∇κ| and 4 (2 κx κy κxy − κx² κyy − κy² κxx) / |∇κ|²: the differences are not halved.

    The rows of the strip are laid end to end, so that neighbours are ±1 and ±width away and every operation runs over
    one contiguous line. Of the result, which lacks the outer two rows, the outer two columns mean nothing.
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


def _difference(line, step):
    return line[2 * step :] - line[: -2 * step]
