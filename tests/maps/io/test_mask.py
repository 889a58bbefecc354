"""Masks from files."""

import h5py
import numpy as np
import pytest
from astropy.io import fits

from cosmogan_k3.errors import InputError
from cosmogan_k3.maps import read_mask


def write_mask(path, mask):
    """Write an array under a name of its own, without pixel size."""
    if path.suffix == ".npy":
        np.save(path, mask)
    elif path.suffix == ".npz":
        np.savez(path, footprint=mask)
    elif path.suffix == ".fits":
        fits.writeto(path, mask.astype(np.uint8))
    else:
        with h5py.File(path, "w") as file:
            file["footprint"] = mask


@pytest.mark.parametrize("ending", ["npy", "npz", "fits", "h5"])
def test_masks_are_read_from_every_format(rng, tmp_path, ending):
    mask = rng.random((6, 6)) < 0.5
    for i, dtype in enumerate((bool, np.int16, np.float32)):
        path = tmp_path / f"mask{i}.{ending}"
        write_mask(path, mask.astype(dtype))
        again = read_mask(path, pixels=6)
        assert again.dtype == bool
        np.testing.assert_array_equal(again, mask)


@pytest.mark.parametrize(
    ("mask", "cause"),
    [
        (np.ones((5, 5)), "expected one mask for maps of 6 x 6 pixels. Received: (5, 5)"),
        (np.ones((2, 6, 6)), "Received: (2, 6, 6)"),
        (np.full((6, 6), 0.5), "expected a mask of 0 and 1"),
        (np.full((6, 6), np.nan), "expected a mask of 0 and 1"),
        (np.zeros((6, 6), bool), "0 everywhere"),
    ],
)
def test_unusable_masks_are_refused_by_name(tmp_path, mask, cause):
    np.save(tmp_path / "mask.npy", mask)
    with pytest.raises(InputError) as error:
        read_mask(tmp_path / "mask.npy", pixels=6)
    assert cause in str(error.value)
    assert "mask.npy" in str(error.value)


def test_a_missing_mask_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_mask(tmp_path / "none.npy", pixels=6)
