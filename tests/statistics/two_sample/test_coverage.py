"""Density and coverage against their expectations and the toy cases of their authors."""

import numpy as np
import pytest

from cosmogan_k3.statistics import density_coverage


def expected_coverage(n, m, k=5):
    """Coverage of rows of one distribution: the k nearest of N − 1 + M are not all real."""
    i = np.arange(1, k + 1)
    return 1 - np.prod((n - i) / (n + m - i))


@pytest.mark.parametrize(("n", "m", "k"), [(200, 200, 5), (300, 100, 5), (100, 300, 2)])
def test_rows_of_one_distribution_have_the_expected_values(rng, n, m, k):
    found = [
        density_coverage(rng.normal(size=(n, 6)), rng.normal(size=(m, 6)), neighbours=k)
        for _ in range(60)
    ]
    density, coverage = np.mean(found, axis=0)
    errors = np.std(found, axis=0) / np.sqrt(60)
    assert density == pytest.approx(1, abs=4 * errors[0])
    assert coverage == pytest.approx(expected_coverage(n, m, k), abs=4 * errors[1])


def test_a_mode_that_is_missing_is_not_covered(rng):
    real = rng.normal(size=(400, 4))
    real[200:, 0] += 1000
    density, coverage = density_coverage(real, rng.normal(size=(400, 4)))
    # Of 200 real rows as if there were no others; the scatter is 0.03.
    assert density == pytest.approx(1, abs=0.15)
    assert coverage == pytest.approx(expected_coverage(200, 400) / 2, abs=0.02)


def test_an_outlier_among_real_rows_does_not_make_outliers_seem_real(rng):
    """As in the examples of Naeem et al.: one large ball counts little."""
    real = rng.normal(size=(500, 8))
    real[0] = 3
    density, _ = density_coverage(real, 3 + 0.3 * rng.normal(size=(500, 8)))
    assert density < 0.5


def test_both_fall_as_the_distributions_move_apart(rng):
    """An experiment of Naeem et al. in small: normal rows of 64 features, shifted."""
    real, generated = rng.normal(size=(2, 500, 64))
    found = np.array([density_coverage(real, generated + shift) for shift in (0, 0.2, 0.5, 1)])
    assert (np.diff(found, axis=0) < 0).all()
    assert (found[-1] < 0.01).all()


def test_neighbours_are_of_other_units(rng):
    """Patches that nearly repeat one another would have tiny balls."""
    units = np.repeat(np.arange(50), 4)
    real = rng.normal(size=(50, 5))[units] + 0.01 * rng.normal(size=(200, 5))
    generated = rng.normal(size=(50, 5))
    naive = density_coverage(real, generated, neighbours=3)
    by_unit = density_coverage(real, generated, neighbours=4, groups=units)
    assert naive[1] < 0.1
    # As one neighbour among units without patches: coverage 1 − 49/99.
    assert by_unit[1] == pytest.approx(expected_coverage(50, 50, 1), abs=0.2)


def test_sets_that_cannot_be_compared_are_refused(rng):
    rows = rng.normal(size=(9, 2))
    with pytest.raises(ValueError, match="features of the real"):
        density_coverage(rows, rows[:, :1])
    with pytest.raises(ValueError, match="5 rows of other units"):
        density_coverage(rows, rows, groups=[0, 0, 0, 0, 0, 1, 1, 1, 1])
