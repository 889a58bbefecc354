"""The distances between two sets of maps against direct computations."""

import numpy as np
import pytest
from scipy import stats

from cosmogan_k3.statistics import (
    null_halves,
    power_spectrum,
    relative_error,
    summary_distances,
    wasserstein_distances,
)


def test_distances_have_their_nulls_and_see_a_change_of_variance(rng):
    real, other = rng.normal(size=(2, 100, 32, 32))
    same = summary_distances(real, other, pixel_arcmin=1.0, permutations=99)
    wrong = summary_distances(real, 1.05 * other, pixel_arcmin=1.0, permutations=99)
    assert all(f"{name}_null" in same for name in same if not name.endswith("_null"))
    assert wrong["power_spectrum_error_mean"] == pytest.approx(1.05**2 - 1, abs=0.02)
    assert wrong["ks_pixels_distance"] > 3 * same["ks_pixels_distance_null"]
    assert same["power_spectrum_error_mean"] < 2 * same["power_spectrum_error_mean_null"]
    with pytest.raises(ValueError, match="at least two real maps"):
        summary_distances(real[:1], other, pixel_arcmin=1.0)


def test_the_error_of_the_spectrum_is_relative_to_the_real_mean():
    real = np.array([[1.0, 2.0], [3.0, 2.0]])
    assert relative_error(real, np.array([[2.2, 1.0]])) == (pytest.approx(0.3), pytest.approx(0.5))


def test_wasserstein_distances_against_the_exact_ones(rng):
    real, generated = (np.cumsum(rng.normal(size=(40, 16, 16)), axis=2) for _ in range(2))
    generated *= 1.2
    found = wasserstein_distances(real, generated, pixel_arcmin=1.0, seed=3)
    halves = [real[half] for half in null_halves(40, 3)]
    for ending, (a, b) in {"": (real, generated), "_null": halves}.items():
        # Binning into 1,024 moves pixels by at most a thousandth of the range, here about 0.008 σ.
        expected = stats.wasserstein_distance(a.ravel(), b.ravel()) / a.std()
        assert found[f"wasserstein_pixels{ending}"] == pytest.approx(expected, abs=0.002)
        logs = [np.log(power_spectrum(m, pixel_arcmin=1.0)[1]) for m in (a, b)]
        each = [
            stats.wasserstein_distance(x, y) / x.std()
            for x, y in zip(logs[0].T, logs[1].T, strict=True)
        ]
        assert found[f"wasserstein_log_power{ending}"] == pytest.approx(np.mean(each), rel=1e-9)
        heights = [m[:, 1:-1, 1:-1][local_maxima(m)] for m in (a, b)]
        expected = stats.wasserstein_distance(*heights) / heights[0].std()
        assert found[f"wasserstein_peaks{ending}"] == pytest.approx(expected, abs=0.002)


def local_maxima(maps):
    """Whether each inner pixel is above its eight neighbours."""
    n = maps.shape[1]
    shifts = [(i, j) for i in range(3) for j in range(3) if (i, j) != (1, 1)]
    return np.all(
        [maps[:, 1:-1, 1:-1] > maps[:, i : n - 2 + i, j : n - 2 + j] for i, j in shifts], axis=0
    )


def test_wasserstein_distances_that_are_not_defined_are_left_out(rng):
    real = rng.normal(size=(8, 16, 16))
    assert set(wasserstein_distances(real, np.zeros_like(real), pixel_arcmin=1.0)) == {
        "wasserstein_pixels",
        "wasserstein_pixels_null",
    }
    with pytest.raises(ValueError, match="Received: 3 real maps"):
        wasserstein_distances(real[:3], real, pixel_arcmin=1.0)
