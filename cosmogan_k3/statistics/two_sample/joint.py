"""All statistics of a comparison as one vector a map."""

from collections.abc import Sequence

import numpy as np

from cosmogan_k3._typing import Rows
from cosmogan_k3.statistics.summary import Features
from cosmogan_k3.statistics.two_sample._rows import principal_directions, standardised_together

# Statistics whose scatter between maps is proportional to their mean.
_LOGARITHMIC = ("power_spectrum", "scattering")


def pooled_values(first: Features, second: Features) -> Rows:
    """Rows of one statistic of two sets, as tests compare them.

    Parameters
    ----------
    first, second : Features
        The same statistic of each set.

    Returns
    -------
    float64 array (n + m, features)
        Logarithms of P(ℓ) and of scattering coefficients, if all are positive.

    Examples
    --------
    >>> spectrum = Features("power_spectrum", "P(ℓ)", "ℓ", np.zeros(1), np.ones((2, 1)))
    >>> pooled_values(spectrum, spectrum).tolist()
    [[0.0], [0.0], [0.0], [0.0]]
    """
    rows = np.concatenate([first.rows, second.rows]).astype(np.float64)
    logarithmic = first.name in _LOGARITHMIC and (rows > 0).all()
    return np.log(rows) if logarithmic else rows


def joint_rows(first: Sequence[Features], second: Sequence[Features]) -> Rows:
    """Uncorrelated combinations of all statistics of two sets.

    Each statistic has the same weight: its features are standardized and divided by the root of
    their number. Then y = Λ^(−½) Eᵀ x, with the leading eigenvectors E of the covariance of both
    sets together, at most one for ten maps, and their eigenvalues Λ.

    Parameters
    ----------
    first, second : sequence of Features
        The same statistics of each set. A statistic that does not vary is left out.

    Returns
    -------
    float64 array (n + m, k)
        Rows of the first set, followed by those of the second: mean 0, covariance 1.

    Raises
    ------
    ValueError
        No statistic varies.

    Examples
    --------
    >>> rows = np.random.default_rng(0).normal(size=(2, 50, 3))
    >>> sets = [[Features("peaks", "peaks", "", np.zeros(3), of_set)] for of_set in rows]
    >>> bool(np.allclose(np.cov(joint_rows(*sets), rowvar=False, bias=True), np.eye(3)))
    True
    """
    weighted = []
    for pair in zip(first, second, strict=True):
        values = pooled_values(*pair)
        if (np.ptp(values, axis=0) > 0).any():
            rows = standardised_together(values)
            weighted.append(rows / np.sqrt(rows.shape[1]))
    if not weighted:
        raise ValueError("At least one statistic must vary. Received: none that does")
    rows = np.concatenate(weighted, axis=1)
    directions, variances = principal_directions(rows)
    return rows @ directions / np.sqrt(variances)
