"""The covariance of statistics, which generated maps have to have right to replace simulations."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from cosmogan_k3._typing import FloatArray, Rows
from cosmogan_k3.statistics.summary import Features
from cosmogan_k3.statistics.two_sample.correlations import covariance
from cosmogan_k3.statistics.two_sample.joint import pooled_values

# Statistics of the joint covariance, and the step between the features of each that are used:
# neighbouring levels of the pixel distribution are nearly equal.
_STEPS = {
    "power_spectrum": 1,
    "pixels": 16,
    "peaks": 1,
    "minkowski_v0": 1,
    "minkowski_v1": 1,
    "minkowski_v2": 1,
}


def covariance_rows(first: Sequence[Features], second: Sequence[Features]) -> tuple[Rows, Rows]:
    """Join the features whose covariance a cosmological analysis needs.

    These are ln P(ℓ), the pixel distribution, peak counts and Minkowski functionals, as far as they
    are measured.

    Parameters
    ----------
    first, second : sequence of Features
        The same statistics of each set.

    Returns
    -------
    first_rows, second_rows : float64 array (n, features) and (m, features)
        Features that vary in both sets.

    Examples
    --------
    >>> rows = np.array([[1.0, 5.0], [2.0, 5.0]])
    >>> peaks = [Features("peaks", "peaks", "", np.zeros(2), rows)]
    >>> covariance_rows(peaks, peaks)[0].tolist()
    [[1.0], [2.0]]
    """
    parts = [
        pooled_values(*pair)[:, :: _STEPS[pair[0].name]]
        for pair in zip(first, second, strict=True)
        if pair[0].name in _STEPS
    ]
    rows = np.concatenate(parts, axis=1)
    sets = np.split(rows, [len(first[0].rows)])
    varying = np.all([np.ptp(of_set, axis=0) > 0 for of_set in sets], axis=0)
    return sets[0][:, varying], sets[1][:, varying]


def covariance_errors(real_rows: ArrayLike, generated_rows: ArrayLike) -> tuple[float, float]:
    """Compute the relative errors of the diagonal and of the rest of a covariance.

    With C in units of the real variances, C_ab / √(C_aa^real C_bb^real)::

        diagonal     = ⟨(C_aa^gen − 1)²⟩^½
        off-diagonal = (Σ_{a≠b} (C_ab^gen − C_ab^real)² / Σ_{a≠b} (C_ab^real)²)^½

    Both are noise of 1/√n in part, so quote them beside the same between sets of real maps.

    Parameters
    ----------
    real_rows, generated_rows : array_like of float (n, features) and (m, features)
        As of ``covariance_rows``; two features or more, which vary over the real rows.

    Returns
    -------
    diagonal, off_diagonal : float
        0.1 is ten per cent.

    Raises
    ------
    ValueError
        As ``covariance``; other numbers of features, or real features without correlation.

    Examples
    --------
    >>> rows = np.random.default_rng(0).normal(size=(100, 1)) + np.array([[0.0, 1.0]])
    >>> [round(error, 9) for error in covariance_errors(rows, np.sqrt(1.1) * rows)]
    [0.1, 0.1]

    References
    ----------
    The off-diagonal error is the distance of Frobenius norm, as of Perraudin et al. 2021
    (arXiv 2004.08139), section 4, for correlations of power spectra.
    """
    real, generated = covariance(real_rows), covariance(generated_rows)
    deviation = np.sqrt(np.diag(real))
    off_diagonal = ~np.eye(len(real), dtype=bool)
    if real.shape != generated.shape or not (deviation > 0).all():
        raise ValueError(
            "Both sets need the same features, which vary over the real rows. "
            f"Received: {len(real)} and {len(generated)} features"
        )
    scale = np.outer(deviation, deviation)
    scaled, difference = real / scale, (generated - real) / scale
    size = np.linalg.norm(scaled[off_diagonal])
    if not size:
        raise ValueError("Some real features must be correlated. Received: none that are")
    diagonal = float(np.sqrt(np.square(np.diag(difference)).mean()))
    return diagonal, float(np.linalg.norm(difference[off_diagonal]) / size)


def contour_ratio(real_rows: ArrayLike, generated_rows: ArrayLike, derivatives: ArrayLike) -> float:
    """Compute the size of a Fisher contour from generated maps over that from real ones.

    With the derivatives of the mean features by p parameters, D, and the covariance of either set::

        F = D C⁻¹ Dᵀ (n − f − 2)/(n − 1)
        ratio = (det F_real / det F_generated)^½

    The size is that of the ellipsoid of constant likelihood; of two parameters, such as Ω_m and
    σ_8, it is the area. Below 1 the covariance of generated maps promises too small errors. The
    factor removes the bias of the inverse of a covariance of n maps.

    Parameters
    ----------
    real_rows, generated_rows : array_like of float (n, features) and (m, features)
        Features of maps of one cosmology, one row a map; at least three rows more than features.
    derivatives : array_like of float (p, features)
        ∂⟨x⟩/∂θ, such as (⟨x⟩(θ + h) − ⟨x⟩(θ − h))/2h from maps simulated at shifted parameters
        with the same seeds.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        Too few rows, other numbers of features, or derivatives that do not tell the parameters
        apart.

    Examples
    --------
    >>> rows = np.random.default_rng(0).normal(size=(100, 3))
    >>> round(contour_ratio(rows, np.sqrt(1.2) * rows, np.eye(3)[:2]), 9)   # 20 % more variance
    1.2

    References
    ----------
    Tegmark, Taylor & Heavens 1997 (astro-ph/9603021), eq. 15, for F of Gaussian features. Hartlap,
    Simon & Schneider 2007 (astro-ph/0608064), eq. 17, for the factor.
    """
    slopes = np.atleast_2d(np.asarray(derivatives, np.float64))
    real, generated = (_log_information(rows, slopes) for rows in (real_rows, generated_rows))
    return float(np.exp((real - generated) / 2))


def _log_information(rows: ArrayLike, slopes: FloatArray) -> float:
    """Logarithm of the determinant of the Fisher matrix."""
    matrix = covariance(rows)
    count, features = len(np.asarray(rows)), len(matrix)
    if slopes.shape[1] != features or count < features + 3:
        raise ValueError(
            "Needs derivatives of each feature, and at least three rows more than features. "
            f"Received: {count} rows of {features} features, derivatives {slopes.shape}"
        )
    hartlap = (count - features - 2) / (count - 1)
    # Features of very different units are divided by their deviations first.
    deviation = np.sqrt(np.diag(matrix))
    scaled = slopes / deviation
    information = scaled @ np.linalg.solve(matrix / np.outer(deviation, deviation), scaled.T)
    sign, logarithm = np.linalg.slogdet(hartlap * information)
    if sign <= 0:
        raise ValueError("The derivatives must tell the parameters apart. Received: dependent rows")
    return float(logarithm)
