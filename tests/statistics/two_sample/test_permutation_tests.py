"""Permutation tests against closed forms, NumPy and SciPy."""

import numpy as np
import pytest
from scipy import stats

from cosmogan_k3.statistics.two_sample.permutation_tests import (
    CorrelationTest,
    MaximumDifferenceTest,
    MeanTest,
    ScatterTest,
)


def assignments(rng, n, first, count=10):
    """Random memberships with ``first`` rows in the first set."""
    return np.stack([rng.permutation(np.arange(n) < first) for _ in range(count)])


def test_the_scatter_test_takes_scipys_wasserstein_distance(rng):
    # A feature of few values is constant in one of the sets, as counts of rare peaks are.
    rows = np.concatenate([rng.normal(size=(20, 4)), np.arange(20)[:, None] > 18], axis=1)
    first, second = np.arange(7), np.arange(7, 18)
    unit = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    expected = np.mean(
        [
            stats.wasserstein_distance(a, b)
            for a, b in zip(unit[first].T, unit[second].T, strict=True)
        ]
    )
    assert ScatterTest(rows).distance(first, second) == pytest.approx(expected, rel=1e-12)


def test_the_mean_test_is_hotellings_statistic(rng):
    rows = rng.normal(size=(60, 3)) @ rng.normal(size=(3, 3)) + 5
    memberships = assignments(rng, 60, 25)
    precision = np.linalg.inv(np.cov(rows.T, bias=True))
    shifts = np.stack([rows[m].mean(axis=0) - rows.mean(axis=0) for m in memberships])
    expected = 25**2 * np.einsum("ia,ab,ib->i", shifts, precision, shifts)
    np.testing.assert_allclose(MeanTest(rows).statistic(memberships), expected, rtol=1e-9)


def test_the_mean_test_keeps_one_direction_for_ten_rows(rng):
    rows = rng.normal(size=(29, 6)) @ rng.normal(size=(6, 6))
    memberships = assignments(rng, 29, 12)
    unit = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    left, _, _ = np.linalg.svd(unit, full_matrices=False)
    white = left[:, :2] * np.sqrt(29)  # two leading directions, at unit variance
    expected = [(white[m].sum(axis=0) ** 2).sum() for m in memberships]
    np.testing.assert_allclose(MeanTest(rows).statistic(memberships), expected, rtol=1e-9)


def test_the_distance_of_means_is_in_standard_deviations(rng):
    rows = np.concatenate([rng.normal(size=(9, 3)), np.ones((9, 1))], axis=1)
    shift = (rows[:4].mean(axis=0) - rows[4:].mean(axis=0))[:3] / rows.std(axis=0)[:3]
    found = MeanTest(rows).distance(np.arange(4), np.arange(4, 9))
    assert found == pytest.approx(np.sqrt(np.mean(shift**2)), rel=1e-12)


@pytest.mark.parametrize("test_class", [MaximumDifferenceTest, CorrelationTest, ScatterTest])
def test_the_statistic_is_the_distance_of_each_assignment(rng, test_class):
    test = test_class(rng.uniform(size=(20, 4)))
    memberships = assignments(rng, 20, 7)
    expected = [test.distance(np.flatnonzero(m), np.flatnonzero(~m)) for m in memberships]
    np.testing.assert_allclose(test.statistic(memberships), expected, rtol=1e-12)


def test_the_largest_difference_is_that_of_the_mean_rows(rng):
    rows = rng.uniform(size=(9, 5))
    expected = np.abs(rows[:4].mean(axis=0) - rows[4:].mean(axis=0)).max()
    found = MaximumDifferenceTest(rows).distance(np.arange(4), np.arange(4, 9))
    assert found == pytest.approx(expected, rel=1e-12)


def test_the_correlation_test_takes_numpys_coefficients(rng):
    rows = rng.normal(size=(20, 4)) @ rng.normal(size=(4, 4))
    difference = np.corrcoef(rows[:8].T) - np.corrcoef(rows[8:].T)
    off_diagonal = difference[~np.eye(4, dtype=bool)]
    found = CorrelationTest(rows).distance(np.arange(8), np.arange(8, 20))
    assert found == pytest.approx(np.sqrt(np.mean(off_diagonal**2)), rel=1e-12)


def test_features_with_nan_are_left_out(rng):
    rows = rng.normal(size=(20, 3))
    spoilt = np.column_stack([rows, np.where(np.arange(20) == 3, np.nan, 1.0)])
    halves = np.arange(8), np.arange(8, 20)
    assert MeanTest(spoilt).distance(*halves) == MeanTest(rows).distance(*halves)
    with pytest.raises(ValueError, match=r"must vary and be defined .* Received: none of 2"):
        MeanTest(np.ones((20, 2)))
