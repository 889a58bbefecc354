"""Correlations of rows with constant columns."""

import numpy as np

from cosmogan_k3.statistics.two_sample._rows import correlations


def test_a_constant_column_has_no_correlation_in_spite_of_rounding(rng):
    # The mean of 3 times 0.1 is not 0.1: rounding must not count as variation.
    rows = np.column_stack([rng.normal(size=(3, 2)), np.full(3, 0.1)])
    assert rows.mean(axis=0)[2] != 0.1
    found = correlations(rows)
    assert (found[2] == 0).all()
    assert (found[:, 2] == 0).all()
    np.testing.assert_allclose(found[:2, :2], np.corrcoef(rows[:, :2].T), rtol=1e-12)
