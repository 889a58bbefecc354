"""The power spectrum against closed forms and a plain loop."""

import numpy as np
import pytest

from cosmogan_k3.statistics import integer_mode_edges, power_spectrum, published_mode_edges


def test_white_noise_has_a_flat_spectrum(rng):
    # 400 maps of 64²: each bin holds at least 8 modes per map. Its mean is known to
    # 1/√(400·4) = 2.5 %.
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


@pytest.mark.parametrize(
    ("maps", "edges", "message"),
    [
        (np.zeros((4, 4)), None, "non-empty array"),
        (np.zeros((1, 4, 4)), [2, 1], "increasing"),
        (np.zeros((1, 4, 4)), [1, 2], "No Fourier mode"),
    ],
)
def test_errors_name_the_cause(maps, edges, message):
    with pytest.raises(ValueError, match=message):
        power_spectrum(maps, pixel_arcmin=1.0, ell_edges=edges)
