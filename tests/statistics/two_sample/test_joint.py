"""The joint rows of all statistics and the sliced test on them."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import gamma
from scipy.stats import wasserstein_distance

from cosmogan_k3.statistics import Features, SummaryStatistics, compare_features, joint_rows
from cosmogan_k3.statistics.two_sample.permutation_tests import MeanTest, SlicedTest


def features(rows, name="peaks"):
    return Features(name, name, "", np.zeros(rows.shape[1]), rows)


def test_the_distance_of_shifted_normal_rows_is_that_of_theory(rng):
    """Along u the rows are shifted by δ u₁, and E|u₁| = Γ(d/2)/(√π Γ((d + 1)/2))."""
    d, shift, n = 3, 0.4, 20_000
    rows = rng.normal(size=(2 * n, d))
    rows[n:, 0] += shift
    expected = shift * gamma(d / 2) / (np.sqrt(np.pi) * gamma((d + 1) / 2))
    found = SlicedTest(rows).distance(np.arange(n), np.arange(n, 2 * n))
    # 64 directions know E|u₁| to 7 %; the pooled deviation is up to 2 % more than 1.
    assert found == pytest.approx(expected, rel=0.15)


def test_in_one_dimension_it_is_the_wasserstein_distance(rng):
    rows = rng.exponential(size=(70, 1))
    direct = wasserstein_distance(rows[:30, 0], rows[30:, 0]) / rows.std()
    found = SlicedTest(rows).distance(np.arange(30), np.arange(30, 70))
    assert found == pytest.approx(direct, rel=1e-12)


def test_a_correlation_that_no_mean_and_no_scatter_shows_is_seen(rng):
    n = 300
    covariances = ([[1, 0.7], [0.7, 1]], [[1, -0.7], [-0.7, 1]])
    rows = np.concatenate([rng.multivariate_normal([0, 0], c, size=n) for c in covariances])
    memberships = np.stack([rng.permutation(np.arange(2 * n) < n) for _ in range(100)])
    memberships[0] = np.arange(2 * n) < n
    joint, mean = (t(rows).statistic(memberships) for t in (SlicedTest, MeanTest))
    assert joint[0] > 2 * joint[1:].max()
    assert (mean >= mean[0]).mean() > 0.05


def test_each_statistic_has_the_same_weight(rng):
    """A statistic of a hundred equal features counts as one of a single feature."""
    one, other = rng.normal(size=(2, 40, 1))
    single = joint_rows([features(one), features(other)], [features(one), features(other)])
    repeated = [features(np.repeat(one, 100, axis=1)), features(other)]
    np.testing.assert_allclose(np.abs(joint_rows(repeated, repeated)), np.abs(single), atol=1e-9)


def test_a_statistic_that_does_not_vary_is_left_out(rng):
    rows = rng.normal(size=(20, 2))
    constant = features(np.ones((20, 3)), "minima")
    found = joint_rows([features(rows), constant], [features(rows), constant])
    np.testing.assert_allclose(found, joint_rows([features(rows)], [features(rows)]))
    with pytest.raises(ValueError, match="must vary"):
        joint_rows([constant], [constant])


def test_the_comparison_has_it_beside_its_statistics(rng):
    maps = rng.normal(size=(3, 40, 32, 32)).astype("float32")
    summary = SummaryStatistics(maps[0], pixel_arcmin=2.0)
    real, same, other = (summary.measure(m) for m in (maps[0], maps[1], maps[2] ** 2 - 1))
    agreeing, differing = (compare_features(real, x, permutations=99) for x in (same, other))
    assert [r.name for r in agreeing.overall] == ["joint"]
    assert agreeing["joint"].agrees
    assert differing["joint"].pvalue == differing["joint"].corrected_pvalue == 0.01
    assert agreeing["joint"].in_nulls < 1.5 < differing["joint"].in_nulls
    assert agreeing.table()[-1]["statistic"] == "joint"
    # The sixteen do not depend on it.
    assert len(agreeing.results) == 16
    assert agreeing.agrees == all(r.agrees for r in agreeing.results)
    without = replace(agreeing, overall=())
    assert without.agrees == agreeing.agrees
