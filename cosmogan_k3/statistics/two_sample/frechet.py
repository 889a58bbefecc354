"""The Fréchet distance between two sets of features."""

import numpy as np

from cosmogan_k3._typing import FloatArray, Rows
from cosmogan_k3.statistics.two_sample._rows import standardised


def frechet_distance(real_rows: Rows, generated_rows: Rows) -> float:
    """Squared Fréchet distance between normal distributions fitted to two sets of features.

    The distance compares means and covariances only::

        d² = |μ₁ − μ₂|² + Tr(C₁ + C₂ − 2 (C₁ C₂)^½)

    Features are standardized by the real mean and standard deviation, so their units do not act as
    weights. The trace of the root is computed as that of (C₁^½ C₂ C₁^½)^½. The eigenvalues of this
    matrix are real and not negative, also where a covariance is singular.

    For two samples of one distribution d² is not 0. With f independent normal features its
    expectation is, to first order and for n₁, n₂ ≫ f::

        (1/n₁ + 1/n₂) (f + f (f + 1)/4)

    So quote d² beside its value between halves of the real maps, and compare only values from equal
    numbers of rows.

    Parameters
    ----------
    real_rows : float array (n₁, features)
        Features of the real maps, from any statistic or network; at least two rows.
    generated_rows : float array (n₂, features)
        The same features of the generated maps; at least two rows.

    Returns
    -------
    float
        d², dimensionless.

    Raises
    ------
    ValueError
        If there are fewer than two rows, the numbers of features differ, or a feature is constant
        over the real rows.

    Examples
    --------
    >>> import numpy as np
    >>> rows = np.random.default_rng(0).normal(size=(100, 3))
    >>> round(frechet_distance(rows, rows + 2 * rows.std(axis=0)), 6)      # 3 features, 2 σ each
    12.0

    References
    ----------
    Dowson & Landau 1982, J. Multivariate Anal. 12, 450, eq. 16.
    Heusel et al. 2017 (arXiv 1706.08500), eq. 6, for features of a network.
    """
    if len(generated_rows) < 2:
        raise ValueError(
            f"A covariance needs at least two generated rows. Received: {len(generated_rows)}"
        )
    real, generated = standardised(real_rows, generated_rows)
    shift = real.mean(axis=0) - generated.mean(axis=0)
    first, second = (np.atleast_2d(np.cov(rows, rowvar=False)) for rows in (real, generated))
    root = _symmetric_root(first)
    cross = np.linalg.eigvalsh(root @ second @ root)
    trace = np.trace(first) + np.trace(second) - 2 * np.sqrt(np.clip(cross, 0, None)).sum()
    # For equal sets rounding may leave the trace slightly below 0.
    return float(shift @ shift + max(trace, 0.0))


def _symmetric_root(covariance: FloatArray) -> FloatArray:
    """Symmetric square root of a positive semidefinite matrix."""
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
