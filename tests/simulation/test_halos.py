"""Maps of the halo model against the power spectrum of pyccl's halo model."""

from dataclasses import fields

import numpy as np
import pytest

from cosmogan_k3.simulation.background import Background
from cosmogan_k3.simulation.cosmology import Cosmology
from cosmogan_k3.simulation.halos import halo_map, halo_model
from cosmogan_k3.simulation.lognormal import lognormal_shift, mode_ell
from cosmogan_k3.simulation.theory import ccl_model
from cosmogan_k3.statistics.fourier import half_plane_weights
from cosmogan_k3.statistics.lognormal import lognormal_moments

BACKGROUND = Background(Cosmology())
PIXELS, FIELD, REDSHIFT = 32, 5.0, 1.0


@pytest.fixture(scope="module")
def model():
    return halo_model(BACKGROUND, REDSHIFT, pixels=PIXELS, field_deg=FIELD)


@pytest.fixture(scope="module")
def maps(model):
    return np.stack([halo_map(model, np.random.default_rng([1, i])) for i in range(300)])


def pyccl_power(ell, shells):
    """Limber's sum over the shells of P(k) of pyccl's halo model, all masses included."""
    from pyccl import halos

    definition = halos.MassDef200m
    calculator = halos.HMCalculator(
        mass_function=halos.MassFuncTinker10(mass_def=definition),
        halo_bias=halos.HaloBiasTinker10(mass_def=definition),
        mass_def=definition,
    )
    profile = halos.HaloProfileNFW(
        mass_def=definition,
        concentration=halos.ConcentrationDuffy08(mass_def=definition),
        fourier_analytic=True,
    )
    planes = BACKGROUND.lens_planes(REDSHIFT, shells)
    table = np.geomspace(ell.min(), ell.max(), 100)
    total = 0
    for distance, a, weight in zip(
        planes.distance, planes.scale_factor, planes.weight, strict=True
    ):
        power = halos.halomod_power_spectrum(
            ccl_model(Cosmology(), "linear"), calculator, table / distance * 0.7, a, profile
        )
        total = total + weight**2 / planes.thickness / distance**2 * power * 0.7**3
    return np.exp(np.interp(np.log(ell), np.log(table), np.log(total)))


def test_the_mean_spectrum_is_that_of_the_halo_model(model, maps):
    """To 3 %, the bound of the method, and four standard errors of 300 maps."""
    ell = mode_ell(PIXELS, FIELD)
    measured = np.abs(np.fft.rfft2(maps)) ** 2 * (np.deg2rad(FIELD) / PIXELS**2) ** 2
    # Below half the Nyquist multipole aliases are less than a per cent.
    window = np.sinc(np.fft.fftfreq(PIXELS))[:, None] * np.sinc(np.fft.rfftfreq(PIXELS))
    expected = pyccl_power(ell, len(model.gaussian)) * window**2
    weights = half_plane_weights(PIXELS)
    for low, high in ((100, 200), (200, 350), (350, 580)):
        inside = (ell > low) & (ell <= high)
        of_maps = (measured[:, inside] * weights[inside]).sum(axis=1) / weights[inside].sum()
        theory = np.average(expected[inside], weights=weights[inside])
        error = of_maps.std(ddof=1) / np.sqrt(len(maps))
        assert abs(of_maps.mean() - theory) < 0.03 * theory + 4 * error, (low, high)


def test_the_mean_is_zero_and_the_skewness_above_that_of_a_lognormal_field(maps):
    means = maps.mean(axis=(1, 2))
    assert abs(means.mean()) < 4 * means.std() / np.sqrt(len(means))
    x = maps.astype(float)
    skewness = ((x - x.mean()) ** 3).mean() / x.std() ** 3
    _, _, lognormal = lognormal_moments(x.var(), lognormal_shift(REDSHIFT))
    assert skewness > 1.15 * lognormal  # 0.89; haloes add to it


def test_the_map_of_a_seed_is_reproduced(model, maps):
    again = halo_map(model, np.random.default_rng([1, 7]))
    np.testing.assert_array_equal(again, maps[7])
    assert again.dtype == np.float32


def test_all_matter_has_a_bias_of_one(model):
    """Haloes and the rest together follow the density: their weights add up to the kernel."""
    planes = BACKGROUND.lens_planes(REDSHIFT, len(model.gaussian))
    assert (model.smooth < planes.weight).all()
    assert (model.smooth > 0.3 * planes.weight).all()
    assert (model.mean > 0).all()
    assert {each.name for each in fields(model)} >= {"kappa", "profile"}
