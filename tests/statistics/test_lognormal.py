"""The lognormal transform against drawn variables and its inverse."""

import numpy as np
import pytest

from cosmogan_k3.statistics.lognormal import gaussian_correlation, lognormal_moments


def test_the_correlation_of_a_gaussian_pair_is_found(rng):
    # κ = λ (exp(g − s²/2) − 1): 4·10⁶ pairs know the covariance of κ to 0.2 %.
    shift, covariance = 0.7, np.array([[0.16, 0.1], [0.1, 0.16]])
    g = rng.multivariate_normal([0.0, 0.0], covariance, size=4_000_000)
    kappa = shift * np.expm1(g - covariance[0, 0] / 2)
    found = gaussian_correlation(np.cov(kappa.T) / shift**2)
    np.testing.assert_allclose(found, covariance, rtol=0.01)


@pytest.mark.parametrize("minimum", [None, 1e-2])
def test_the_transform_is_the_inverse_of_its_definition(minimum):
    gaussian = np.linspace(-4, 2, 25).reshape(5, 5)
    found = gaussian_correlation(np.expm1(gaussian), minimum)
    np.testing.assert_allclose(found, gaussian, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("relative", [-0.995, -1.0, -7.0])
def test_impossible_correlations_are_raised_to_the_minimum(relative):
    found = gaussian_correlation(np.array([relative, 0.0]), minimum=0.01)
    np.testing.assert_allclose(found, [np.log(0.01), 0.0], rtol=1e-12)


@pytest.mark.parametrize("s", [0.1, 0.3, 0.6])
@pytest.mark.parametrize("shift", [0.03, 1.5])
def test_moments_have_the_closed_form_of_the_lognormal_distribution(s, shift):
    w = np.exp(s**2)
    mean, variance, skewness = lognormal_moments(shift**2 * (w - 1), shift)
    assert mean == 0
    assert variance == pytest.approx(shift**2 * (w - 1))
    assert skewness == pytest.approx((w + 2) * np.sqrt(w - 1), rel=1e-12)
