"""Estimates of the skew parameter of lognormal samples."""

import numpy as np
import pytest

from cosmogan_k3.nn.farthest_points import farthest_points
from cosmogan_k3.nn.lognormal_skew import fit_skew, skew_from_moments, skew_regression


@pytest.mark.parametrize("skew", [-0.5, 0.2, 0.6])
def test_the_fit_recovers_the_skew_parameter_of_either_sign(rng, skew):
    values = np.expm1(skew * rng.normal(size=200_000)) / skew
    # The error of a skewness of 2e5 Gaussian samples is 0.0055, a third of it in the parameter.
    assert fit_skew(values) == pytest.approx(skew, abs=0.01)


def test_the_fit_is_limited(rng):
    assert fit_skew(np.exp(2 * rng.normal(size=10_000))) == 0.9
    assert abs(fit_skew(np.zeros(10))) == 1e-3
    values = np.append(np.expm1(0.5 * rng.normal(size=10_000)) / 0.5, -4.0)
    assert fit_skew(values) <= 0.25  # the faintest pixel is the bound


def test_the_skewness_is_that_of_the_cubic():
    values = np.array([0.0] * 9 + [1.0])
    a = skew_from_moments(values)
    centered = values - values.mean()
    assert a**3 + 3 * a == pytest.approx((centered**3).mean() / values.std() ** 3)


def test_the_regression_uses_the_maps_near_each_point(rng):
    theta = np.repeat([[-1.0], [1.0]], 100, axis=0)
    skew = np.where(theta < 0, 0.2, 0.6)[..., None]
    maps = np.expm1(skew * rng.normal(size=(200, 16, 16))) / skew
    np.testing.assert_allclose(skew_regression(maps, theta), [0.4, 0.2], atol=0.05)


def test_farthest_points_start_at_the_smallest_and_are_distinct():
    points = np.array([[2.0], [0.0], [0.0], [10.0], [6.0]])
    assert farthest_points(points, 3).tolist() == [[0.0], [10.0], [6.0]]
    assert len(farthest_points(points, 9)) == 4
