"""Variances of swapped pairs do not know which set a member is in."""

import numpy as np
import pytest

from benchmarks.calibration import groups, joint_pvalues
from cosmogan_k3.statistics.two_sample._rows import without_pair_means
from cosmogan_k3.statistics.two_sample.permutation_tests import MeanTest, SlicedTest


def test_a_pair_that_is_reflected_about_its_mean_keeps_its_covariance(rng):
    """Rows of the first member with those of the second: the sign of a difference is lost."""
    rows, pairs = rng.normal(size=(24, 3)), np.tile(groups(4, 3), 2)
    centred = without_pair_means(rows, pairs)
    for pair in range(4):
        np.testing.assert_allclose(centred[pairs == pair].mean(axis=0), 0, atol=1e-12)
    reflected = np.where((pairs == 2)[:, None], rows - 2 * centred, rows)
    np.testing.assert_allclose(
        np.cov(without_pair_means(reflected, pairs).T), np.cov(centred.T), rtol=1e-12
    )
    assert without_pair_means(rows, None) is rows


def test_statistics_of_pairs_do_not_depend_on_shifts_of_pairs_in_their_scale(rng):
    """T² in the directions of the rows about pairs: one direction, where it is (Σd)²/σ²."""
    pairs = np.tile(groups(5, 4), 2)
    rows = rng.normal(size=(40, 1)) + rng.normal(size=5)[pairs, None]
    memberships = np.arange(40)[None] < 20
    standard = (rows - rows.mean()) / rows.std()
    variance = (without_pair_means(standard, pairs) ** 2).mean()
    expected = standard[:20].sum() ** 2 / variance
    np.testing.assert_allclose(MeanTest(rows, pairs).statistic(memberships), expected)
    # The sliced distance has a scale of its own: in one direction nothing changes.
    for statistic in (SlicedTest(rows, pairs), SlicedTest(rows)):
        found = statistic.distance(np.arange(20), np.arange(20, 40))
        np.testing.assert_allclose(
            found, SlicedTest(standard).distance(*np.split(np.arange(40), 2))
        )


@pytest.mark.slow
def test_boxes_against_single_maps_raise_no_false_alarms():
    """5 % of 40 are 2; 8 or more have a probability of 0.1 %. The benchmark has many more."""
    assert (joint_pvalues(8, comparisons=40) <= 0.05).sum() < 8
