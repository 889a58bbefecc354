"""Shrinkage of measured differences and of ratios of power spectra."""

import numpy as np
import pytest

from cosmogan_k3.nn.shrinkage import shrink_to_significant
from cosmogan_k3.nn.spectral_ratio import power_ratio, shrink_towards


@pytest.mark.parametrize("sign", [1, -1])
def test_differences_below_two_standard_errors_become_zero(sign):
    assert shrink_to_significant(sign * 1.99, 1.0) == 0
    assert shrink_to_significant(sign * 4.0, 1.0) == sign * 3.0
    assert shrink_to_significant(sign * 4.0, 0.0) == sign * 4.0


def test_ratios_are_shrunk_to_the_reference():
    assert shrink_towards(np.array(2.0), np.array(2.2), 0.2) == 2.0
    assert shrink_towards(np.array(2.0), np.array(4.0), 0.25) == 3.5


def test_noisy_rings_take_the_ratio_of_their_group():
    modes = np.array([40.0, 60.0, 60.0, 60.0])  # groups of the first two and the last two
    target, found = np.array([1.2, 0.9, 2.0, 2.0]), np.ones(4)
    ratio = power_ratio(modes, target, found, np.full(4, 0.5))
    np.testing.assert_allclose(ratio, [1.02, 1.02, 2.0, 2.0])
    np.testing.assert_allclose(power_ratio(modes, target, found, np.zeros(4)), target)


def test_a_last_group_without_enough_modes_joins_the_one_before():
    ratio = power_ratio(
        np.array([100.0, 100.0, 50.0]), np.array([1.0, 1.3, 1.0]), np.ones(3), np.full(3, 1.0)
    )
    np.testing.assert_allclose(ratio, [1.0, 1.2, 1.2])


def test_blank_maps_give_finite_ratios():
    assert np.isfinite(power_ratio(np.full(3, 100.0), np.ones(3), np.zeros(3), np.ones(3))).all()
