"""Designs of cosmologies in a box."""

import numpy as np
import pytest

from cosmogan_k3.errors import InputError
from cosmogan_k3.simulation.design import design, parse_ranges


@pytest.mark.parametrize("count", [1, 5, 32])
def test_a_design_fills_its_box(count):
    points = design({"omega_m": (0.2, 0.4), "sigma_8": (0.6, 1.0)}, count, seed=1)
    assert points.shape == (count, 2)
    assert ((points > [0.2, 0.6]) & (points < [0.4, 1.0])).all()
    if count == 32:  # a Sobol sequence has one point in each of 32 slices, along either axis
        slices = np.sort((32 * (points - [0.2, 0.6]) / [0.2, 0.4]).astype(int), axis=0)
        np.testing.assert_array_equal(slices, np.arange(32)[:, None].repeat(2, axis=1))


def test_an_invalid_range_is_an_error_of_vary():
    for text in ("omega_m", "omega_m=0.4:0.2", "w=-1.1:-0.9"):
        with pytest.raises(InputError) as caught:
            parse_ranges(text, ["omega_m"])
        assert caught.value.parameter == "vary"
