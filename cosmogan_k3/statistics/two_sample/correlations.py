"""Covariances of features between maps, and how far two sets of maps differ in them."""

from dataclasses import dataclass

import numpy as np

from cosmogan_k3.statistics.two_sample._rows import correlations

_RELEVANT = 0.1
"""Smallest |r| of which a ratio is taken: below it a ratio is mostly noise."""


def covariance(rows):
    """Covariance of the features of maps.

        C_ab = Σ_i (x_ia − ⟨x_a⟩) (x_ib − ⟨x_b⟩) / (n − 1)

    Args:
        rows: float array ``(n, features)``, one row a map, such as any statistic here returns; at least two.

    Returns:
        float64 ``(features, features)``.

    Raises:
        ValueError: rows that are not ``(n, features)`` with n ≥ 2, or not finite.

    Example:
        >>> covariance([[1.0, 2.0], [3.0, 6.0]]).tolist()
        [[2.0, 4.0], [4.0, 8.0]]
    """
    rows = _checked(rows, "rows")
    centred = rows - rows.mean(axis=0)
    return centred.T @ centred / (len(rows) - 1)


def correlation_matrix(rows):
    """Correlation coefficients of the features of maps.

        r_ab = C_ab / √(C_aa C_bb)

    Args:
        rows: float array ``(n, features)``, one row a map; at least two.

    Returns:
        float64 ``(features, features)``, ones on the diagonal.

    Raises:
        ValueError: as for ``covariance``, or a feature that is the same in all maps and so has no correlation.

    Example:
        >>> correlation_matrix([[1.0, 2.0], [3.0, 6.0], [5.0, 10.0]]).round(12).tolist()
        [[1.0, 1.0], [1.0, 1.0]]
    """
    return correlations(_varying(rows, "rows"))


@dataclass(frozen=True)
class CorrelationComparison:
    """Two correlation matrices, and the distances between them beside their nulls.

    Each ``…_null`` holds the 2.5th, 50th and 97.5th percentile of the same number between two resamplings of the real
    maps, of as many maps as the two sets have: a generator that is right falls between the first and the last.
    """

    real: np.ndarray
    """float64 ``(features, features)``."""
    generated: np.ndarray
    """float64 ``(features, features)``."""
    difference: np.ndarray
    """generated − real."""
    distance: float
    """‖generated − real‖ / ‖real‖ over off-diagonal terms, Frobenius norm."""
    distance_null: np.ndarray
    largest: float
    """Largest |generated − real|."""
    largest_null: np.ndarray
    where: tuple
    """The two features, as indices, between which the difference is largest."""
    ratio: float
    """Median of generated / real over off-diagonal terms with |real| > 0.1; NaN, its null too, without any."""
    ratio_null: np.ndarray


def compare_correlations(real_rows, generated_rows, *, bootstraps=200, seed=0):
    """Compare how the features of real and of generated maps are correlated.

        distance = √(Σ_{a≠b} (r_gen − r_real)²) / √(Σ_{a≠b} r_real²)

    Even two sets of real maps differ, by 1/√n a term. The null says by how much: two sets of as many maps are drawn
    from the real ones, whole maps with replacement, and compared in the same way. A feature that happens to be constant
    in one drawing counts as uncorrelated there.

    Args:
        real_rows, generated_rows: float arrays ``(n, features)``, one row a map; the numbers of maps may differ.
        bootstraps: int, drawings of the null.
        seed: int, of the drawings.

    Returns:
        ``CorrelationComparison``.

    Raises:
        ValueError: as for ``correlation_matrix``, different features, fewer than two, real features without any
            correlation, or no bootstraps.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> real = rng.multivariate_normal([0, 0], [[1, 0.8], [0.8, 1]], size=500)
        >>> result = compare_correlations(real, rng.normal(size=(500, 2)))
        >>> bool(result.distance > 0.9), bool(result.distance_null[2] < 0.1), result.where
        (True, True, (0, 1))

    Source: Efron 1979 (Annals of Statistics 7, 1) for the bootstrap.
    """
    real_rows, generated_rows = (
        _varying(real_rows, "real_rows"),
        _varying(generated_rows, "generated_rows"),
    )
    if real_rows.shape[1] != generated_rows.shape[1] or real_rows.shape[1] < 2 or bootstraps < 1:
        raise ValueError(
            "Both sets need the same two or more features, and the null one bootstrap or more. Received: "
            f"{real_rows.shape[1]} and {generated_rows.shape[1]} features, bootstraps={bootstraps}"
        )
    real, generated = correlations(real_rows), correlations(generated_rows)
    scale = np.linalg.norm(real[_off_diagonal(real)])
    if scale == 0:
        raise ValueError(
            "Real features without any correlation leave no unit for a distance. Received: all exactly zero"
        )
    rng = np.random.default_rng(seed)
    null = np.empty((bootstraps, 3))
    for i in range(bootstraps):
        draws = (
            real_rows[rng.integers(len(real_rows), size=len(rows))]
            for rows in (real_rows, generated_rows)
        )
        null[i] = _distances(*map(correlations, draws), scale)
    bands = np.percentile(null, [2.5, 50, 97.5], axis=0).T
    distance, largest, ratio = _distances(real, generated, scale)
    difference = generated - real
    where = np.unravel_index(np.argmax(np.abs(difference)), difference.shape)
    return CorrelationComparison(
        real,
        generated,
        difference,
        distance,
        bands[0],
        largest,
        bands[1],
        tuple(map(int, where)),
        ratio,
        bands[2],
    )


def _checked(rows, name):
    rows = np.asarray(rows, dtype=np.float64)
    if rows.ndim != 2 or len(rows) < 2 or not rows.shape[1]:
        raise ValueError(
            f"{name} must be (n, features) with n at least 2. Received: shape {rows.shape}"
        )
    finite = np.isfinite(rows).all(axis=1)
    if not finite.all():
        raise ValueError(
            f"{name} must be finite. Received: NaN or infinity in row {int(np.argmin(finite))}"
        )
    return rows


def _varying(rows, name):
    rows = _checked(rows, name)
    constant = np.flatnonzero(np.ptp(rows, axis=0) == 0)
    if len(constant):
        raise ValueError(
            f"A constant feature has no correlation; leave it out. Received: {name} with {constant.tolist()}"
        )
    return rows


def _off_diagonal(matrix):
    return ~np.eye(len(matrix), dtype=bool)


def _distances(real, generated, scale):
    """Frobenius distance over ``scale``, largest deviation and median ratio of the off-diagonal terms."""
    a, b = (matrix[_off_diagonal(matrix)] for matrix in (real, generated))
    relevant = np.abs(a) > _RELEVANT
    ratio = float(np.median(b[relevant] / a[relevant])) if relevant.any() else float("nan")
    return float(np.linalg.norm(b - a) / scale), float(np.abs(b - a).max()), ratio
