"""How what is measured on maps follows the parameters of their cosmology."""

import numpy as np
from keras import ops

_ROUNDS = 30
_LEAST = 1e-6
"""Values below this share of their mean count as so much: there is no logarithm of zero."""


def terms(parameters):
    """Number of columns of ``quadratic``."""
    return parameters + parameters * (parameters + 1) // 2


def quadratic(theta):
    """Each parameter, and each product of two: what trends are linear in.

    Args:
        theta: float array or tensor ``(n, p)``, standardised.

    Returns:
        tensor ``(n, p + p (p + 1)/2)``.

    Example:
        >>> import numpy as np
        >>> ops.convert_to_numpy(quadratic(np.array([[2.0, 3.0]], "float32"))).tolist()
        [[2.0, 3.0, 4.0, 6.0, 9.0]]
    """
    count = theta.shape[-1]
    columns = [theta[:, i : i + 1] for i in range(count)]
    products = [columns[i] * columns[j] for i in range(count) for j in range(i, count)]
    return ops.concatenate([*columns, *products], axis=-1)


def log_regression(theta, values):
    """c of ⟨y⟩ = exp(c_0 + Σ_j c_j φ_j(θ)), φ as of ``quadratic``, for values that scatter in proportion to their mean.

    By iterated least squares of (y − ⟨y⟩)/⟨y⟩, which for powers (χ² distributed, or sums of such) is the likeliest.

    Args:
        theta: float ``(n, p)``.
        values: float ``(n, k)``, not negative.

    Returns:
        float64 ``(1 + terms(p), k)``.

    Example:
        >>> import numpy as np
        >>> theta = np.linspace(-1, 1, 5000)[:, None]
        >>> power = np.exp(1 + 0.5 * theta - 0.2 * theta**2) * np.random.default_rng(0).chisquare(2, (5000, 1)) / 2
        >>> bool(np.abs(log_regression(theta, power).ravel() - [1, 0.5, -0.2]).max() < 0.1)
        True

    Source: McCullagh & Nelder 1989, Generalized Linear Models, chapter 8: the gamma distribution with a log link.
    """
    design = _design(theta)
    values = np.asarray(values, dtype=np.float64)
    values = np.maximum(values, np.maximum(_LEAST * values.mean(axis=0), np.finfo(np.float64).tiny))
    solve = np.linalg.pinv(design)
    coefficients = solve @ np.log(values)
    coefficients[0] += np.log((values / np.exp(design @ coefficients)).mean(axis=0))
    for _ in range(_ROUNDS):
        # Where few values make a trend steep, a whole step may overshoot.
        ratio = np.minimum(values / np.exp(design @ coefficients), 10.0)
        coefficients += 0.7 * (solve @ (ratio - 1))
    return coefficients


def linear_regression(theta, values):
    """c of y ≈ c_0 + Σ_j c_j φ_j(θ), by least squares; arguments and result as of ``log_regression``, of any sign."""
    return np.linalg.pinv(_design(theta)) @ values


def follow(trend, theta):
    """c_0 + Σ_j c_j φ_j(θ) of a trend ``(1 + terms(p), k)`` at ``(n, p)``: float64 ``(n, k)``."""
    return _design(theta) @ trend


def _design(theta):
    features = ops.convert_to_numpy(quadratic(np.asarray(theta, dtype=np.float64)))
    return np.concatenate([np.ones((len(features), 1)), features], axis=1)
