"""Permutation tests against closed forms, NumPy and SciPy."""

import numpy as np
import pytest
from scipy import stats

from cosmogan_k3.statistics.two_sample.permutation_tests import ScatterTest


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
