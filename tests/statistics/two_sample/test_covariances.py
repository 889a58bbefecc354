"""Errors of covariances and sizes of Fisher contours, against closed forms."""

import numpy as np
import pytest

from cosmogan_k3.statistics import (
    Features,
    contour_ratio,
    covariance_errors,
    covariance_rows,
)


def exact(covariance, n=60, seed=0):
    """Return rows whose sample covariance is exactly the given one."""
    rows = np.random.default_rng(seed).normal(size=(n, len(covariance)))
    rows -= rows.mean(axis=0)
    white = np.linalg.solve(np.linalg.cholesky(np.cov(rows, rowvar=False)), rows.T).T
    return white @ np.linalg.cholesky(np.asarray(covariance, float)).T


def test_errors_are_those_of_the_matrices():
    real = exact([[1, 0.5], [0.5, 4]])
    generated = exact([[1.2, 0.8], [0.8, 4.4]], seed=1)
    diagonal, off_diagonal = covariance_errors(real, generated)
    # In units of the real variances: 1.2 and 1.1 for 1, and 0.8/2 for 0.5/2.
    assert diagonal == pytest.approx(np.sqrt((0.2**2 + 0.1**2) / 2))
    assert off_diagonal == pytest.approx(0.6)
    # Units and means do not matter.
    scale, shift = np.array([1e-9, 1e6]), np.array([3e-9, 5e6])
    scaled = covariance_errors(real * scale + shift, generated * scale)
    assert scaled == pytest.approx((diagonal, off_diagonal))


def test_the_noise_of_the_diagonal_is_that_of_variances(rng):
    """Of n normal rows a variance is known to √(2/n): the ratio of two to √(4/n)."""
    mixing = np.array([[1.0, 0.3], [0, 1]])
    found = [covariance_errors(*(rng.normal(size=(2, 400, 2)) @ mixing))[0] for _ in range(200)]
    # Root of the mean square; the scatter of 200 of them is 4 %.
    assert np.sqrt(np.square(found).mean()) == pytest.approx(np.sqrt(4 / 400), rel=0.15)


def test_the_area_of_a_contour_of_two_parameters():
    """F = diag(1/σ²): the area is the product of the errors."""
    derivatives = np.array([[2.0, 0.0], [0.0, 5.0]])
    real, generated = exact(np.diag([4.0, 9.0])), exact(np.diag([4 * 1.21, 9 * 1.44]), seed=1)
    assert contour_ratio(real, generated, derivatives) == pytest.approx(1.1 * 1.2)


def test_one_parameter_and_the_factor_of_hartlap(rng):
    """The factor differs with the number of maps, and removes the bias of C⁻¹."""
    rows = rng.normal(size=(4000, 10))
    ratios = [contour_ratio(rows, rng.normal(size=(30, 10)), np.ones((1, 10))) for _ in range(300)]
    # 1/ratio² is unbiased, up to the noise of 1/F_real, 2 %; its own scatter is 45 % a draw.
    assert np.mean(np.power(ratios, -2.0)) == pytest.approx(1, abs=0.12)


def test_features_are_those_of_an_analysis(rng):
    def features(name, n, count):
        return Features(name, name, "", np.zeros(count), rng.lognormal(size=(n, count)))

    names = (("pixels", 32), ("power_spectrum", 3), ("starlet", 5), ("peaks", 4))
    sets = [[features(name, n, count) for name, count in names] for n in (20, 30)]
    sets[1][3].rows[:, 1] = 7  # an empty bin of peaks
    first, second = covariance_rows(*sets)
    assert (first.shape, second.shape) == ((20, 2 + 3 + 3), (30, 8))
    np.testing.assert_allclose(first[:, 2:5], np.log(sets[0][1].rows))


def test_what_cannot_be_computed_is_refused(rng):
    rows = rng.normal(size=(12, 4))
    with pytest.raises(ValueError, match="the same features"):
        covariance_errors(rows, rows[:, :3])
    with pytest.raises(ValueError, match="three rows more"):
        contour_ratio(rows[:6], rows, np.eye(4)[:2])
    with pytest.raises(ValueError, match="tell the parameters apart"):
        contour_ratio(rows, rows, np.ones((2, 4)))
