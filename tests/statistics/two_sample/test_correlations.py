"""Correlations of features against NumPy and known normal distributions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosmogan_k3.statistics import compare_correlations, correlation_matrix, covariance

KNOWN = np.array([[1.0, 0.8, -0.3], [0.8, 1.0, 0.0], [-0.3, 0.0, 1.0]])


def draw(rng, n, matrix=KNOWN):
    return rng.multivariate_normal([5, -2, 0], matrix, size=n) * [1e-9, 1.0, 300.0]


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(2, 40), features=st.integers(2, 6))
def test_both_matrices_are_numpys(seed, n, features):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, features)) @ rng.normal(size=(features, features)) + 3
    np.testing.assert_allclose(covariance(rows), np.cov(rows.T), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(correlation_matrix(rows), np.corrcoef(rows.T), atol=1e-12)
    np.testing.assert_allclose(
        correlation_matrix(rows * 7 - 1e3), correlation_matrix(rows), atol=1e-9
    )


def test_known_correlations_are_recovered(rng):
    # r has an error of (1 − r²)/√n: 0.01 here at most.
    np.testing.assert_allclose(correlation_matrix(draw(rng, 10_000)), KNOWN, atol=0.04)


def test_a_set_compared_with_itself(rng):
    rows = draw(rng, 300)
    result = compare_correlations(rows, rows, bootstraps=20)
    assert (result.distance, result.largest, result.ratio) == (0, 0, 1)
    assert (result.difference == 0).all()


def test_known_distances(rng):
    # Halved correlations: distance (½ ‖r‖)/‖r‖, largest difference 0.8/2 between the first two
    # features, every ratio ½. The errors of r are 0.007.
    halved = (KNOWN + np.eye(3)) / 2
    result = compare_correlations(draw(rng, 20_000), draw(rng, 20_000, halved), bootstraps=50)
    assert result.distance == pytest.approx(0.5, abs=0.03)
    assert result.largest == pytest.approx(0.4, abs=0.03)
    assert result.where == (0, 1)
    assert result.ratio == pytest.approx(0.5, abs=0.05)
    assert result.distance > 10 * result.distance_null[2]
    assert result.largest > 10 * result.largest_null[2]
    assert result.ratio < result.ratio_null[0] < 1 < result.ratio_null[2]
    np.testing.assert_allclose(result.difference, result.generated - result.real)


def test_the_null_is_what_two_real_sets_give(rng):
    # Sets of 200 and of 100 maps, 80 times: 95 % (76 ± 2) should lie in the bands, slightly fewer
    # with 60 bootstrap samples.
    results = [
        compare_correlations(draw(rng, 200), draw(rng, 100), bootstraps=60, seed=i)
        for i in range(80)
    ]
    for name in ("distance", "largest", "ratio"):
        values = np.array([getattr(r, name) for r in results])
        low, middle, high = np.array([getattr(r, f"{name}_null") for r in results]).T
        assert ((values > low) & (values < high)).mean() > 0.85
        assert np.median(middle) == pytest.approx(np.median(values), rel=0.2)


def test_the_seed_fixes_the_null(rng):
    a, b = draw(rng, 50), draw(rng, 40)
    first, again, other = (compare_correlations(a, b, bootstraps=9, seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(first.distance_null, again.distance_null)
    assert (first.distance_null != other.distance_null).any()
    assert first.distance == other.distance


def test_a_feature_that_rarely_varies_survives_the_bootstrap(rng):
    rows = draw(rng, 30)
    rows[1:, 2] = 0
    assert np.isfinite(compare_correlations(rows, rows, bootstraps=50).distance_null).all()


def test_errors_name_the_cause(rng):
    rows = draw(rng, 10)
    flat = np.column_stack([rows, np.full(10, 0.1)])
    for call in (correlation_matrix, lambda r: compare_correlations(r, r)):
        with pytest.raises(ValueError, match=r"constant feature .* \[3\]"):
            call(flat)
    assert covariance(flat)[3, 3] == pytest.approx(0, abs=1e-30)
    for wrong in (rows[:1], rows[0], np.zeros((4, 0))):
        with pytest.raises(ValueError, match="n at least 2"):
            covariance(wrong)
    with pytest.raises(ValueError, match="row 4"):
        correlation_matrix(np.where(np.arange(10)[:, None] == 4, np.nan, rows))
    for real, generated, bootstraps in (
        (rows, rows[:, :2], 9),
        (rows[:, :1], rows[:, :1], 9),
        (rows, rows, 0),
    ):
        with pytest.raises(ValueError, match="two or more features"):
            compare_correlations(real, generated, bootstraps=bootstraps)
    cross = np.array([[1.0, 1], [1, -1], [-1, 1], [-1, -1]])
    with pytest.raises(ValueError, match="without any correlation"):
        compare_correlations(cross, rows[:, :2])
