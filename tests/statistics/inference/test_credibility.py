"""Coverage of posteriors that are right, too narrow and too wide."""

import numpy as np
import pytest

from cosmogan_k3.statistics import coverage_error, tarp_credibility

N = 2_000


def credibility(claimed):
    """Of Gaussian posteriors of a claimed width for estimates with a scatter of 0.1."""
    rng = np.random.default_rng(0)
    points = np.linspace(-3, 3, 2_001)[:, None]
    truth = rng.uniform(-3, 3, size=(N, 1))
    estimates = truth + 0.1 * rng.normal(size=(N, 1))
    weights = np.exp(-np.square((points.T - estimates) / claimed) / 2)
    return tarp_credibility(points, weights / weights.sum(axis=1, keepdims=True), truth)


def test_right_posteriors_cover_the_truth_within_the_binomial_error():
    found = credibility(0.1)
    assert coverage_error(found) < 1.63 / np.sqrt(N)  # p = 0.01 of the largest difference
    inside = np.mean(found < 0.5)
    assert abs(inside - 0.5) < 4 * np.sqrt(0.25 / N)


@pytest.mark.parametrize("claimed", [0.05, 0.2])
def test_wrong_widths_are_seen(claimed):
    # A claimed width that is wrong by two moves the coverage by some 15 %.
    assert 0.05 < coverage_error(credibility(claimed)) < 0.3
