"""Covariance and correlation of features, and their comparison between two sets of maps."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cosmogan_k3._typing import FloatArray, Rows
from cosmogan_k3.statistics.two_sample._rows import correlations
from cosmogan_k3.statistics.two_sample.units import Units

# Ratios are taken of correlations above this absolute value only: smaller ones are mostly noise.
_SMALLEST_CORRELATION = 0.1


def covariance(rows: ArrayLike) -> FloatArray:
    """Covariance matrix of the features of maps.

    ::

        C_ab = Σ_i (x_ia − ⟨x_a⟩) (x_ib − ⟨x_b⟩) / (n − 1)

    Parameters
    ----------
    rows : array_like of float (n, features)
        One row per map, such as the output of any statistic; at least two rows.

    Returns
    -------
    float64 array (features, features)
        The covariance, in the units of the features.

    Raises
    ------
    ValueError
        If the rows are not (n, features) with n ≥ 2, or not finite.

    Examples
    --------
    >>> covariance([[1.0, 2.0], [3.0, 6.0]]).tolist()
    [[2.0, 4.0], [4.0, 8.0]]
    """
    checked = _checked(rows, "rows")
    centred = checked - checked.mean(axis=0)
    return centred.T @ centred / (len(checked) - 1)


def correlation_matrix(rows: ArrayLike) -> FloatArray:
    """Correlation coefficients of the features of maps.

    ::

        r_ab = C_ab / √(C_aa C_bb)

    Parameters
    ----------
    rows : array_like of float (n, features)
        One row per map; at least two rows.

    Returns
    -------
    float64 array (features, features)
        The coefficients, with ones on the diagonal.

    Raises
    ------
    ValueError
        If the rows are not (n, features) with n ≥ 2, not finite, or if a feature is constant and so
        has no correlation.

    Examples
    --------
    >>> correlation_matrix([[1.0, 2.0], [3.0, 6.0], [5.0, 10.0]]).round(12).tolist()
    [[1.0, 1.0], [1.0, 1.0]]
    """
    return correlations(_varying(rows, "rows"))


@dataclass(frozen=True)
class CorrelationComparison:
    """Two correlation matrices, and the distances between them beside their nulls.

    Each null holds the 2.5th, 50th and 97.5th percentile of the same number between two bootstrap
    samples of the real maps, with as many maps as the two sets. The number of a correct generator
    lies between the first and the last of them.

    Parameters
    ----------
    real, generated : float64 array (features, features)
        Correlation matrices.
    difference : float64 array (features, features)
        generated − real.
    distance : float
        ‖generated − real‖ / ‖real‖ over off-diagonal terms, Frobenius norm.
    distance_null : float64 array (3,)
        Null of ``distance``.
    largest : float
        Largest absolute difference.
    largest_null : float64 array (3,)
        Null of ``largest``.
    where : tuple of int
        Indices of the two features with the largest difference.
    ratio : float
        Median of generated / real over off-diagonal terms with |real| > 0.1; NaN if there are none.
    ratio_null : float64 array (3,)
        Null of ``ratio``; NaN with it.

    Examples
    --------
    >>> rows = np.random.default_rng(0).normal(size=(2, 100, 2))
    >>> result = compare_correlations(rows[0], rows[1], bootstraps=20)
    >>> bool((result.difference == result.generated - result.real).all()), result.where
    (True, (0, 1))
    """

    real: FloatArray
    generated: FloatArray
    difference: FloatArray
    distance: float
    distance_null: FloatArray
    largest: float
    largest_null: FloatArray
    where: tuple[int, int]
    ratio: float
    ratio_null: FloatArray


def compare_correlations(
    real_rows: ArrayLike,
    generated_rows: ArrayLike,
    *,
    real_groups: ArrayLike | None = None,
    generated_groups: ArrayLike | None = None,
    bootstraps: int = 200,
    seed: int = 0,
) -> CorrelationComparison:
    """Compare the correlations between features of real and of generated maps.

    ::

        distance = √(Σ_{a≠b} (r_gen − r_real)²) / √(Σ_{a≠b} r_real²)

    Two sets of real maps differ as well, by about 1/√n in each term. The null measures this: two
    bootstrap samples of whole real maps, as large as the two sets, are compared in the same way.
    A feature that is constant in one sample counts as uncorrelated there. Where the maps of a set
    are not independent, whole units of real maps are drawn in its place.

    Parameters
    ----------
    real_rows : array_like of float (n, features)
        Features of the real maps, one row per map.
    generated_rows : array_like of float (m, features)
        The same features of the generated maps.
    real_groups, generated_groups : int array (n,), optional
        Unit of each map, such as the larger map that it was cut from; by default each map is a
        unit.
    bootstraps : int, default 200
        Pairs of bootstrap samples for the null.
    seed : int, default 0
        Seed of the bootstrap.

    Returns
    -------
    CorrelationComparison
        Both matrices, the distances, and their nulls.

    Raises
    ------
    ValueError
        If ``correlation_matrix`` refuses one of the sets, the features differ in number or are
        fewer than two, no real features are correlated, or there are no bootstraps.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> real = rng.multivariate_normal([0, 0], [[1, 0.8], [0.8, 1]], size=500)
    >>> result = compare_correlations(real, rng.normal(size=(500, 2)))
    >>> bool(result.distance > 0.9), bool(result.distance_null[2] < 0.1), result.where
    (True, True, (0, 1))

    References
    ----------
    Efron 1979, Ann. Statist. 7, 1, for the bootstrap.
    """
    a, b = _varying(real_rows, "real_rows"), _varying(generated_rows, "generated_rows")
    if a.shape[1] != b.shape[1] or a.shape[1] < 2 or bootstraps < 1:
        raise ValueError(
            "Both sets need the same two or more features, and the null one bootstrap or more. "
            f"Received: {a.shape[1]} and {b.shape[1]} features, bootstraps={bootstraps}"
        )
    real, generated = correlations(a), correlations(b)
    scale = float(np.linalg.norm(real[_off_diagonal(real)]))
    if scale == 0:
        raise ValueError(
            "Real features without any correlation leave no unit for a distance. "
            "Received: all exactly zero"
        )
    units = Units(len(a), real_groups).or_rows()
    single = Units(len(a))
    drawn = units, single if Units(len(b), generated_groups).are_rows else units
    counts = len(units), max(1, round(len(b) * len(drawn[1]) / len(a)))
    null = np.percentile(_null(a, drawn, counts, scale, bootstraps, seed), [2.5, 50, 97.5], 0)
    distance, largest, ratio = _distances(real, generated, scale)
    difference = generated - real
    row, column = np.unravel_index(np.argmax(np.abs(difference)), difference.shape)
    return CorrelationComparison(
        real=real,
        generated=generated,
        difference=difference,
        distance=distance,
        distance_null=null[:, 0],
        largest=largest,
        largest_null=null[:, 1],
        where=(int(row), int(column)),
        ratio=ratio,
        ratio_null=null[:, 2],
    )


def _null(
    real: Rows,
    units: tuple[Units, Units],
    counts: tuple[int, int],
    scale: float,
    bootstraps: int,
    seed: int,
) -> FloatArray:
    """Distances ``(bootstraps, 3)`` between pairs of bootstrap samples of the real rows."""
    rng = np.random.default_rng(seed)
    null = np.empty((bootstraps, 3))
    for i in range(bootstraps):
        first, second = (
            real[drawn.rows(rng.integers(len(drawn), size=count))]
            for drawn, count in zip(units, counts, strict=True)
        )
        null[i] = _distances(correlations(first), correlations(second), scale)
    return null


def _checked(rows: ArrayLike, name: str) -> Rows:
    """Rows as float64 ``(n, features)``, finite and at least two."""
    checked = np.asarray(rows, dtype=np.float64)
    if checked.ndim != 2 or len(checked) < 2 or not checked.shape[1]:
        raise ValueError(
            f"{name} must be (n, features) with n at least 2. Received: shape {checked.shape}"
        )
    finite = np.isfinite(checked).all(axis=1)
    if not finite.all():
        raise ValueError(
            f"{name} must be finite. Received: NaN or infinity in row {int(np.argmin(finite))}"
        )
    return checked


def _varying(rows: ArrayLike, name: str) -> Rows:
    """Return checked rows if no feature is constant."""
    checked = _checked(rows, name)
    constant = np.flatnonzero(np.ptp(checked, axis=0) == 0)
    if len(constant):
        raise ValueError(
            "A constant feature has no correlation; leave it out. "
            f"Received: {name} with {constant.tolist()}"
        )
    return checked


def _off_diagonal(matrix: FloatArray) -> NDArray[np.bool_]:
    return ~np.eye(len(matrix), dtype=bool)


def _distances(real: FloatArray, generated: FloatArray, scale: float) -> tuple[float, float, float]:
    """Frobenius distance over ``scale``, largest difference and median ratio, off the diagonal."""
    a, b = (matrix[_off_diagonal(matrix)] for matrix in (real, generated))
    relevant = np.abs(a) > _SMALLEST_CORRELATION
    ratio = float(np.median(b[relevant] / a[relevant])) if relevant.any() else float("nan")
    return float(np.linalg.norm(b - a) / scale), float(np.abs(b - a).max()), ratio
