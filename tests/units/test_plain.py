"""Quantities, masked arrays and complex maps are converted or refused wherever they enter."""

import numpy as np
import pytest
from astropy import units as u

from cosmogan_k3 import statistics
from cosmogan_k3.config import Simulation
from cosmogan_k3.errors import InputError
from cosmogan_k3.maps import MapSet, MapStream, Scaling, edge_discontinuity, read_maps
from cosmogan_k3.simulation import simulate_maps
from cosmogan_k3.units import in_unit

KAPPA = np.random.default_rng(0).normal(0, 0.02, (4, 16, 16))
EDGES = np.linspace(-0.1, 0.1, 6)
SIZE = 0.0625 * u.deg  # 3.75 arcmin


def masked(count=0):
    maps = np.ma.MaskedArray(KAPPA.copy(), mask=np.zeros(KAPPA.shape, bool))
    maps.mask.flat[:count] = True
    return maps


def test_pixel_sizes_of_sets_are_converted(tmp_path):
    maps = MapSet(KAPPA.astype("float32"), SIZE)
    assert maps.pixel_arcmin == 3.75
    assert maps.field_deg == 1.0
    assert MapStream(4, 16, SIZE, ()).pixel_arcmin == 3.75
    np.save(tmp_path / "a.npy", KAPPA)
    assert read_maps(tmp_path / "a.npy", pixel_arcmin=SIZE).pixel_arcmin == 3.75
    with pytest.raises(InputError, match="pixel_arcmin must be one number, in arcmin"):
        MapSet(KAPPA, 3.75 * u.Mpc)
    with pytest.raises(InputError, match="pixel_arcmin must be one number"):
        read_maps(tmp_path / "a.npy", pixel_arcmin=[1, 2] * u.arcmin)


def test_simulated_fields_are_converted():
    plain = Simulation(maps=2, pixels=8, field_deg=2.0)
    quantity = Simulation(maps=2, pixels=8, field_deg=120 * u.arcmin)
    np.testing.assert_array_equal(simulate_maps(quantity).kappa, simulate_maps(plain).kappa)


STATISTICS = {
    "power_spectrum": lambda maps, size: statistics.power_spectrum(maps, pixel_arcmin=size)[1],
    "bispectrum": lambda maps, size: statistics.bispectrum(maps, pixel_arcmin=size)[1],
    "smoothed_moments": lambda maps, size: statistics.smoothed_moments(
        maps, pixel_arcmin=size, scales_arcmin=[0, 5]
    ),
    "minkowski_functionals": lambda maps, size: statistics.minkowski_functionals(
        maps, EDGES, pixel_arcmin=size
    ),
    "summary": lambda maps, size: statistics.SummaryStatistics(maps, pixel_arcmin=size).ell_edges,
    "mode_edges": lambda maps, size: statistics.integer_mode_edges(16, size),
    "peaks": lambda maps, size: statistics.peak_counts(maps, EDGES),
    "starlet": lambda maps, size: statistics.starlet_transform(maps, 2),
    "pixel_histogram": lambda maps, size: statistics.pixel_histogram(maps, EDGES),
    "ks_pixels": lambda maps, size: statistics.ks_pixels(maps, KAPPA[::-1] * 1.1).distance,
    "scaling": lambda maps, size: Scaling.fit("standard", maps).to_network(maps),
    "periodicity": lambda maps, size: edge_discontinuity(maps),
    "set": lambda maps, size: MapSet(maps, size).kappa,
}


@pytest.mark.parametrize("name", STATISTICS)
def test_quantities_and_masked_arrays_have_the_values_of_plain_ones(name):
    statistic = STATISTICS[name]
    expected = np.asarray(statistic(KAPPA, 3.75))
    for maps, size in (
        (KAPPA * u.dimensionless_unscaled, SIZE),
        (100 * KAPPA * u.percent, SIZE),
        (masked(), 3.75),
    ):
        found = np.asarray(statistic(maps, size))
        # Percent are divided by 100, which rounds.
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9 * np.abs(expected).max())


@pytest.mark.parametrize("name", [name for name in STATISTICS if name != "mode_edges"])
def test_what_is_no_convergence_is_refused(name):
    for maps, cause in (
        (KAPPA * u.Mpc, "Convergence has no unit. Received: Mpc"),
        (masked(3), "3 of 1024 pixels are masked|3 of .* pixels are masked"),
        (KAPPA * 1j, "Maps are real numbers. Received: dtype complex128"),
    ):
        with pytest.raises(ValueError, match=cause):
            STATISTICS[name](maps, 3.75)


@pytest.mark.parametrize("value", ["wide", [1.0, 2.0], 3 * u.kg])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(InputError, match=r"h must be one number, in no unit. Received"):
        in_unit(value, "", "h")
