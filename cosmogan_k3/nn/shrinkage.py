"""Shrinkage of measured differences to the part that exceeds their noise."""

import numpy as np

from cosmogan_k3._typing import FloatArray

# Keeps a difference of zero from dividing by zero.
_TINY = np.finfo(np.float32).tiny


def shrink_to_significant(
    difference: FloatArray | float, noise: FloatArray | float
) -> FloatArray | float:
    """Shrink a measured difference; differences below two standard errors become zero.

    The result is::

        S(d) = d max(0, 1 − 4 σ²/d²)

    Parameters
    ----------
    difference : array of float or float
        d.
    noise : array of float or float
        Standard error σ of d; broadcasts with ``difference``.

    Returns
    -------
    array of float or float
        S(d).

    References
    ----------
    The nonnegative garrote, Breiman 1995 (Technometrics 37, 373), with a threshold of 2 σ.

    Examples
    --------
    >>> difference = np.array([1.0, -1.0, 0.1, 0.0])
    >>> noise = np.array([0.25, 0.25, 0.25, 0.0])
    >>> shrink_to_significant(difference, noise).tolist()
    [0.75, -0.75, 0.0, 0.0]
    """
    return difference * np.maximum(1 - (2 * noise) ** 2 / np.maximum(difference**2, _TINY), 0)
