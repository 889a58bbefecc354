"""Disjoint sets of real maps, which every null compares."""

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


def reference_rows(reference: Units, count: int, rng: np.random.Generator) -> IntArray:
    """Choose rows of other real maps, to compare real maps with as many as were generated.

    Parameters
    ----------
    reference : Units
        Of the other real maps, such as those that a generator learned from.
    count : int
        Number of rows, at most as many as there are. They come from whole units but the last.
    rng : numpy.random.Generator
        Source of the order of the units.

    Returns
    -------
    int64 array (count,)

    Examples
    --------
    >>> rows = reference_rows(Units(6, [0, 0, 1, 1, 2, 2]), 4, np.random.default_rng(0))
    >>> rows.tolist()
    [4, 5, 0, 1]
    """
    return reference.rows(rng.permutation(len(reference)))[:count]


def set_of_map(sets: list[IntArray], n: int) -> IntArray:
    """Return which of two disjoint sets each map is in.

    Parameters
    ----------
    sets : list of two int64 arrays
        Indices of maps, as ``null_halves`` returns them.
    n : int
        Number of maps.

    Returns
    -------
    int64 array (n,)
        0 or 1, or 2 for a map in neither.

    Examples
    --------
    >>> set_of_map([np.array([2, 0]), np.array([1])], 4).tolist()
    [0, 1, 0, 2]
    """
    number = np.full(n, 2)
    for i, rows in enumerate(sets):
        number[rows] = i
    return number
