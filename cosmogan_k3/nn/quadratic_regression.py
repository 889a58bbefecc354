"""Regression of measurements on maps on the parameters of the maps, to second order."""

import numpy as np
from keras import ops

from cosmogan_k3._typing import Conditions, FloatArray, Tensor

_N_ITERATIONS = 30

# Step of the iteration. A full step may overshoot where few values make the slope steep.
_STEP = 0.7

# Values below this fraction of their mean are raised to it: the logarithm of zero is not finite.
_SMALLEST = 1e-6

# Ratios of a value to its prediction are limited to this one.
_LARGEST_RATIO = 10.0


def terms(n_conditions: int) -> int:
    """Count the columns of ``quadratic``.

    Parameters
    ----------
    n_conditions : int
        Number p of parameters.

    Returns
    -------
    int
        p + p (p + 1)/2.

    Examples
    --------
    >>> terms(2)
    5
    """
    return n_conditions + n_conditions * (n_conditions + 1) // 2


def quadratic(conditions: Tensor) -> Tensor:
    """Return the features φ: each parameter and each product of two.

    Parameters
    ----------
    conditions : Tensor or array of float, shape (n, p)
        Standardized parameters.

    Returns
    -------
    Tensor
        φ, shape ``(n, terms(p))``: the parameters, then θ_i θ_j for i ≤ j.

    Examples
    --------
    >>> ops.convert_to_numpy(quadratic(np.array([[2.0, 3.0]], "float32"))).tolist()
    [[2.0, 3.0, 4.0, 6.0, 9.0]]
    """
    count = conditions.shape[-1]
    columns = [conditions[:, i : i + 1] for i in range(count)]
    products = [columns[i] * columns[j] for i in range(count) for j in range(i, count)]
    return ops.concatenate([*columns, *products], axis=-1)


def log_regression(conditions: Conditions | FloatArray, values: FloatArray) -> FloatArray:
    """Fit values whose scatter is proportional to their mean by the exponential of a quadratic.

    The model, with φ of ``quadratic``, is::

        ⟨y⟩ = exp(c_0 + Σ_j c_j φ_j(θ))

    The fit is an iterated least-squares fit of (y − ⟨y⟩)/⟨y⟩. For power spectra, whose values are
    χ² distributed or sums of such values, it is the maximum-likelihood fit.

    Parameters
    ----------
    conditions : array of float, shape (n, p)
        Standardized parameters θ.
    values : array of float, shape (n, k)
        y, not negative.

    Returns
    -------
    float64 array, shape (1 + terms(p), k)
        Coefficients c.

    References
    ----------
    McCullagh & Nelder 1989, Generalized Linear Models, chapter 8: the gamma distribution with a
    logarithmic link.

    Examples
    --------
    >>> theta = np.linspace(-1, 1, 5000)[:, None]
    >>> noise = np.random.default_rng(0).chisquare(2, (5000, 1)) / 2
    >>> power = np.exp(1 + 0.5 * theta - 0.2 * theta**2) * noise
    >>> bool(np.abs(log_regression(theta, power).ravel() - [1, 0.5, -0.2]).max() < 0.1)
    True
    """
    design = _design(conditions)
    values = np.asarray(values, dtype=np.float64)
    smallest = np.maximum(_SMALLEST * values.mean(axis=0), np.finfo(np.float64).tiny)
    values = np.maximum(values, smallest)
    solve = np.linalg.pinv(design)
    coefficients: FloatArray = np.matmul(solve, np.log(values))
    coefficients[0] += np.log((values / np.exp(design @ coefficients)).mean(axis=0))
    for _ in range(_N_ITERATIONS):
        ratio = np.minimum(values / np.exp(design @ coefficients), _LARGEST_RATIO)
        coefficients += _STEP * (solve @ (ratio - 1))
    return coefficients


def linear_regression(conditions: Conditions | FloatArray, values: FloatArray) -> FloatArray:
    """Fit values of any sign by a quadratic function, by least squares.

    The model, with φ of ``quadratic``, is::

        y = c_0 + Σ_j c_j φ_j(θ)

    Parameters
    ----------
    conditions : array of float, shape (n, p)
        Standardized parameters θ.
    values : array of float, shape (n, k)
        y.

    Returns
    -------
    float64 array, shape (1 + terms(p), k)
        Coefficients c.

    Examples
    --------
    >>> theta = np.linspace(-1, 1, 5)[:, None]
    >>> linear_regression(theta, 1 + 2 * theta).round(6).ravel().tolist()
    [1.0, 2.0, 0.0]
    """
    return np.linalg.pinv(_design(conditions)) @ values


def predict(coefficients: FloatArray, conditions: Conditions | FloatArray) -> FloatArray:
    """Evaluate a quadratic function of the parameters.

    The result is::

        c_0 + Σ_j c_j φ_j(θ)

    Parameters
    ----------
    coefficients : float64 array, shape (1 + terms(p), k)
        c, as ``linear_regression`` returns them. Those of ``log_regression`` give the logarithm.
    conditions : array of float, shape (n, p)
        Standardized parameters θ.

    Returns
    -------
    float64 array, shape (n, k)
        The values.

    Examples
    --------
    >>> predict(np.array([[1.0], [2.0], [0.5]]), np.array([[2.0]])).tolist()
    [[7.0]]
    """
    return _design(conditions) @ coefficients


def _design(conditions: Conditions | FloatArray) -> FloatArray:
    features = ops.convert_to_numpy(quadratic(np.asarray(conditions, dtype=np.float64)))
    return np.concatenate([np.ones((len(features), 1)), features], axis=1)
