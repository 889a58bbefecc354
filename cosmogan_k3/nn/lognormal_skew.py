"""Estimates of the skew parameter of a shifted-lognormal distribution."""

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize

from cosmogan_k3._typing import Conditions, FloatArray, Maps
from cosmogan_k3.nn.farthest_points import farthest_points

# Smaller skew parameters are raised to this one: the map is linear to float32 precision there.
SMALLEST_SKEW = 1e-3

# Largest estimate: a training that started nearer to 1 would sit on the bound of the weight.
_LARGEST_SKEW = 0.9

# Points in the range of the parameters at which the skew is estimated, each from the maps nearest
# to it.
_N_POINTS = 8


def skew_from_moments(maps: ArrayLike) -> float:
    """Estimate the skew parameter from the skewness.

    A unit Gaussian x that is mapped to (exp(a x) − 1)/a, and then to unit variance, has the
    skewness::

        γ = a³ + 3a

    and the distance 1/a between its mean and its minimum.

    Parameters
    ----------
    maps : array of float, any shape
        Values in any unit.

    Returns
    -------
    float
        a, in units of the inverse standard deviation.

    References
    ----------
    Moments of the lognormal distribution; the shift as in Hilbert, Hartlap & Schneider 2011
    (arXiv 1105.3980).

    Examples
    --------
    >>> gauss = np.random.default_rng(0).normal(scale=0.4, size=1_000_000)
    >>> abs(skew_from_moments(np.exp(gauss)) - np.sqrt(np.exp(0.16) - 1)) < 0.01
    True
    """
    skewness = _skewness(np.asarray(maps, dtype=np.float64))
    # The one real root of the cubic, by Cardano's formula.
    root = np.cbrt(skewness / 2 + np.sqrt(skewness**2 / 4 + 1))
    return float(root - 1 / root)


def fit_skew(maps: ArrayLike) -> float:
    """Fit the skew parameter for which the logarithm of the values has no skewness.

    The estimate a solves::

        skewness(ln(1 + a y)/a) = 0

    with a limited to the range from which a training can start. It is far less noisy than
    ``skew_from_moments``, because the logarithm has no long tail.

    Parameters
    ----------
    maps : array of float, any shape
        y, in network units.

    Returns
    -------
    float
        a, in [−0.9, 0.9].

    Examples
    --------
    >>> gauss = np.random.default_rng(0).normal(scale=0.4, size=100_000)
    >>> abs(fit_skew(np.expm1(gauss) / 0.5) - 0.5) < 0.01
    True
    """
    values = np.asarray(maps, dtype=np.float64).ravel()
    sign = 1.0 if _skewness(values) >= 0 else -1.0
    values = sign * values
    lowest, highest = SMALLEST_SKEW, _LARGEST_SKEW
    if values.min() < 0:
        # Nearer to the bound, the faintest pixel alone would determine the skewness.
        highest = min(highest, -0.999 / values.min())

    def skewness_of_logarithm(skew: float) -> float:
        return _skewness(np.log1p(skew * values))

    if not lowest < highest or skewness_of_logarithm(lowest) <= 0:
        return sign * lowest
    if skewness_of_logarithm(highest) >= 0:
        return sign * highest
    return sign * float(optimize.brentq(skewness_of_logarithm, lowest, highest, xtol=1e-4))


def skew_regression(maps: Maps, conditions: Conditions) -> FloatArray:
    """Fit a skew parameter that is linear in the parameters of the maps.

    The model is::

        a = a_0 + Σ_j s_j θ_j

    by least squares to ``fit_skew`` of the maps around each of eight points.

    Parameters
    ----------
    maps : array of float, shape (n, N, N) or (n, N, N, 1)
        Training maps in network units.
    conditions : array of float, shape (n, n_conditions)
        Their standardized parameters θ.

    Returns
    -------
    float64 array, shape (1 + n_conditions,)
        a_0 and s.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> theta = rng.uniform(-1.5, 1.5, size=(400, 1))
    >>> skew = (0.4 + 0.1 * theta)[..., None]
    >>> maps = np.expm1(skew * rng.normal(scale=0.8, size=(400, 32, 32))) / skew
    >>> bool(np.abs(skew_regression(maps, theta) - [0.4, 0.1]).max() < 0.03)
    True
    """
    theta = np.asarray(conditions, dtype=np.float64)
    n_nearest = -(-len(theta) // _N_POINTS)
    means, skews = [], []
    for point in farthest_points(theta, _N_POINTS):
        distance = np.square(theta - point).sum(axis=1)
        nearest = np.argsort(distance, kind="stable")[:n_nearest]
        # Every second pixel is enough: neighboring pixels are strongly correlated.
        skews.append(fit_skew(maps[np.sort(nearest)][:, ::2, ::2]))
        means.append(theta[nearest].mean(axis=0))
    design = np.column_stack([np.ones(len(means)), np.array(means)])
    return np.linalg.lstsq(design, np.array(skews), rcond=1e-6)[0]


def _skewness(values: FloatArray) -> float:
    """Skewness ⟨(x − μ)³⟩/σ³, or 0 for equal values."""
    centered = values - values.mean()
    square = centered * centered  # ten times as fast as NumPy's powers
    variance = square.mean()
    return (square * centered).mean() / variance**1.5 if variance > 0 else 0.0
