"""Sets of maps: shapes and fingerprints."""

import numpy as np
import pytest

from cosmogan_k3.errors import InputError
from cosmogan_k3.maps import MapSet, MapStream


def good(shape=(2, 4, 4), dtype="float32"):
    return np.zeros(shape, dtype)


def test_the_fingerprint_sees_every_pixel(rng):
    kappa = rng.normal(size=(300, 4, 4)).astype("float32")
    maps = MapSet(kappa, 1.0)
    other = kappa.copy()
    other[299, 3, 3] = np.nextafter(other[299, 3, 3], np.float32(9))
    assert maps.fingerprint() == MapSet(kappa.copy(), 1.0).fingerprint()
    assert maps.fingerprint() != MapSet(other, 1.0).fingerprint()
    assert maps.fingerprint() != MapSet(kappa, 2.0).fingerprint()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((good((2, 4, 5)), 1.0), "shape"),
        ((good((0, 4, 4)), 1.0), "n > 0"),
        ((good(), 0.0), "pixel_arcmin must be positive"),
        ((good(), float("nan")), "pixel_arcmin must be positive"),
        ((good(), 1.0, np.arange(3)), "map_id needs one value a map"),
        ((good(), 1.0, None, {"h": np.zeros(5)}), "h needs one value a map"),
        ((good(), float("inf")), "pixel_arcmin must be positive"),
        ((good(), 1.0, np.array([0.0, np.nan])), "map_id must hold integers"),
        ((good(), 1.0, None, {"h": np.array(["a", "b"])}), "h must hold numbers"),
        ((good(dtype="complex64"), 1.0), "real numbers"),
    ],
)
def test_a_set_of_maps_checks_its_shapes(arguments, message):
    with pytest.raises(InputError, match=message):
        MapSet(*arguments)


def test_maps_are_selected_with_identities_and_parameters():
    kappa = np.arange(3, dtype="float32")[:, None, None] * np.ones((3, 2, 2), "float32")
    maps = MapSet(kappa, 1.0, np.array([7, 8, 9]), {"h": np.array([0.1, 0.2, 0.3])}).take([2, 0, 2])
    assert maps.kappa[:, 0, 0].tolist() == [2, 0, 2]
    assert maps.map_id.tolist() == [9, 7, 9]
    assert maps.parameters["h"].tolist() == [0.3, 0.1, 0.3]


def test_a_stream_checks_pixel_size_and_parameters():
    with pytest.raises(InputError, match="pixel_arcmin must be positive"):
        MapStream(2, 4, 0.0, [good()])
    with pytest.raises(InputError, match="h needs one value a map, 2"):
        MapStream(2, 4, 1.0, [good()], {"h": np.zeros(3)})
