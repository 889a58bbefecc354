"""Differences of means in units of the statistical error of a survey."""

import numpy as np

from cosmogan_k3._typing import IntArray, Rows


def shift_in_survey_errors(
    first: Rows | IntArray,
    second: Rows | IntArray,
    *,
    scatter: Rows | IntArray,
    survey_maps: float,
) -> float:
    """Compute the shift of the mean rows in units of a survey's standard error.

    A survey of the area A_S measures each feature with the error of the mean of N_S maps, where
    A_map is the area of a map::

        d² = ⟨(⟨x_f⟩₁ − ⟨x_f⟩₂)² / (σ_f²/N_S)⟩_f,    N_S = A_S/A_map

    σ_f is the scatter of feature f between maps. It holds the variance of the sky and, if the maps
    have noise, that of the noise. Two sets of n and m maps of one kind differ by √(N_S (1/n + 1/m))
    on average: the shift is known no better.

    Parameters
    ----------
    first, second : float64 or int64 array, shape (n, features) and (m, features)
        Rows of either set, one row a map.
    scatter : float64 or int64 array, shape (k, features)
        Rows of maps of the survey. Features that do not vary among them are left out.
    survey_maps : float
        N_S, positive.

    Returns
    -------
    float
        d, the root mean square over the features; 0 or larger.

    Raises
    ------
    ValueError
        ``survey_maps`` is not positive, or no feature varies.

    Examples
    --------
    >>> rows = np.array([[0.0], [2.0]])  # σ = 1
    >>> round(shift_in_survey_errors(rows, rows + 0.1, scatter=rows, survey_maps=400.0), 12)
    2.0

    References
    ----------
    The error of a mean over independent fields scales with the area as A^(−1/2): Schneider et al.
    2002 (astro-ph/0206182).
    """
    if not survey_maps > 0:
        raise ValueError(f"survey_maps must be positive. Received: {survey_maps}")
    deviation = scatter.std(axis=0)
    # A feature with a NaN, such as the skewness of a constant map, compares as not larger.
    varies = deviation > 1e-9 * np.abs(scatter).max(axis=0)
    if not varies.any():
        raise ValueError("At least one feature must vary")
    shift = (first.mean(axis=0) - second.mean(axis=0))[varies] / deviation[varies]
    return float(np.sqrt(survey_maps * np.square(shift).mean()))
