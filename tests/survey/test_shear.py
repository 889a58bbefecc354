"""Kaiser-Squires against closed forms: plane waves, a Gaussian lens, and its own inverse."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosmogan_k3.errors import InputError
from cosmogan_k3.statistics import power_spectrum
from cosmogan_k3.survey import convergence_from_shear, shear_from_convergence


@pytest.mark.parametrize(("row", "column"), [(0, 3), (3, 0), (2, 2), (-1, 4), (5, 2)])
def test_a_plane_wave_has_the_shear_of_its_direction(row, column):
    y, x = np.indices((32, 32)) * 2 * np.pi / 32
    wave = np.cos(row * y + column * x + 0.3)
    angle = np.arctan2(row, column)
    gamma1, gamma2 = shear_from_convergence(wave)
    np.testing.assert_allclose(gamma1, np.cos(2 * angle) * wave, atol=1e-13)
    np.testing.assert_allclose(gamma2, np.sin(2 * angle) * wave, atol=1e-13)


def test_a_gaussian_lens_has_its_tangential_shear():
    """γ_t = κ̄(<r) − κ(r), of which γ1 = −γ_t cos 2φ and γ2 = −γ_t sin 2φ."""
    pixels, width = 256, 6.0
    y, x = np.indices((pixels, pixels)) - pixels // 2
    r, angle = np.hypot(x, y), np.arctan2(y, x)
    kappa = np.exp(-(r**2) / (2 * width**2))
    gamma1, gamma2 = shear_from_convergence(kappa)
    safe = np.maximum(r, 1e-9)
    mean_inside = 2 * width**2 / safe**2 * -np.expm1(-(safe**2) / (2 * width**2))
    tangential = mean_inside - kappa
    # The periodic images add shear of the order (r/L)² times that of the lens at the distance L:
    # 2π (width/L)² = 0.0035 of κ at the centre, where it cancels, and less within a quarter of L.
    near = (r < pixels / 8) & (r > 0)
    for gamma, phase in ((gamma1, np.cos(2 * angle)), (gamma2, np.sin(2 * angle))):
        np.testing.assert_allclose(gamma[near], (-tangential * phase)[near], atol=1e-3)
    assert np.max(tangential) > 0.2  # the tolerance is 0.5 % of the largest shear


@settings(max_examples=40, deadline=None)
@given(pixels=st.integers(1, 33), maps=st.integers(1, 3), seed=st.integers(0, 99))
def test_the_round_trip_is_exact_but_for_the_mean(pixels, maps, seed):
    kappa = np.random.default_rng(seed).normal(size=(maps, pixels, pixels))
    kappa_e, kappa_b = convergence_from_shear(*shear_from_convergence(kappa))
    np.testing.assert_allclose(kappa_e, kappa - kappa.mean(axis=(1, 2), keepdims=True), atol=1e-12)
    np.testing.assert_allclose(kappa_b, 0, atol=1e-12)


def test_shear_turned_by_45_degrees_is_a_b_mode(rng):
    kappa = rng.normal(size=(16, 16))
    kappa -= kappa.mean()
    gamma1, gamma2 = shear_from_convergence(kappa)
    kappa_e, kappa_b = convergence_from_shear(-gamma2, gamma1)  # times i
    np.testing.assert_allclose(kappa_b, kappa, atol=1e-12)
    np.testing.assert_allclose(kappa_e, 0, atol=1e-12)


def test_shear_has_the_power_of_the_convergence(rng):
    kappa = rng.normal(size=(20, 32, 32))
    powers = [
        power_spectrum(m, pixel_arcmin=1.0)[1] for m in (kappa, *shear_from_convergence(kappa))
    ]
    # Below the Nyquist frequency, whose modes have no direction: the last bin holds it.
    np.testing.assert_allclose((powers[1] + powers[2])[:, :-1], powers[0][:, :-1], rtol=1e-10)


def test_other_shapes_are_refused():
    with pytest.raises(InputError, match="squares"):
        shear_from_convergence(np.zeros((4, 5)))
    with pytest.raises(InputError, match="one shape"):
        convergence_from_shear(np.zeros((4, 4)), np.zeros((5, 5)))
