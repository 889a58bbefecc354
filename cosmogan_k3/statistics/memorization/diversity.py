"""Diversity of a set of maps: duplicates, and the effective number of independent maps."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cosmogan_k3._typing import FloatArray, IntArray, Maps
from cosmogan_k3.statistics.memorization.nearest_neighbours import nearest_neighbours
from cosmogan_k3.statistics.two_sample.units import Units
from cosmogan_k3.units import plain_maps

# Below this distance rounding in float32 cannot tell two maps from copies, for which z is infinite.
_SMALLEST_DISTANCE = 1e-3
# Mean squared correlations that are closer to 1 are 1 but for rounding.
_COPIES = 1e-9


@dataclass(frozen=True)
class Duplicates:
    """The maps of a set that have a duplicate in the set.

    Parameters
    ----------
    rate : float
        Fraction of the maps that have a duplicate.
    threshold : float
        Distance, as in ``nearest_neighbours``, below which a map counts as a duplicate.
    index : int64 array
        Indices of the maps that have a duplicate.

    Examples
    --------
    >>> independent, maps = np.random.default_rng(0).normal(size=(2, 40, 16, 16))
    >>> duplicate_rate(maps, independent).rate
    0.0
    """

    rate: float
    threshold: float
    index: IntArray


def duplicate_rate(
    maps: Maps,
    independent: Maps,
    *,
    false_alarms: float = 0.01,
    shifts: bool = True,
    symmetries: bool = True,
    groups: ArrayLike | None = None,
    independent_groups: ArrayLike | None = None,
) -> Duplicates:
    """Count the maps that are more similar to another map of the set than independent maps are.

    The correlation r with the nearest neighbour is a maximum over many pairs. So z = artanh r of
    independent maps follows a Gumbel distribution F. Its location μ and scale β come from the
    quartiles of the ``independent`` set. μ then grows by β times the logarithm of the ratio of the
    numbers of maps. A map counts as a duplicate where z > z*::

        F(z) = exp(−exp(−(z − μ)/β))
        z* = μ − β ln(−ln(1 − false_alarms/n))

    Parameters
    ----------
    maps : float array (n, N, N)
        Convergence maps, dimensionless.
    independent : float array (m, N, N)
        Maps that are known to be independent, such as real ones; at least three.
    false_alarms : float, default 0.01
        Expected number of false duplicates in a set of n independent maps.
    shifts, symmetries : bool, default True
        Search over periodic shifts and symmetries, as in ``nearest_neighbours``.
    groups, independent_groups : int array (n,), (m,), optional
        Unit of each map, such as the larger map that it was cut from; by default each map is a
        unit. Patches of one unit share large modes: none counts as the neighbour of another.

    Returns
    -------
    Duplicates
        The rate, the threshold, and the maps that have a duplicate.

    Raises
    ------
    ValueError
        If there are fewer than three independent maps, or ``nearest_neighbours`` refuses the maps.

    Examples
    --------
    >>> import numpy as np
    >>> independent, maps = np.random.default_rng(0).normal(size=(2, 40, 16, 16))
    >>> maps[3] = np.roll(maps[30], 5, axis=1)
    >>> duplicate_rate(maps, independent).index.tolist()
    [3, 30]

    References
    ----------
    Fisher 1915, Biometrika 10, 507, for artanh r.
    Gumbel 1958, Statistics of Extremes, for maxima.
    """
    if len(independent) < 3:
        raise ValueError(
            "The distribution of independent maps needs at least three of them. "
            f"Received: {len(independent)}"
        )
    sets = (maps, groups), (independent, independent_groups)
    distance, null = (
        nearest_neighbours(of_set, shifts=shifts, symmetries=symmetries, groups=units)[0]
        for of_set, units in sets
    )
    ratio = _neighbours(len(maps), groups) / _neighbours(len(independent), independent_groups)
    location, scale = _gumbel(null, ratio)
    limit = np.tanh(location - scale * np.log(-np.log1p(-false_alarms / len(maps))))
    threshold = np.sqrt(2 - 2 * limit)
    found = distance < threshold
    return Duplicates(float(found.mean()), float(threshold), np.flatnonzero(found))


def _neighbours(n: int, groups: ArrayLike | None) -> float:
    """Mean number of maps of other units."""
    sizes = Units(n, groups).or_rows().sizes
    return n - float(np.sum(sizes**2)) / n


def _gumbel(distance: FloatArray, ratio: float) -> tuple[float, float]:
    """Location and scale of z, for ``ratio`` times as many neighbours, from the quartiles of z."""
    z = np.arctanh(1 - np.maximum(distance, _SMALLEST_DISTANCE) ** 2 / 2)
    lower, median, upper = np.quantile(z, [0.25, 0.5, 0.75])
    scale = (upper - lower) / np.log(np.log(4) / np.log(4 / 3))
    return median + scale * np.log(np.log(2)) + scale * np.log(ratio), scale


def effective_number(
    maps: Maps, independent: Maps, *, independent_groups: ArrayLike | None = None
) -> float:
    """Effective number of independent maps in a set.

    r_ij is the correlation of the pixels of two maps, and ρ the mean of r² over pairs of
    independent maps, which share large modes by chance::

        n_eff = n² / (n + Σ_{i≠j} (r_ij² − ρ)/(1 − ρ))

    1/n_eff is the probability that two draws from the set are the same map. n different maps give
    n; n/2 maps that each appear twice give n/2; k maps that are repeated give k. Maps are compared
    without shifts or symmetries.

    By chance the sum over independent maps may be negative. It then counts as 0, so that n_eff is
    at most n. For n ρ < 1 the result is right to a few per cent (ρ = 0.001 for lensing maps of 64
    pixels and 5 degrees). Where few large modes dominate the maps, ρ and its noise are large and
    n_eff means little: filter such maps first.

    Parameters
    ----------
    maps : float array (n, ...)
        Convergence maps, or rows of standardized features.
    independent : float array (m, ...)
        At least as many maps or rows that are known to be independent, such as real ones.
    independent_groups : int array (m,), optional
        Unit of each independent map, such as the larger map that it was cut from; by default each
        map is a unit. ρ is the mean over pairs of different units, unless there is only one.

    Returns
    -------
    float
        n_eff, between 1 and n.

    Raises
    ------
    ValueError
        If a set has fewer than two maps, the shapes differ, a map is constant, or the independent
        maps are copies of one another.

    Examples
    --------
    >>> import numpy as np
    >>> independent, maps = np.random.default_rng(0).normal(size=(2, 50, 32, 32))
    >>> round(effective_number(np.concatenate([maps, maps]), independent))
    50

    References
    ----------
    Simpson 1949, Nature 163, 688, for the probability of two equal draws.
    Friedman & Dieng 2023 (arXiv 2210.02410) for related numbers of other orders.
    """
    maps, independent = np.asarray(plain_maps(maps)), np.asarray(plain_maps(independent))
    if min(len(maps), len(independent)) < 2 or maps.shape[1:] != independent.shape[1:]:
        raise ValueError(
            f"Needs two sets of maps of one size. Received: {maps.shape}, {independent.shape}"
        )
    n = len(maps)
    units = Units(len(independent), independent_groups).or_rows()
    chance = _mean_squared_correlation(independent, units)
    if chance > 1 - _COPIES:
        raise ValueError("independent maps must differ. Received: copies of one another")
    excess = (_mean_squared_correlation(maps, Units(n)) - chance) / (1 - chance)
    return float(n / (1 + (n - 1) * max(excess, 0.0)))


def _mean_squared_correlation(maps: Maps, units: Units) -> float:
    """Mean of r² over all pairs of maps of different units."""
    rows = maps.reshape(len(maps), -1).astype(np.float64)
    rows -= rows.mean(axis=1, keepdims=True)
    norm = np.linalg.norm(rows, axis=1, keepdims=True)
    if not norm.all():
        raise ValueError("maps must vary. Received: a constant map")
    rows /= norm
    correlation = rows @ rows.T
    of_one_unit = units.index[:, None] == units.index
    np.fill_diagonal(of_one_unit, False)
    left_out = len(rows) + np.square(correlation[of_one_unit]).sum()
    pairs = len(rows) * (len(rows) - 1) - np.count_nonzero(of_one_unit)
    return float((np.vdot(correlation, correlation) - left_out) / pairs)
