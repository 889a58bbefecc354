"""Statistics take a ``MapSet``, with its pixel size and its units, as they take an array."""

import functools

import numpy as np
import pytest

from cosmogan_k3 import statistics
from cosmogan_k3.errors import InputError
from cosmogan_k3.maps import MapSet

EDGES = np.linspace(-2, 2, 5)
ESTIMATORS = {
    "power_spectrum": statistics.power_spectrum,
    "bispectrum": statistics.bispectrum,
    "pixel_histogram": functools.partial(statistics.pixel_histogram, edges=EDGES),
    "minkowski": functools.partial(statistics.minkowski_functionals, thresholds=EDGES),
    "moments": functools.partial(statistics.smoothed_moments, scales_arcmin=[0, 4]),
    "peaks": functools.partial(statistics.peak_counts, thresholds=EDGES),
    "minima": functools.partial(statistics.minima_counts, thresholds=EDGES),
    "scattering": statistics.scattering_coefficients,
    "starlet": functools.partial(statistics.starlet_l1_norm, thresholds=EDGES, scales=2),
}
SIZED = ("power_spectrum", "bispectrum", "minkowski", "moments")


@pytest.fixture
def maps(rng):
    return MapSet(rng.lognormal(size=(12, 16, 16)).astype("float32"), 2.5, np.arange(12) // 2)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_estimators_give_the_same_for_a_set_and_its_array(maps, name):
    size = {"pixel_arcmin": 2.5} if name in SIZED else {}
    for of_set, of_array in zip(
        ESTIMATORS[name](maps), ESTIMATORS[name](maps.kappa, **size), strict=True
    ):
        np.testing.assert_array_equal(of_set, of_array)


def test_a_comparison_takes_size_and_units_of_the_sets(maps, rng):
    other = MapSet(rng.lognormal(size=(12, 16, 16)).astype("float32"), 2.5)
    options = {"permutations": 19, "splits": 5}
    result = statistics.compare(maps, other, **options)
    same = statistics.compare(
        maps.kappa, other.kappa, pixel_arcmin=2.5, real_groups=maps.map_id, **options
    )
    assert (result.real_units, result.generated_units) == (6, 12)
    assert result.table() == same.table()
    distances = statistics.summary_distances(maps, other, permutations=9)
    assert distances == statistics.summary_distances(
        maps.kappa, other.kappa, pixel_arcmin=2.5, groups=maps.map_id, permutations=9
    )


def test_pixel_sizes_are_needed_and_agree(maps):
    with pytest.raises(InputError, match="is needed for an array"):
        statistics.power_spectrum(maps.kappa)
    with pytest.raises(InputError, match=r"the set has pixels of 2\.5 arcmin. Received: 3"):
        statistics.power_spectrum(maps, pixel_arcmin=3.0)
    with pytest.raises(InputError, match=r"the set has pixels of 3 arcmin. Received: 2\.5"):
        statistics.compare(maps, MapSet(maps.kappa, 3.0))
