"""Initial conditions against closed forms."""

import numpy as np
import pytest

from cosmogan_k3.simulation.background import Background
from cosmogan_k3.simulation.cosmology import Cosmology
from cosmogan_k3.simulation.nbody.initial import displacements, linear_modes, start

N, BOX = 16, 100.0
K = 2 * np.pi / BOX
X = np.arange(N) * BOX / N


def modes_of(density):
    return np.fft.rfftn(np.broadcast_to(density, (N, N, N))).astype(np.complex64)


def test_a_plane_wave_has_no_second_order():
    fields = displacements(modes_of(0.1 * np.cos(K * X)[:, None, None]), BOX)
    expected = np.broadcast_to(-0.1 / K * np.sin(K * X)[:, None, None], (N, N, N))
    np.testing.assert_allclose(fields.first[0], expected, atol=1e-5 / K)
    assert np.abs(fields.first[1:]).max() < 1e-5 / K
    assert np.abs(fields.second).max() < 1e-6 / K


def test_crossed_waves_have_the_closed_form():
    """φ,xx φ,yy = A² cos kx cos ky, so ψ₂ₓ = A²/(2k) sin kx cos ky."""
    x, y = np.cos(K * X)[:, None, None], np.cos(K * X)[None, :, None]
    fields = displacements(modes_of(0.1 * (x + y)), BOX)
    sine = np.sin(K * X)
    expected = 0.01 / (2 * K) * sine[:, None, None] * np.cos(K * X)[None, :, None]
    np.testing.assert_allclose(
        fields.second[0], np.broadcast_to(expected, (N, N, N)), atol=1e-6 / K
    )
    assert np.abs(fields.second[2]).max() < 1e-6 / K


def test_the_modes_have_the_power_and_their_scatter():
    power = 50.0
    estimates = []
    for seed in range(4):
        modes = linear_modes(32, BOX, lambda k: np.full_like(k, power), np.random.default_rng(seed))
        inner = modes[:, :, 1:-1]  # modes without a conjugate partner in the half-space
        estimates.append(np.abs(inner) ** 2 * (BOX / 32) ** 3 / 32**3)
    estimates = np.array(estimates)
    n = estimates.size
    assert estimates.mean() == pytest.approx(power, rel=4 / np.sqrt(n))
    # The power of a Gaussian mode is exponential: its scatter is its mean.
    assert estimates.std() == pytest.approx(power, rel=8 / np.sqrt(n))


def test_positions_and_momenta_are_those_of_the_growing_modes():
    background = Background(Cosmology())
    fields = displacements(modes_of(0.1 * np.cos(K * X)[:, None, None]), BOX)
    displacement, momentum = start(fields, background, 0.1)
    step = 1e-3
    later, earlier = (start(fields, background, 0.1 + sign * step)[0] for sign in (1, -1))
    # p = a³ E dx/da, by a central difference; E² = Ω_m/a³ + 1 − Ω_m up to radiation (0.1 %).
    rate = 0.1**3 * np.sqrt(0.3 / 0.1**3 + 0.7) * (later - earlier) / (2 * step)
    np.testing.assert_allclose(momentum, rate, atol=5e-3 * np.abs(rate).max())
    np.testing.assert_allclose(displacement[0], background.growth(0.1) * fields.first[0].ravel())
