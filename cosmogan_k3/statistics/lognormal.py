"""Correlations and moments of shifted-lognormal fields."""

import numpy as np

from cosmogan_k3._typing import FloatArray


def gaussian_correlation(relative: FloatArray, minimum: float | None = None) -> FloatArray:
    """Correlation function of the Gaussian field behind a shifted-lognormal field.

    For a field κ = λ (exp(g − s²/2) − 1) with minimum −λ and mean zero::

        ξ_κ = λ² (exp(ξ_g) − 1),    ξ_g = ln(1 + ξ_κ/λ²)

    A field of mean m has the distance λ + m between its mean and its minimum in place of λ. A field
    written as y = (exp(a x) − 1)/a has λ = 1/a and g = a x: its ratio is a² ξ_y / (1 + a m)², and
    its Gaussian x has the correlation function ξ_g/a².

    Parameters
    ----------
    relative : float64 array, any shape
        Correlation function of the lognormal field over the square of the distance between mean and
        minimum: ξ_κ/λ², dimensionless.
    minimum : float, optional
        Positive lower bound of 1 + ξ_κ/λ²; smaller values are raised to it. No lognormal field has
        ξ_κ ≤ −λ², but noisy estimates have. By default nothing is raised.

    Returns
    -------
    float64 array
        ξ_g, of the shape of ``relative``.

    Examples
    --------
    >>> gaussian_correlation(np.expm1([0.0, 0.5])).tolist()
    [0.0, 0.5]
    >>> gaussian_correlation(np.array([-2.0]), minimum=1.0).tolist()
    [0.0]

    References
    ----------
    Coles & Jones 1991; Xavier, Abdalla & Joachimi 2016 (arXiv 1602.08503).
    """
    if minimum is None:
        return np.log1p(relative)
    return np.log(np.maximum(1 + relative, minimum))


def lognormal_moments(variance: float, shift: float) -> tuple[float, float, float]:
    """Mean, variance and skewness of a shifted-lognormal variable of mean zero.

    With s² = ln(1 + σ²/λ²)::

        skewness = (exp(s²) + 2) √(exp(s²) − 1)

    Parameters
    ----------
    variance : float
        σ² of κ, dimensionless.
    shift : float
        λ: κ never falls below −λ.

    Returns
    -------
    mean : float
        0.
    variance : float
        σ².
    skewness : float
        Third central moment over σ³.

    Examples
    --------
    >>> mean, variance, skewness = lognormal_moments(1.0, 1.0)
    >>> float(skewness)
    4.0

    References
    ----------
    Coles & Jones 1991.
    """
    ratio = variance / shift**2
    return 0.0, variance, (ratio + 3) * np.sqrt(ratio)
