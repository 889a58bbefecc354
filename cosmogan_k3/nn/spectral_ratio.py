"""Ratio of two mean power spectra in rings, shrunk to what exceeds its noise."""

import numpy as np

from cosmogan_k3._typing import FloatArray
from cosmogan_k3.nn.shrinkage import shrink_to_significant

# Modes in a group of rings: the power of 50 independent modes in 2,000 maps is known to 0.3 %.
# (Half of a ring's modes are independent, because the maps are real.)
_MODES_PER_GROUP = 100

# Keeps the power of blank maps from dividing by zero.
_TINY = np.finfo(np.float32).tiny


def power_ratio(
    modes: FloatArray, target: FloatArray, found: FloatArray, noise: FloatArray
) -> FloatArray:
    """Estimate the ratio of two power spectra in rings.

    Neighboring rings are joined to groups of at least 100 modes. A ring takes the ratio of its
    group, plus the part of its own difference from it that exceeds the noise.

    Parameters
    ----------
    modes : array of float, shape (n_rings,)
        Number of Fourier modes in each ring.
    target, found : array of float, shape (n_rings,)
        Mean power of the training maps and of the generated maps.
    noise : array of float, shape (n_rings,)
        Relative standard error of ``target / found``.

    Returns
    -------
    array of float, shape (n_rings,)
        Estimated ``target / found``.

    Examples
    --------
    >>> one = np.ones(4)
    >>> power_ratio(100 * one, np.array([1, 1.1, 1, 1]), one, 0.01 * one).round(3).tolist()
    [1.0, 1.1, 1.0, 1.0]
    >>> power_ratio(50 * one, np.array([1.01, 0.99, 1, 1]), one, 0.01 * one).round(3).tolist()
    [1.0, 1.0, 1.0, 1.0]
    """
    found = np.maximum(found, _TINY)
    starts = _group_starts(modes)
    sums = (np.add.reduceat(modes * power, starts) for power in (target, found))
    of_groups = np.repeat(np.divide(*sums), np.diff([*starts, len(modes)]))
    return shrink_towards(of_groups, target / found, noise)


def shrink_towards(
    reference: FloatArray, ratio: FloatArray, noise: FloatArray | float
) -> FloatArray:
    """Move a noisy ratio towards a reference that is known better.

    The result is::

        r' = r₀ (1 + S(r/r₀ − 1))

    with S the function ``shrink_to_significant``.

    Parameters
    ----------
    reference : array of float
        r₀.
    ratio : array of float
        r, of the same shape.
    noise : array of float or float
        Relative standard error of ``ratio``.

    Returns
    -------
    array of float
        r'.

    Examples
    --------
    >>> shrink_towards(np.ones(2), np.array([1.01, 2.0]), 0.25).tolist()
    [1.0, 1.75]
    """
    return reference * (1 + shrink_to_significant(ratio / reference - 1, noise))


def _group_starts(modes: FloatArray) -> list[int]:
    """First rings of groups that have enough modes each, the last group included.

    >>> _group_starts(np.array([40, 80, 160, 30]))
    [0, 2]
    """
    starts, held = [0], 0.0
    for ring, count in enumerate(modes):
        held += count
        if held >= _MODES_PER_GROUP and sum(modes[ring + 1 :]) >= _MODES_PER_GROUP:
            starts.append(ring + 1)
            held = 0.0
    return starts
