"""Standardization and correlation of rows of features, one row per map."""

import numpy as np
from numpy.typing import ArrayLike

from cosmogan_k3._typing import FloatArray, IntArray, Rows

# Principal directions below this fraction of the largest variance are rounding errors.
_SMALLEST_VARIANCE = 1e-4

# Rows that are needed to estimate one principal direction.
_ROWS_PER_DIRECTION = 10


def standardised(real_rows: ArrayLike, generated_rows: ArrayLike) -> tuple[Rows, Rows]:
    """Standardize both sets by the mean and the standard deviation of the real rows.

    Parameters
    ----------
    real_rows : array_like of float (n, features)
        Features of the real maps, one row per map; at least two rows.
    generated_rows : array_like of float (m, features)
        The same features of the generated maps; at least one row.

    Returns
    -------
    real : float64 array (n, features)
        Standardized real rows: mean 0 and standard deviation 1 in every feature.
    generated : float64 array (m, features)
        Generated rows in the same units.

    Raises
    ------
    ValueError
        If there are too few rows, if the numbers of features differ, if a value is not finite, or
        if a feature is constant over the real rows.

    Examples
    --------
    >>> real, generated = standardised([[0.0], [2.0]], [[3.0]])
    >>> real.tolist(), generated.tolist()
    ([[-1.0], [1.0]], [[2.0]])
    """
    real = np.asarray(real_rows, dtype=np.float64)
    generated = np.asarray(generated_rows, dtype=np.float64)
    if not (real.ndim == generated.ndim == 2 and real.size and real.shape[1] == generated.shape[1]):
        raise ValueError(
            "Rows must be (n, features), as many features in both. "
            f"Received: {real.shape}, {generated.shape}"
        )
    if len(real) < 2 or not len(generated):
        raise ValueError(
            "There must be at least two real rows and a generated one. "
            f"Received: {len(real)} and {len(generated)}"
        )
    if not (np.isfinite(real).all() and np.isfinite(generated).all()):
        raise ValueError("Rows must be finite. Received: NaN or infinity")
    scale = real.std(axis=0)
    if not scale.all():
        raise ValueError(
            "Features must vary over the real rows. "
            f"Received: constant {np.flatnonzero(scale == 0).tolist()}"
        )
    mean = real.mean(axis=0)
    return (real - mean) / scale, (generated - mean) / scale


def correlations(rows: Rows) -> FloatArray:
    """Correlation matrix of the columns; a constant column has only zeros, also on the diagonal.

    Parameters
    ----------
    rows : float64 array (n, features)
        One row per map.

    Returns
    -------
    float64 array (features, features)
        Correlation coefficients between -1 and 1.

    Examples
    --------
    >>> correlations(np.array([[1.0, 4.0, 7.0], [2.0, 2.0, 7.0]])).round(12).tolist()
    [[1.0, -1.0, 0.0], [-1.0, 1.0, 0.0], [0.0, 0.0, 0.0]]
    """
    centred = rows - rows.mean(axis=0)
    centred[:, np.ptp(rows, axis=0) == 0] = 0
    norm = np.sqrt((centred**2).sum(axis=0))
    centred /= np.where(norm > 0, norm, 1)
    return np.clip(centred.T @ centred, -1, 1)


def standardised_together(rows: Rows) -> Rows:
    """Standardize the rows of two sets, so that it does not matter which set is which.

    Parameters
    ----------
    rows : float64 array (n, features)
        Rows of both sets.

    Returns
    -------
    float64 array (n, varying)
        Mean 0 and standard deviation 1 in every feature that varies and is defined for every map.

    Raises
    ------
    ValueError
        If there is no such feature.

    Examples
    --------
    >>> standardised_together(np.array([[0.0, 1.0, np.nan], [2.0, 1.0, 3.0]])).tolist()
    [[-1.0], [1.0]]
    """
    # A feature with a NaN, such as the skewness of a constant map, compares as not larger.
    varies = rows.std(axis=0) > 1e-9 * np.abs(rows).max(axis=0)
    if not varies.any():
        raise ValueError(
            "At least one feature must vary and be defined for every map. "
            f"Received: none of {rows.shape[1]}"
        )
    kept = rows[:, varies]
    return (kept - kept.mean(axis=0)) / kept.std(axis=0)


def without_pair_means(rows: Rows, pairs: IntArray | None) -> Rows:
    """Subtract from each row the mean of both members of its pair.

    Both members have as many rows. What is left does not depend on which member is in which set.

    Parameters
    ----------
    rows : float64 array (n, features)
        Rows of both sets.
    pairs : int64 array (n,) or None
        Pair of each row, from 0; None: rows are returned as they are.

    Returns
    -------
    float64 array (n, features)

    Examples
    --------
    >>> without_pair_means(np.array([[1.0], [3.0], [5.0], [9.0]]), np.array([0, 1, 0, 1])).tolist()
    [[-2.0], [-3.0], [2.0], [3.0]]
    """
    if pairs is None:
        return rows
    sums = np.zeros((pairs.max() + 1, rows.shape[1]))
    np.add.at(sums, pairs, rows)
    return rows - (sums / np.bincount(pairs)[:, None])[pairs]


def principal_directions(rows: Rows) -> tuple[FloatArray, FloatArray]:
    """Leading eigenvectors of the covariance, at most one for ten rows, and their variances.

    Parameters
    ----------
    rows : float64 array (n, features)
        With mean 0.

    Returns
    -------
    directions : float64 array (features, k)
        Columns of norm 1.
    variances : float64 array (k,)
        Variance along each direction, increasing.

    Examples
    --------
    >>> rows = np.array([[3.0, 0.0], [-3.0, 0.0], [0.0, 1.0], [0.0, -1.0]]).repeat(10, axis=0)
    >>> principal_directions(rows)[1].tolist()
    [0.5, 4.5]
    """
    variances, directions = np.linalg.eigh(rows.T @ rows / len(rows))
    kept = variances > _SMALLEST_VARIANCE * variances[-1]
    kept[: max(0, len(kept) - max(1, len(rows) // _ROWS_PER_DIRECTION))] = False
    return directions[:, kept], variances[kept]
