"""Smoothness of interpolations whose step lengths are known."""

import numpy as np
import pytest

from cosmogan_k3.statistics import interpolation_smoothness


def test_smoothness_of_an_even_path_an_arc_and_a_jump(rng):
    a, b = rng.normal(size=(2, 8, 8))
    t = np.linspace(0, 1, 11)[:, None, None]
    assert interpolation_smoothness((1 - t) * a + t * b) == pytest.approx(1, rel=1e-12)
    angle = t * np.pi / 2
    assert (
        interpolation_smoothness(
            np.cos(angle) * a + np.sin(angle) * (b - np.vdot(a, b) / np.vdot(a, a) * a)
        )
        < 1.6
    )
    assert interpolation_smoothness((1 - t**2) * a + t**2 * b) == pytest.approx(
        1.9, rel=1e-9
    )  # (1 − 0.9²)/0.1
    assert interpolation_smoothness(np.where(t > 0.35, a, b)) == pytest.approx(10, rel=1e-12)


def test_errors_name_the_cause(rng):
    with pytest.raises(ValueError, match="two different maps"):
        interpolation_smoothness(rng.normal(size=(1, 6, 6)))
