"""Full skies in files of every format, as healpy and others write them."""

import h5py
import healpy
import numpy as np
import pytest
from astropy.io import fits

from cosmogan_k3.errors import InputError
from cosmogan_k3.maps.io.sky import read_sky, read_sky_mask

NSIDE = 16


@pytest.fixture
def kappa(rng):
    return rng.normal(0, 0.02, 12 * NSIDE**2).astype("float32")


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("ending", ["fits", "fits.gz"])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_healpy_maps_are_read_with_their_order(tmp_path, kappa, nested, ending, dtype):
    path = tmp_path / f"sky.{ending}"
    healpy.write_map(path, kappa, nest=nested, dtype=dtype)
    sky = read_sky(path)
    np.testing.assert_array_equal(sky.pixels, kappa)
    assert (sky.nested, sky.nside, sky.pixels.dtype) == (nested, NSIDE, np.float32)


def test_a_column_is_chosen_by_its_name(tmp_path, kappa):
    path = tmp_path / "sky.fits"
    healpy.write_map(path, [0 * kappa, kappa], column_names=["gamma1", "kappa"], dtype=np.float32)
    np.testing.assert_array_equal(read_sky(path).pixels, kappa)
    assert not read_sky(path, field="gamma1").pixels.any()
    healpy.write_map(path, kappa, column_names=["gamma1"], dtype=np.float32, overwrite=True)
    with pytest.raises(InputError, match="not named as convergence"):
        read_sky(path)


@pytest.mark.parametrize("nested", [False, True])
def test_a_part_of_the_sky_is_filled_with_missing_pixels(tmp_path, kappa, nested):
    kappa[::3] = healpy.UNSEEN
    healpy.write_map(tmp_path / "part.fits", kappa, partial=True, nest=nested, dtype=np.float32)
    sky = read_sky(tmp_path / "part.fits")
    assert np.isnan(sky.pixels[::3]).all()
    np.testing.assert_array_equal(np.delete(sky.pixels, np.s_[::3]), np.delete(kappa, np.s_[::3]))


@pytest.mark.parametrize("ending", ["npy", "npz", "h5"])
def test_arrays_of_one_axis_are_skies(tmp_path, kappa, ending):
    path = tmp_path / f"sky.{ending}"
    if ending == "npy":
        np.save(path, kappa)
    elif ending == "npz":
        np.savez(path, kappa=kappa, gamma1=kappa, ell=np.arange(5))
    else:
        with h5py.File(path, "w") as file:
            file["kappa"], file["n_of_z"] = kappa, np.zeros(7)
    assert not read_sky(path).nested
    sky = read_sky(path, ordering="nested")
    assert sky.nested
    np.testing.assert_array_equal(sky.pixels, kappa)


def test_a_mask_may_have_any_type(tmp_path, kappa):
    observed = kappa > 0
    for name, mask in {
        "bool": observed,
        "int": observed.astype("i4"),
        "float": 1.0 * observed,
    }.items():
        np.save(tmp_path / f"{name}.npy", mask)
        found = read_sky_mask(tmp_path / f"{name}.npy").pixels
        np.testing.assert_array_equal(np.isfinite(found), observed)
    healpy.write_map(tmp_path / "mask.fits", observed.astype("i2"), dtype="i2")
    np.testing.assert_array_equal(
        np.isfinite(read_sky_mask(tmp_path / "mask.fits").pixels), observed
    )
    np.save(tmp_path / "weights.npy", kappa)
    with pytest.raises(InputError, match="expected a mask of 0 and 1"):
        read_sky_mask(tmp_path / "weights.npy")


HEADERS = {
    "NSIDE of another sky": ({"NSIDE": 8}, "3072 values for a sky of 768 pixels"),
    "no number": ({"NSIDE": "16"}, "NSIDE is '16'"),
    "no order": ({"ORDERING": "SPIRAL"}, "expected RING or NESTED"),
    "counts": ({"TFORM1": "1J"}, "expected floats"),
}


@pytest.mark.parametrize("case", HEADERS)
def test_headers_that_do_not_fit_are_refused(tmp_path, kappa, case):
    cards, message = HEADERS[case]
    path = tmp_path / "sky.fits"
    healpy.write_map(path, kappa, dtype=np.float32)
    for name, value in cards.items():
        fits.setval(path, name, value=value, ext=1)
    with pytest.raises(InputError, match=message):
        read_sky(path)


def test_a_cut_file_is_refused(tmp_path, kappa):
    path = tmp_path / "sky.fits"
    healpy.write_map(path, kappa, dtype=np.float32)
    path.write_bytes(path.read_bytes()[:-2880])
    with pytest.raises(InputError, match="the file is cut, or damaged"):
        read_sky(path)
    fits.writeto(tmp_path / "image.fits", np.zeros((8, 8), "f4"))
    with pytest.raises(InputError, match="expected one table with HEALPix maps"):
        read_sky(tmp_path / "image.fits")
