"""Test whether maps are periodic."""

import numpy as np

from cosmogan_k3._typing import MapArray
from cosmogan_k3.units import plain_maps

# Largest ratio of the mean square jump across the edges to that between neighbours that counts as
# periodic.
_PERIODIC_RATIO = 1.2
_SAMPLE = 2000  # number of maps that the ratio is measured on
_BLOCK_PIXELS = 2**21  # pixels that are read and converted to float64 together


def edge_discontinuity(kappa: MapArray) -> float:
    """Measure the mean square jump between opposite edges, relative to neighbouring pixels.

        ⟨(κ_first − κ_last)²⟩ / ⟨(κ_i − κ_{i+1})²⟩        over rows and columns of all maps

    It is 1 for periodic maps, and 1 / (1 − ρ) for patches much larger than the correlation length,
    whose neighbouring pixels correlate by ρ.

    Parameters
    ----------
    kappa : float array, shape (n, N, N)
        Convergence, in memory or on disk; only the first 2,000 maps are used.

    Returns
    -------
    float
        1.0 for maps that do not vary.

    Examples
    --------
    >>> noise = np.random.default_rng(0).normal(size=(100, 32, 32))
    >>> abs(edge_discontinuity(noise) - 1) < 0.1
    True
    >>> edge_discontinuity(noise.cumsum(axis=1).cumsum(axis=2)) > 5
    True
    """
    side = kappa.shape[1]
    if side < 2:
        return 1.0
    edges, inside = 0.0, 0.0
    step = max(1, _BLOCK_PIXELS // side**2)
    for start in range(0, min(len(kappa), _SAMPLE), step):
        stop = min(start + step, _SAMPLE)
        maps = np.asarray(plain_maps(kappa[start:stop]), dtype=np.float64)
        for axis in (1, 2):
            edges += np.square(np.take(maps, 0, axis) - np.take(maps, -1, axis)).sum()
            inside += np.square(np.diff(maps, axis=axis)).sum()
    return float((side - 1) * edges / inside) if inside > 0 else 1.0


def is_periodic(kappa: MapArray) -> bool:
    """Return whether opposite edges of the maps join: ``edge_discontinuity`` is below 1.2.

    Parameters
    ----------
    kappa : float array, shape (n, N, N)
        Convergence, in memory or on disk; only the first 2,000 maps are used.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_periodic(np.random.default_rng(0).normal(size=(100, 32, 32)))
    True
    """
    return edge_discontinuity(kappa) < _PERIODIC_RATIO
