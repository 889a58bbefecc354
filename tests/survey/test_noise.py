"""Shape noise against its closed form, and the independence of its draws."""

import numpy as np
import pytest
from astropy import units
from hypothesis import given, settings
from hypothesis import strategies as st

from cosmogan_k3.errors import InputError
from cosmogan_k3.statistics import power_spectrum
from cosmogan_k3.survey import noise_deviation, noise_power, shape_noise

OPTIONS = {"pixel_arcmin": 2.0, "galaxy_density": 20.0, "sigma_epsilon": 0.4}


def draws(count, **changes):
    return np.stack([shape_noise(i, pixels=64, **(OPTIONS | changes)) for i in range(count)])


def test_the_variance_is_the_closed_form():
    noise = draws(50)
    expected = 0.4**2 / (2 * 20.0 * 2.0**2)  # σ_ε² / (2 n A_pix)
    # The variance of 200,000 Gaussian pixels scatters by √(2/200,000) = 0.3 %; 4 of these.
    for component in (noise[:, 0], noise[:, 1]):
        assert component.var() == pytest.approx(expected, rel=0.0126)
    # The correlation of two components of so many pixels scatters by 0.0022.
    assert abs(np.corrcoef(noise[:, 0].ravel(), noise[:, 1].ravel())[0, 1]) < 0.009


def test_the_spectrum_is_flat_and_the_closed_form():
    ell, power = power_spectrum(draws(200)[:, 0], pixel_arcmin=2.0)
    per_steradian = 20.0 * (180 * 60 / np.pi) ** 2
    assert noise_power(galaxy_density=20.0, sigma_epsilon=0.4) == pytest.approx(
        0.4**2 / (2 * per_steradian), rel=1e-12
    )
    ratio = power.mean(axis=0) / noise_power(galaxy_density=20.0, sigma_epsilon=0.4)
    error = power.std(axis=0) / np.sqrt(200) / power.mean(axis=0)
    assert (abs(ratio - 1) < 4.5 * error).all()
    # No trend: the slope of the ratio over all bins is within 4 of its errors.
    slope, covariance = np.polyfit(ell / ell[-1], ratio, 1, w=1 / error, cov="unscaled")
    assert abs(slope[0]) < 4 * np.sqrt(covariance[0, 0])


def test_a_map_has_its_own_noise_and_streams_and_seeds_are_independent():
    first = shape_noise(3, pixels=64, **OPTIONS)
    np.testing.assert_array_equal(first, draws(4)[3])
    others = [
        shape_noise(4, pixels=64, **OPTIONS),
        shape_noise(3, pixels=64, seed=1, **OPTIONS),
        shape_noise(3, pixels=64, stream="generated", **OPTIONS),
        # What a simulation of the same seed and number draws.
        np.random.default_rng(np.random.SeedSequence(0, spawn_key=(3,))).standard_normal(
            (2, 64, 64)
        ),
    ]
    for other in others:  # the correlation of 8,192 pixels scatters by 0.011
        assert abs(np.corrcoef(first.ravel(), other.ravel())[0, 1]) < 0.05


@settings(max_examples=25, deadline=None)
@given(pixel=st.floats(0.01, 100), density=st.floats(0.01, 1000), dispersion=st.floats(0.01, 1))
def test_deviation_and_power_are_one_noise(pixel, density, dispersion):
    survey = {"galaxy_density": density, "sigma_epsilon": dispersion}
    deviation = noise_deviation(pixel_arcmin=pixel, **survey)
    area = np.deg2rad(pixel / 60) ** 2
    assert deviation**2 * area == pytest.approx(noise_power(**survey), rel=1e-12)


def test_quantities_are_converted():
    assert noise_deviation(
        pixel_arcmin=60 * units.arcsec, galaxy_density=108_000 / units.deg**2, sigma_epsilon=0.37
    ) == pytest.approx(noise_deviation(pixel_arcmin=1, galaxy_density=30, sigma_epsilon=0.37))


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("value", [0.0, -1.0, np.nan, np.inf])
def test_what_is_no_noise_is_refused(name, value):
    with pytest.raises(InputError, match="must be positive and finite") as caught:
        noise_deviation(**(OPTIONS | {name: value}))
    assert caught.value.parameter == name
