"""Statistics against closed forms and independent implementations."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from cosmogan_k3.statistics import (
    integer_mode_edges,
    ks_histogram_counts,
    ks_pixels,
    null_halves,
    pca_projection,
    pixel_histogram,
    power_spectrum,
    published_mode_edges,
    relative_error,
    summary_distances,
    wasserstein_distances,
)
from cosmogan_k3.statistics.two_sample import kolmogorov_smirnov


def test_white_noise_has_a_flat_spectrum(rng):
    # 400 maps of 64²: each bin holds at least 8 modes a map, so its mean is known to 1/√(400·4) = 2.5 %.
    maps = rng.normal(0, 0.3, size=(400, 64, 64))
    _, power = power_spectrum(maps, pixel_arcmin=2.0)
    expected = 0.09 * np.deg2rad(2 / 60) ** 2
    np.testing.assert_allclose(power.mean(axis=0), expected, rtol=0.1)
    assert power.mean() == pytest.approx(expected, rel=0.005)


@pytest.mark.parametrize("mode", [(3, 0), (0, 5), (3, 4), (-7, 24)])
def test_a_plane_wave_has_its_power_in_its_own_bin(mode):
    # κ = A cos(2π m·x/N): two modes of |FFT|² = (A N²/2)², so P summed over the plane is A² L²/2.
    n, amplitude, pixel = 64, 0.02, 3.0
    y, x = np.mgrid[:n, :n]
    maps = amplitude * np.cos(2 * np.pi * (mode[0] * x + mode[1] * y) / n)[None]
    edges = integer_mode_edges(n, pixel)
    ell, power = power_spectrum(maps, pixel_arcmin=pixel)
    radius = np.hypot(*mode)
    target = int(np.ceil(radius - 0.5)) - 1
    k = np.hypot(*np.meshgrid(np.fft.fftfreq(n) * n, np.fft.fftfreq(n) * n))
    count = np.sum((k > target + 0.5) & (k <= target + 1.5))
    side = np.deg2rad(n * pixel / 60)
    assert power[0, target] == pytest.approx(amplitude**2 * side**2 / 2 / count, rel=1e-9)
    assert np.delete(power[0], target).max() < 1e-20
    assert edges[target] < ell[target] <= edges[target + 1]


@pytest.mark.parametrize("n", [16, 17])
def test_every_mode_counts_once_and_parseval_holds(rng, n):
    maps = rng.normal(size=(2, n, n))
    edges = [0.0, 1e9]
    _, power = power_spectrum(maps, pixel_arcmin=1.0, ell_edges=edges)
    side = np.deg2rad(n / 60)
    variance = maps.var(axis=(1, 2))
    np.testing.assert_allclose(power[:, 0] * (n * n - 1), variance * side**2, rtol=1e-12)


def test_spectrum_against_a_plain_loop(rng):
    maps = rng.normal(size=(3, 12, 12))
    edges = np.array([300.0, 2000.0, 5000.0, 12_000.0])
    ell, power = power_spectrum(maps, pixel_arcmin=2.0, ell_edges=edges)
    k = np.fft.fftfreq(12) * 360 * 60 / 2
    for i, map_ in enumerate(maps):
        spectrum = np.abs(np.fft.fft2(map_)) ** 2 * (np.deg2rad(24 / 60) / 144) ** 2
        for b in range(3):
            values = [
                (spectrum[r, c], np.hypot(k[r], k[c]))
                for r in range(12)
                for c in range(12)
                if edges[b] < np.hypot(k[r], k[c]) <= edges[b + 1]
            ]
            assert power[i, b] == pytest.approx(np.mean([v for v, _ in values]), rel=1e-9)
            assert ell[b] == pytest.approx(np.mean([e for _, e in values]), rel=1e-9)


def test_the_papers_248_modes_exist_at_256_pixels(rng):
    edges = published_mode_edges(256, 1.0)
    ell, power = power_spectrum(rng.normal(size=(1, 256, 256)), pixel_arcmin=1.0, ell_edges=edges)
    assert power.shape == (1, 248)
    assert np.isfinite(power).all()
    assert (np.diff(ell) > 0).all()


def test_spectrum_errors_name_the_cause():
    with pytest.raises(ValueError, match="non-empty array"):
        power_spectrum(np.zeros((4, 4)), pixel_arcmin=1.0)
    with pytest.raises(ValueError, match="increasing"):
        power_spectrum(np.zeros((1, 4, 4)), pixel_arcmin=1.0, ell_edges=[2, 1])
    with pytest.raises(ValueError, match="No Fourier mode"):
        power_spectrum(np.zeros((1, 4, 4)), pixel_arcmin=1.0, ell_edges=[1, 2])


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), bins=st.integers(1, 20))
def test_the_histogram_counts_what_lies_inside(seed, bins):
    maps = np.random.default_rng(seed).normal(size=(3, 7, 7))
    edges = np.linspace(-1, 1, bins + 1)
    counts = pixel_histogram(maps, edges)
    np.testing.assert_array_equal(counts.sum(axis=1), ((maps >= -1) & (maps <= 1)).sum(axis=(1, 2)))
    with pytest.raises(ValueError, match="increasing"):
        pixel_histogram(maps, [0, 0])


@settings(max_examples=60, deadline=None)
@given(
    a=st.lists(st.integers(0, 6), min_size=1, max_size=30),
    b=st.lists(st.integers(0, 6), min_size=1, max_size=30),
)
def test_the_distance_is_scipys_even_with_ties(a, b):
    maps = (np.array(values, float)[:, None, None] for values in (a, b))
    ours = ks_pixels(*maps, permutations=0).distance
    assert ours == pytest.approx(stats.ks_2samp(a, b, method="asymp").statistic, abs=1e-12)


def test_the_distance_of_many_pixels_is_scipys_to_its_quantiles(rng):
    a, b = rng.normal(size=(300, 32, 32)), rng.normal(0.02, 1.01, size=(400, 32, 32))
    exact = stats.ks_2samp(a.ravel(), b.ravel()).statistic
    # Between neighbouring quantiles of 65,536 lies 1.5e-5 of either distribution.
    assert ks_pixels(a, b, permutations=0).distance == pytest.approx(exact, abs=4e-5)


def test_large_maps_lend_the_distance_fewer_levels(rng, monkeypatch):
    monkeypatch.setattr(kolmogorov_smirnov, "_SCOUTED", 2**16)  # 64 of these maps
    a, b = rng.normal(size=(100, 32, 32)), rng.normal(0.02, 1.01, size=(100, 32, 32))
    exact = stats.ks_2samp(a.ravel(), b.ravel()).statistic
    # Neighbours among 131,072 scouts enclose up to ln(n)/n = 1e-4 of a distribution, and each level is one of two.
    assert ks_pixels(a, b, permutations=0).distance == pytest.approx(exact, abs=2e-4)


def correlated_maps(rng, n):
    """Maps whose pixels share a common offset: far from independent."""
    return rng.normal(size=(n, 8, 8)) * 0.3 + rng.normal(size=(n, 1, 1))


def test_the_p_value_is_uniform_although_pixels_are_correlated(rng):
    values = [
        ks_pixels(
            correlated_maps(rng, 12), correlated_maps(rng, 12), permutations=99, seed=i
        ).pvalue
        for i in range(200)
    ]
    assert stats.kstest(values, "uniform").pvalue > 0.01
    naive = [
        stats.ks_2samp(correlated_maps(rng, 12).ravel(), correlated_maps(rng, 12).ravel()).pvalue
        for _ in range(50)
    ]
    assert np.mean(np.array(naive) < 0.01) > 0.8, (
        "the usual formula should fail here, or this test shows nothing"
    )


def test_the_p_value_finds_a_real_difference(rng):
    result = ks_pixels(correlated_maps(rng, 60), 1.5 + correlated_maps(rng, 60), permutations=199)
    assert result.pvalue == pytest.approx(1 / 200)
    assert np.isnan(
        ks_pixels(correlated_maps(rng, 5), correlated_maps(rng, 5), permutations=0).pvalue
    )
    with pytest.raises(ValueError, match="Both sets need maps"):
        ks_pixels(np.zeros((0, 4, 4)), np.zeros((1, 4, 4)))


def test_the_published_test_sees_nothing_in_a_reversed_histogram(rng):
    real = rng.exponential(size=(50, 16, 16))
    reversed_ = real.max() + real.min() - real
    assert ks_histogram_counts(real, reversed_).pvalue > 0.99
    assert ks_pixels(real, reversed_, permutations=99).pvalue == 0.01


def test_principal_components_are_the_eigenvectors_of_the_covariance(rng):
    scales = np.concatenate([[10.0, 5.0], np.full(34, 0.1)])
    basis = np.linalg.qr(rng.normal(size=(36, 36)))[0]
    real = (rng.normal(size=(500, 36)) * scales @ basis).reshape(500, 6, 6)
    a, b, explained = pca_projection(real, real[:10])
    values, vectors = np.linalg.eigh(np.cov(real.reshape(500, -1).T))
    np.testing.assert_allclose(explained, values[::-1][:2] / values.sum(), rtol=1e-6)
    centred = (real - real.mean(axis=0)).reshape(500, -1)
    np.testing.assert_allclose(
        np.abs(a), np.abs(centred @ vectors[:, ::-1][:, :2]), rtol=1e-5, atol=1e-5
    )
    np.testing.assert_allclose(b, a[:10], atol=1e-9)
    with pytest.raises(ValueError, match="components must lie"):
        pca_projection(real[:3], real, components=4)
    with pytest.raises(ValueError, match="different sizes"):
        pca_projection(real, np.zeros((2, 5, 5)))


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


def test_masked_ks_is_that_of_the_observed_pixels(rng):
    real, generated = rng.normal(size=(2, 30, 12, 12))
    mask = rng.random((12, 12)) < 0.7
    expected = stats.ks_2samp(real[:, mask].ravel(), generated[:, mask].ravel()).statistic
    real[:, ~mask], generated[:, ~mask] = np.nan, 9.0
    assert ks_pixels(real, generated, mask=mask, permutations=0).distance == pytest.approx(
        expected, abs=1e-12
    )
    with pytest.raises(ValueError, match="NaN or infinity in map 0"):
        ks_pixels(real, generated, permutations=0)
