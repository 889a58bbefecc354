"""What of a measured difference is no noise."""

import numpy as np

_TINY = np.finfo(np.float32).tiny
"""Keeps a difference of nothing from dividing by zero."""


def shrink_to_significant(off, noise):
    """Of a difference d with noise σ, d (1 − 4 σ²/d²), and nothing below 2 σ.

    Args:
        off: float or array, d.
        noise: float or array, σ.

    Example:
        >>> shrink_to_significant(np.array([1.0, -1.0, 0.1, 0.0]), np.array([0.25, 0.25, 0.25, 0.0])).tolist()
        [0.75, -0.75, 0.0, 0.0]
    """
    return off * np.maximum(1 - (2 * noise) ** 2 / np.maximum(off**2, _TINY), 0)
