"""The nearest reference of each map, under periodic shifts and the symmetries of the square."""

import numpy as np
from numpy.typing import ArrayLike

from cosmogan_k3._typing import FloatArray, IntArray, Maps
from cosmogan_k3.statistics._maps import checked_maps
from cosmogan_k3.statistics.memorization._search import search_aligned, search_shifts
from cosmogan_k3.statistics.two_sample.units import Units
from cosmogan_k3.units import plain_maps


def nearest_neighbours(
    maps: Maps,
    references: Maps | None = None,
    *,
    shifts: bool = True,
    symmetries: bool = True,
    groups: ArrayLike | None = None,
) -> tuple[FloatArray, IntArray]:
    """Find the nearest reference of each map, under the symmetries of the square and shifts.

    κ̂ is a map minus its mean, at unit norm; s is a periodic shift and T a symmetry of the square::

        r = max over s, T of ⟨T κ̂(x − s), κ̂_ref(x)⟩
        d = √(2 − 2 r)

    d is the Euclidean distance of κ̂ after the best alignment: 0 for a copy, √2 without any
    correlation.

    With shifts the search has two stages. Candidates are ranked by the correlation of their modes
    within 8 of the origin, over 16x16 shifts. The best eight are then compared over all shifts of
    all pixels. The result is the exact distance to one reference. It is the nearest reference if
    that one stands out: all of those with correlation 0.7 among 1,000 lognormal references of 64
    pixels were found, and seven of ten with correlation 0.5. Among independent maps a reference
    nearly as near may be returned. A test that treats generated and held-out maps alike stays
    valid. Without shifts every pair is compared in full.

    The cost with shifts is n m products of few modes, whatever the side, and 20 transforms per map.
    One thread takes 9 μs per pair, and 2 ms or 14 ms per map of 64 or 256 pixels besides. Without
    shifts it takes 1 μs or 25 μs per pair.

    Parameters
    ----------
    maps : float array (n, N, N)
        Convergence maps, dimensionless.
    references : float array (m, N, N), optional
        Maps to compare with; by default the other maps of the same set.
    shifts : bool, default True
        Whether to search over all N² periodic shifts.
    symmetries : bool, default True
        Whether to search over rotations by 90° and reflections.
    groups : int array (n,), optional
        Unit of each map, such as the larger map that it was cut from; by default each map is a
        unit. Without ``references`` a map is not compared with those of its own unit, unless all
        are of one.

    Returns
    -------
    distance : float64 array (n,)
        d of the nearest reference. Correlations are computed in float32, so the distance of a copy
        is up to 0.002 instead of 0.
    index : int64 array (n,)
        Index of the nearest reference.

    Raises
    ------
    ValueError
        If the sides differ, there is no map to compare with, or a map is constant or not finite.

    Examples
    --------
    >>> import numpy as np
    >>> references = np.random.default_rng(0).normal(size=(20, 16, 16))
    >>> moved = np.rot90(np.roll(references[7], (3, 5), axis=(0, 1)))
    >>> distance, index = nearest_neighbours(moved[None], references)
    >>> index.tolist(), bool(distance[0] < 0.002)
    ([7], True)

    References
    ----------
    Lewis 1995, Fast normalized cross-correlation. The search for candidates in few modes is ours.
    """
    maps = _checked(maps)
    units = Units(len(maps), groups).or_rows() if references is None else None
    others = maps if references is None else _checked(references)
    if maps.shape[1] != others.shape[1]:
        raise ValueError(
            f"Maps of different sides. Received: {maps.shape[1]} and {others.shape[1]} pixels"
        )
    if units is not None and len(maps) < 2:
        raise ValueError(f"A map needs another to compare with. Received: {len(maps)} map")
    search = search_shifts if shifts else search_aligned
    index_of_unit = None if units is None else units.index
    correlation, index = search(maps, others, symmetries=symmetries, units=index_of_unit)
    return np.sqrt(np.clip(2 - 2 * correlation, 0, None)), index


def _checked(maps: Maps) -> Maps:
    """Return the maps if they are (n, N, N), vary and are finite."""
    checked = checked_maps(np.asarray(plain_maps(maps)))
    lowest, highest = checked.min(axis=(1, 2)), checked.max(axis=(1, 2))
    if not ((lowest > -np.inf) & (lowest < highest) & (highest < np.inf)).all():
        raise ValueError("maps must vary and be finite. Received: a constant map, NaN or infinity")
    return checked
