"""The expected power of cut maps against maps that are cut."""

import numpy as np

from cosmogan_k3.simulation.cut_maps import cut_map_power

N, FIELD, SKY, FINE = 16, 2.0, 4, 8


def power(ell):
    return 1e-4 / (ell + 100) ** 1.5


def test_the_power_is_that_of_pixel_means_cut_from_a_larger_sky():
    """Gaussian skies of four times the side and pixels, periodic only as a whole."""
    rng = np.random.default_rng(0)
    sky = N * SKY * FINE
    side = np.deg2rad(FIELD) * SKY
    modes = np.fft.fftfreq(sky, 1 / sky)
    ell = 2 * np.pi / side * np.hypot(modes[:, None], modes)
    amplitude = np.sqrt(power(ell)) * sky / side
    amplitude[0, 0] = 0
    estimates = []
    for _ in range(60):
        field = np.fft.ifft2(np.fft.fft2(rng.normal(size=(sky, sky))) * amplitude).real
        means = field.reshape(N * SKY, FINE, N * SKY, FINE).mean(axis=(1, 3))
        cut = means.reshape(SKY, N, SKY, N).transpose(0, 2, 1, 3).reshape(-1, N, N)
        estimates.append(np.abs(np.fft.rfft2(cut)) ** 2 * (np.deg2rad(FIELD) / N**2) ** 2)
    estimates = np.mean(estimates, axis=1)  # one row a sky: maps of one sky are correlated
    expected = cut_map_power(power, pixels=N, field_deg=FIELD)
    error = estimates.std(axis=0, ddof=1) / np.sqrt(len(estimates))
    pull = (estimates.mean(axis=0) - expected) / error
    pull = np.delete(pull.ravel(), 0)  # the mean of a map depends on waves longer than the sky
    assert np.abs(pull).max() < 5  # 143 modes
    assert abs(pull.mean()) < 1
