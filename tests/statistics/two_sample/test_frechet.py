"""The Fréchet distance against closed forms and the general matrix root of SciPy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import sqrtm

from cosmogan_k3.statistics import frechet_distance


def rows_with(rng, n, mean, covariance):
    """Rows with this sample mean and covariance, up to rounding."""
    rows = rng.normal(size=(n, len(mean)))
    rows -= rows.mean(axis=0)
    white = rows @ np.linalg.inv(np.linalg.cholesky(np.cov(rows, rowvar=False))).T
    return white @ np.linalg.cholesky(covariance).T + mean


def bessel(n):
    """Factor between the variance with 1/(n − 1), of covariances, and that with 1/n, of units."""
    return n / (n - 1)


def test_diagonal_covariances_have_a_closed_form(rng):
    # d² = Σ (Δμ/σ₁)² + (1 − σ₂/σ₁)²; tolerance: rounding of the roots.
    first, second = np.array([1.0, 4.0, 0.25]), np.array([2.0, 1.0, 0.25])
    shift = np.array([0.5, -1.0, 0.0])
    real = rows_with(rng, 50, np.zeros(3), np.diag(first))
    generated = rows_with(rng, 70, shift, np.diag(second))
    expected = bessel(50) * (np.sum(shift**2 / first) + np.sum((1 - np.sqrt(second / first)) ** 2))
    assert frechet_distance(real, generated) == pytest.approx(expected, rel=1e-9)


def test_equal_covariances_leave_the_shift_of_the_means(rng):
    factor = rng.normal(size=(6, 6))
    real = factor @ rng.normal(size=(6, 40))
    shift = rng.normal(size=6)
    expected = np.sum((shift / real.T.std(axis=0)) ** 2)
    # Roots of rounded zeros in the trace: 1e-7.
    assert frechet_distance(real.T, real.T + shift) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("features", [1, 2, 5, 20])
def test_against_the_matrix_root_of_scipy(rng, features):
    real = rng.normal(size=(200, features)) @ rng.normal(size=(features, features)) + 3
    generated = rng.normal(size=(150, features)) @ rng.normal(size=(features, features)) - 2
    a, b = (rows - real.mean(axis=0) for rows in (real, generated))
    a, b = a / real.std(axis=0), b / real.std(axis=0)
    first, second = (np.atleast_2d(np.cov(rows, rowvar=False)) for rows in (a, b))
    trace = np.trace(first + second - 2 * sqrtm(first @ second).real)
    expected = np.sum((a.mean(axis=0) - b.mean(axis=0)) ** 2) + trace
    assert frechet_distance(real, generated) == pytest.approx(expected, rel=1e-8)


def test_more_features_than_rows_are_no_obstacle(rng):
    # C₁^½ C₂ C₁^½ is singular. Equal sets have d² = 0 up to roots of rounded zeros, √1e-16 each.
    rows = rng.normal(size=(10, 30))
    assert frechet_distance(rows, rows) < 1e-5
    assert frechet_distance(rows, 2 * rows) > 1


def test_the_bias_is_the_documented_one(rng):
    # 200 draws of d² with a relative scatter below 0.5 have a mean with an error of 4 %. The next
    # order in f/n adds as much.
    features, n, m = 5, 200, 300
    values = [
        frechet_distance(*(rng.normal(size=(k, features)) for k in (n, m))) for _ in range(200)
    ]
    expected = (1 / n + 1 / m) * (features + features * (features + 1) / 4)
    assert np.mean(values) == pytest.approx(expected, rel=0.12)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_units_and_order_of_features_do_not_matter(seed):
    rng = np.random.default_rng(seed)
    real, generated = rng.normal(size=(2, 30, 4))
    scale, shift, order = rng.uniform(0.01, 100, size=4), rng.normal(size=4), rng.permutation(4)
    moved = frechet_distance(
        (real * scale + shift)[:, order], (generated * scale + shift)[:, order]
    )
    assert moved == pytest.approx(frechet_distance(real, generated), rel=1e-6, abs=1e-9)


def test_errors_name_the_cause(rng):
    rows = rng.normal(size=(5, 2))
    with pytest.raises(ValueError, match="at least two generated"):
        frechet_distance(rows, rows[:1])
    with pytest.raises(ValueError, match="as many features"):
        frechet_distance(rows, rows[:, :1])
    with pytest.raises(ValueError, match=r"constant \[1\]"):
        frechet_distance(rows * [1, 0], rows)
    with pytest.raises(ValueError, match="finite"):
        frechet_distance(rows, rows * np.nan)
    with pytest.raises(ValueError, match="two real rows"):
        frechet_distance(rows[:1], rows)
