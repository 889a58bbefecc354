"""What does not look like convergence is said, with the maps and the numbers."""

import numpy as np
import pytest

from cosmogan_k3.errors import InputError
from cosmogan_k3.maps import MapSet, PatchTable
from cosmogan_k3.maps.io.open import MapSource


def kappa(n=12):
    """Lognormal maps with a scatter of 0.02, as of convergence."""
    noise = np.random.default_rng(0).lognormal(0, 0.5, (n, 16, 16))
    return (0.02 * (noise - noise.mean()) / noise.std()).astype("float32")


def warnings(maps):
    return MapSet(maps, 3.75).inspect().warnings


@pytest.mark.parametrize("factor", [0.05, 1, 5])
def test_maps_with_the_scatter_of_convergence_give_no_warning(factor):
    """σ_κ of 0.001 to 0.1 covers source redshifts from 0.2 to 20."""
    assert warnings(factor * kappa()) == ()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda k: 100 * k, ["scatter of the pixels is 2;", "per cent, shear, counts"]),
        (lambda k: 1e-6 * k, ["scatter of the pixels is 2e-08;"]),
        (
            lambda k: 1 + 2 * k,
            ["mean of the pixels is 1, 2", "times their scatter", "magnification"],
        ),
    ],
)
def test_maps_of_another_field_are_called_so(change, words):
    (line,) = warnings(change(kappa()))
    assert all(word in line for word in words)


def test_constant_maps_and_single_pixels_are_named_and_counted():
    maps = kappa()
    maps[[1, 4, 5, 9]] = 0
    maps[7, 3, 2] = -50
    constant, outlier = warnings(maps)
    assert constant.startswith("4 of 12 maps are constant: Map 1 (0 everywhere), Map 4 ")
    assert constant.endswith("Map 5 (0 everywhere), and 1 more")
    assert outlier.startswith("1 of 12 maps has pixels more than 300 sigma from the mean: Map 7 (-")
    # -50 over the median scatter of the maps, near 0.02
    assert 1500 < float(outlier.split(",")[1].split()[0].replace(",", "")) < 4000


def test_all_maps_constant_is_one_warning():
    (line,) = warnings(np.zeros((3, 8, 8), "float32"))
    assert line.startswith("3 of 3 maps are constant")


def test_masked_pixels_count_for_nothing():
    maps, mask = kappa(), np.ones((16, 16), bool)
    mask[3, 2] = False
    maps[7, 3, 2] = -1.6375e30
    maps[8, 3, 2] = np.nan
    inspection = MapSet(maps, 3.75).inspect(mask)
    assert inspection.warnings == ()
    assert inspection.pixels.lowest.min() > -1


def test_values_that_mark_missing_pixels_are_refused_by_file_and_map(tmp_path):
    """UNSEEN of HEALPix, and others whose powers float32 does not hold."""
    for value in (-1.6375e30, 1e38, 2e9):
        maps = kappa()
        maps[3, 4, 5] = value
        np.save(tmp_path / "maps.npy", maps)
        table = np.array([[0, i, 0, 0] for i in range(12)])
        on_disk = PatchTable((MapSource.of(tmp_path / "maps.npy"),), table, 16)
        with pytest.raises(InputError, match=r"maps.npy: map 3.* mark missing pixels .* mask"):
            MapSet(on_disk, 3.75).fingerprint()


def test_the_numbers_of_a_set_are_those_of_its_pixels():
    maps = kappa(600)  # more than two blocks
    pixels = MapSet(maps, 3.75).inspect().pixels
    flat = maps.reshape(600, -1).astype(float)
    for found, expected in (
        (pixels.lowest, flat.min(axis=1)),
        (pixels.highest, flat.max(axis=1)),
        (pixels.mean, flat.mean(axis=1)),
        (pixels.deviation, flat.std(axis=1)),
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-12)
