"""Simulated maps against closed forms of the lognormal field, and theory against an integral."""

from dataclasses import replace

import numpy as np
import pytest

from cosmogan_k3.config import Simulation
from cosmogan_k3.errors import InputError
from cosmogan_k3.simulation import (
    Cosmology,
    convergence_power,
    lognormal_maps,
    lognormal_moments,
    lognormal_shift,
    simulate,
    simulate_maps,
    simulate_stream,
)
from cosmogan_k3.simulation.design import design
from cosmogan_k3.simulation.lognormal import gaussian_power, mode_ell
from cosmogan_k3.statistics import power_spectrum

FIELD, PIXELS, SHIFT = 5.0, 64, 0.03
N = 1500


def power(ell):
    return convergence_power(ell, Cosmology(), 1.0)


@pytest.fixture(scope="module")
def maps():
    return lognormal_maps(N, pixels=PIXELS, field_deg=FIELD, power=power, shift=SHIFT, seed=5)


def expected_variance():
    weight = np.full((PIXELS, PIXELS // 2 + 1), 2.0)
    weight[:, [0, -1]] = 1
    return float((weight * power(mode_ell(PIXELS, FIELD))).sum() / np.deg2rad(FIELD) ** 2)


def agrees(values, expected, sigmas=4.0):
    """Whether the mean over maps agrees with the expectation within four standard errors."""
    return abs(values.mean() - expected) < sigmas * values.std(ddof=1) / np.sqrt(len(values))


def test_moments_are_the_closed_forms(maps):
    maps = maps.astype(float)
    mean, variance, skewness = lognormal_moments(expected_variance(), SHIFT)
    assert agrees(maps.mean(axis=(1, 2)), mean)
    assert agrees((maps**2).mean(axis=(1, 2)), variance)
    assert agrees((maps**3).mean(axis=(1, 2)), skewness * variance**1.5)
    assert maps.var() == pytest.approx(variance, rel=0.02)
    assert (maps**3).mean() / maps.var() ** 1.5 == pytest.approx(skewness, rel=0.05)
    assert maps.min() > -SHIFT


def test_the_spectrum_is_the_input(maps):
    edges = np.geomspace(100, 2300, 9)
    _, measured = power_spectrum(maps, pixel_arcmin=FIELD * 60 / PIXELS, ell_edges=edges)
    ell = mode_ell(PIXELS, FIELD)
    weight = np.full(ell.shape, 2.0)
    weight[:, [0, -1]] = 1
    for b in range(8):
        inside = (ell > edges[b]) & (ell <= edges[b + 1])
        expected = np.average(power(ell[inside]), weights=weight[inside])
        assert agrees(measured[:, b], expected), f"bin {b}"
        assert measured[:, b].mean() == pytest.approx(expected, rel=0.05)


def test_the_zero_mode_has_half_the_fundamental_multipole():
    ell = mode_ell(5, field_deg=6.0)
    assert ell.shape == (5, 3)
    assert (ell[0, 0], ell[0, 1], ell[2, 0], ell[-2, 0]) == (30, 60, 120, 120)
    assert ell[1, 1] == pytest.approx(60 * np.sqrt(2))


def test_hardly_any_mode_has_negative_power():
    for redshift in (0.5, 1.0, 2.0):
        ell = mode_ell(PIXELS, FIELD)
        _, mismatch = gaussian_power(
            convergence_power(ell, Cosmology(), redshift), FIELD, lognormal_shift(redshift), PIXELS
        )
        assert mismatch < 1e-6


def test_a_map_does_not_depend_on_how_many_are_drawn():
    options = {"pixels": 16, "field_deg": 2.0, "power": power, "shift": SHIFT}
    few = lognormal_maps(3, seed=9, **options)
    np.testing.assert_array_equal(lognormal_maps(5, seed=9, **options)[:3], few)
    assert not np.array_equal(lognormal_maps(3, seed=10, **options), few)


def test_maps_are_periodic(maps):
    # Pixels at opposite edges differ as neighbours do; 1,500 maps of 64 pairs give the mean square
    # to 1 %.
    across = np.square(maps[:, 0] - maps[:, -1]).mean()
    inside = np.square(maps[:, 32] - maps[:, 31]).mean()
    assert across == pytest.approx(inside, rel=0.05)


def test_theory_scales_with_the_cosmology_and_agrees_with_limbers_integral():
    ell = np.array([50.0, 500.0, 3000.0])
    base = convergence_power(ell, Cosmology(), 1.0)
    # On linear scales C_ℓ goes as σ_8²; halofit steepens that at small scales.
    ratio = convergence_power(ell, Cosmology(sigma_8=0.88), 1.0) / base
    assert ratio[0] == pytest.approx(1.21, rel=0.05)
    assert ratio[2] > ratio[0]
    assert (convergence_power(ell, Cosmology(), 2.0) > base).all()
    # An independent calculation: Limber's integral over pyccl's own matter power.
    import pyccl

    c = Cosmology()
    model = pyccl.Cosmology(
        Omega_c=c.omega_m - c.omega_b,
        Omega_b=c.omega_b,
        h=c.h,
        sigma8=c.sigma_8,
        n_s=c.n_s,
        transfer_function="eisenstein_hu",
        matter_power_spectrum="halofit",
    )
    chi_s = pyccl.comoving_radial_distance(model, 0.5)
    chi = np.linspace(1e-3, 1, 4000)[:-1] * chi_s
    a = pyccl.scale_factor_of_chi(model, chi)
    q = 1.5 * c.omega_m * (c.h / 2997.92458) ** 2 / a * chi * (1 - chi / chi_s)
    matter = np.array(
        [
            pyccl.nonlin_matter_power(model, np.array([(multipole + 0.5) / x]), y)[0]
            for multipole in ell
            for x, y in zip(chi, a, strict=True)
        ]
    )
    integral = np.trapezoid((q / chi) ** 2 * matter.reshape(3, -1), chi, axis=1)
    # 1 %: pyccl adds the curved-sky factor of order 1/ℓ² and interpolates its own splines.
    np.testing.assert_allclose(convergence_power(ell, c, 1.0), integral, rtol=0.01)


def test_the_shift_is_hilberts_fit():
    assert lognormal_shift(1.0) == pytest.approx(0.02975)
    assert lognormal_shift(0.5) == pytest.approx(0.004 + 0.00725 - 0.0009875 + 0.000040625)


def test_a_simulation_carries_its_cosmology():
    maps = simulate_maps(Simulation(maps=3, pixels=16, field_deg=2.0, sigma_8=0.7, seed=2))
    assert maps.pixel_arcmin == pytest.approx(7.5)
    assert maps.parameters["sigma_8"].tolist() == [0.7] * 3
    assert maps.kappa.dtype == np.float32


VARY = {"vary": "omega_m=0.2:0.4,sigma_8=0.6:1.0", "cosmologies": 3}
VARIED = Simulation(maps=7, pixels=16, field_deg=2.0, seed=2, **VARY)


def test_cosmologies_of_a_range_alternate_from_map_to_map():
    maps = simulate_maps(VARIED)
    points = design({"omega_m": (0.2, 0.4), "sigma_8": (0.6, 1.0)}, 3, seed=2)
    for number, name in enumerate(("omega_m", "sigma_8")):
        np.testing.assert_allclose(maps.parameters[name], points[np.arange(7) % 3, number])
    assert maps.parameters["h"].tolist() == [0.7] * 7
    one = replace(VARIED, vary="", omega_m=points[1, 0], sigma_8=points[1, 1])
    np.testing.assert_array_equal(maps.kappa[1::3], simulate_maps(one).kappa[1::3])


def test_a_part_prepares_the_cosmologies_that_it_draws(monkeypatch):
    prepared = []

    def counted(ell, cosmology, source_redshift):
        prepared.append(cosmology.omega_m)
        return convergence_power(ell, cosmology, source_redshift)

    monkeypatch.setattr(simulate, "convergence_power", counted)
    part = simulate_stream(VARIED, part=range(2, 4))
    assert sorted(prepared) == sorted(part.parameters["omega_m"])


def test_a_part_of_a_varied_set_equals_that_part_of_the_whole():
    """Shards are drawn like this: the cosmology of a map follows from its number."""
    whole, part = simulate_maps(VARIED), simulate_stream(VARIED, part=range(2, 6))
    np.testing.assert_array_equal(np.concatenate(list(part.blocks())), whole.kappa[2:6])
    np.testing.assert_array_equal(part.parameters["sigma_8"], whole.parameters["sigma_8"][2:6])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"vary": "omega_m"}, "expected name=low:high"),
        ({"vary": "omega_m=0.3"}, "expected name=low:high"),
        ({"vary": "omega_m=0.4:0.2"}, "must rise"),
        ({"vary": "omega_m=0.2:inf"}, "must rise"),
        ({"vary": "w=-1.1:-0.9"}, r"expected each at most once of omega_m.*Received: 'w'"),
        ({"vary": "h=0.6:0.7,h=0.6:0.7"}, "at most once"),
        ({"vary": "h=60:80"}, r"h must be at most 1\.0\. Received: 60\.0"),
        ({"vary": "omega_m=0.1:0.15", "omega_b": 0.2}, "0 < omega_b < omega_m"),
        ({"source_redshift": 25.0}, r"source_redshift must be at most 20\.0"),
        ({"h": 70.0}, r"h must be at most 1\.0\. Received: 70\.0"),
        ({"h": float("nan")}, "h expected a finite number"),
        ({"field_deg": 1e4}, r"field_deg must be at most 60\.0"),
        ({"seed": 2**32}, "seed must be at most"),
        ({"pixels": 80_000}, "pixels must be at most"),
        ({"omega_b": 0.4}, "0 < omega_b < omega_m"),
        ({"shift": 1e-4}, "No shifted-lognormal field"),
        ({"maps": 0}, "maps must be at least 1"),
        ({"vary": "omega_b=0.001:0.5"}, "the ranges hold other cosmologies"),
        (VARY | {"maps": 2}, r"each of 3 cosmologies needs a map: ask for 3 .*Received: 2 maps$"),
        (
            VARY | {"method": "nbody", "maps": 400},
            r"each of 3 cosmologies needs a box of 200 maps: ask for 600 .*400 maps, 2 boxes$",
        ),
        ({"maps": 2.5}, r"maps expected an integer\. Received: 2\.5"),
        ({"maps": "3"}, "maps expected an integer"),
        ({"pixels": 16.0}, "pixels expected an integer"),
        ({"method": "nbody", "box_maps": 2.5}, "box_maps expected an integer"),
        ({"seed": 1.5}, "seed expected an integer"),
        ({"source_redshift": "1"}, "source_redshift expected a number"),
        ({"omega_m": None}, "omega_m expected a number"),
        ({"vary": None}, "vary expected a text"),
        ({"vary": ["omega_m"]}, "vary expected a text"),
        ({"sigma_8": 0.2, "n_s": 0.5, "h": 0.4, "omega_m": 0.06}, "pyccl cannot compute"),
    ],
)
def test_impossible_simulations_are_refused(change, message):
    with pytest.raises(InputError, match=message):
        simulate_maps(Simulation(**({"maps": 2, "pixels": 16, "field_deg": 2.0} | change)))


def test_numbers_of_numpy_are_numbers():
    given = Simulation(
        maps=np.int64(2), pixels=np.int32(16), omega_m=np.float32(0.25), source_redshift=1
    )
    plain = Simulation(maps=2, pixels=16, omega_m=0.25)
    np.testing.assert_array_equal(simulate_maps(given).kappa, simulate_maps(plain).kappa)


def test_where_theory_has_no_power_maps_have_none():
    """The smallest field of the closest sources reaches beyond the wavenumbers of pyccl."""
    maps = simulate_maps(Simulation(maps=2, pixels=16, field_deg=0.01, source_redshift=0.01))
    assert np.isfinite(maps.kappa).all()


def test_an_error_of_pyccl_is_an_input_error(monkeypatch):
    import pyccl

    def fail(**options):
        raise ValueError("Omega_k is\nnot acceptable")

    monkeypatch.setattr(pyccl, "Cosmology", fail)
    with pytest.raises(InputError, match=r"pyccl cannot compute .*Omega_k is not acceptable"):
        simulate_maps(Simulation(maps=1, pixels=16))


def test_a_shift_at_which_numbers_overflow_is_refused():
    with pytest.raises(InputError, match="too small for numbers of 64 bits") as error:
        gaussian_power(1e-7 / mode_ell(16, 2.0), 2.0, shift=1e-200, pixels=16)
    assert error.value.parameter == "shift"
