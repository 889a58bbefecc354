"""Density and coverage: whether maps lie where real ones do, and everywhere there."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.distance import cdist

from cosmogan_k3._typing import FloatArray, Rows
from cosmogan_k3.statistics.two_sample.units import Units

# Rows whose distances are held in memory at the same time.
_BLOCK = 512


def density_coverage(
    real_rows: Rows,
    generated_rows: Rows,
    *,
    neighbours: int = 5,
    groups: ArrayLike | None = None,
) -> tuple[float, float]:
    """Compute density (fidelity) and coverage (diversity) of generated rows.

    A ball B_i is drawn around each of N real rows x_i, up to its k-th nearest real neighbour. With
    M generated rows y_j::

        density  = Σ_j Σ_i [y_j ∈ B_i] / (k M)
        coverage = Σ_i [some y_j ∈ B_i] / N

    Density is below 1 where generated rows lie outside the real ones; it may exceed 1 where they
    crowd in the middle. Coverage is the fraction of real rows that have a generated one nearby. For
    rows of one distribution, whatever it is, the expectations are::

        ⟨density⟩ = 1,    ⟨coverage⟩ = 1 − Π_{i=1}^{k} (N − i)/(N + M − i)

    Parameters
    ----------
    real_rows, generated_rows : float array (N, features) and (M, features)
        In units in which distances mean something, such as those of ``joint_rows``.
    neighbours : int, default 5
        k.
    groups : int array (N,), optional
        Unit of each real row, such as its simulation. Neighbours are of other units; by default
        each row is a unit.

    Returns
    -------
    density, coverage : float

    Raises
    ------
    ValueError
        No generated rows, other numbers of features, or a real row with fewer than k rows of other
        units.

    Examples
    --------
    >>> real = np.random.default_rng(0).normal(size=(200, 4))
    >>> one = np.zeros((200, 4))                             # collapsed to the middle
    >>> density, coverage = density_coverage(real, one)
    >>> density > 1.5, coverage < 0.2
    (True, True)

    References
    ----------
    Naeem et al. 2020 (arXiv 2002.09797), section 3.
    """
    real, generated = np.asarray(real_rows, np.float64), np.asarray(generated_rows, np.float64)
    if not len(generated) or real.shape[1:] != generated.shape[1:]:
        raise ValueError(
            "Needs generated rows with the features of the real ones. "
            f"Received: shapes {real.shape} and {generated.shape}"
        )
    units = Units(len(real), groups)
    if len(real) - units.sizes.max() < neighbours:
        raise ValueError(
            f"Each real row needs {neighbours} rows of other units. Received: {len(real)} rows, "
            f"{units.sizes.max()} of one unit"
        )
    inside = covered = 0
    for start in range(0, len(real), _BLOCK):
        chosen = slice(start, start + _BLOCK)
        radius = _radius(real, units, chosen, neighbours)
        within = cdist(real[chosen], generated) < radius[:, None]
        inside += int(within.sum())
        covered += int(within.any(axis=1).sum())
    return inside / (neighbours * len(generated)), covered / len(real)


def _radius(real: Rows, units: Units, chosen: slice, neighbours: int) -> FloatArray:
    """Distance of some real rows to their k-th nearest one of another unit."""
    distances = cdist(real[chosen], real)
    distances[units.index[chosen, None] == units.index] = np.inf
    return np.partition(distances, neighbours - 1, axis=1)[:, neighbours - 1]
