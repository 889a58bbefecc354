"""Disjoint halves of the real maps, which every null compares."""

import numpy as np
from numpy.typing import ArrayLike

from cosmogan_k3._typing import IntArray
from cosmogan_k3.statistics.two_sample.units import Units


def null_halves(n: int, seed: int, groups: ArrayLike | None = None) -> list[IntArray]:
    """Split real maps into the two disjoint halves that every null here compares.

    The halves have no unit in common, such as a larger map that patches were cut from. If there is
    one unit only, its maps are split.

    Parameters
    ----------
    n : int
        Number of real maps.
    seed : int
        Seed of the split.
    groups : int array (n,), optional
        Number of the unit that each map is part of; by default each map is a unit.

    Returns
    -------
    list of two int64 arrays
        Indices of the maps of each half.

    Examples
    --------
    >>> first, second = null_halves(5, seed=0)
    >>> sorted([*first, *second]) == list(range(5))
    True
    """
    units = Units(n, groups).or_rows()
    halves = np.array_split(np.random.default_rng(seed).permutation(len(units)), 2)
    return [units.rows(half) for half in halves]


def half_of_map(halves: list[IntArray]) -> IntArray:
    """Return the half, 0 or 1, that each map is in.

    Parameters
    ----------
    halves : list of two int64 arrays
        As ``null_halves`` returns them.

    Returns
    -------
    int64 array (n,)

    Examples
    --------
    >>> half_of_map([np.array([2, 0]), np.array([1])]).tolist()
    [0, 1, 0]
    """
    return np.isin(np.arange(sum(map(len, halves))), halves[1]).astype(np.int64)
