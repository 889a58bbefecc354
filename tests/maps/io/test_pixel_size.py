"""Pixel sizes in FITS headers, in other files and as given: the right value, or a refusal."""

import h5py
import numpy as np
import pytest
from astropy.io import fits

from cosmogan_k3.errors import InputError
from cosmogan_k3.maps import MapSet, read_maps, write_maps

N = 16


def kappa(n=3):
    return np.random.default_rng(0).normal(0, 0.02, (n, N, N)).astype("float32")


def header(**cards):
    """Return a header; a pair is the value for both axes, 'CUNIT' and 'CDELT' are for both."""
    made = fits.Header()
    for name, value in cards.items():
        if name in ("CUNIT", "CDELT"):
            made[f"{name}1"] = made[f"{name}2"] = value
        else:
            made[name] = value
    return made


ROTATION = np.cos(0.3), np.sin(0.3)
GOOD = {
    "arcmin": (header(CDELT1=-3.75, CDELT2=3.75, CUNIT="arcmin"), 3.75),
    "half an arcmin": (header(CDELT=0.5, CUNIT="arcmin"), 0.5),
    "arcsec": (header(CDELT=30.0, CUNIT="arcsec"), 0.5),
    "rad": (header(CDELT=1e-4, CUNIT="rad"), np.rad2deg(1e-4) * 60),
    "deg": (header(CDELT=0.0625, CUNIT="deg"), 3.75),
    "degrees by another name": (header(CDELT=0.0625, CUNIT="DEGREES"), 3.75),
    "no unit means degrees": (header(CDELT=0.0625), 3.75),
    "CD": (header(CD1_1=-0.0625, CD2_2=0.0625, CUNIT="deg"), 3.75),
    "rotated CD": (
        header(
            CD1_1=-0.0625 * ROTATION[0],
            CD1_2=0.0625 * ROTATION[1],
            CD2_1=0.0625 * ROTATION[1],
            CD2_2=0.0625 * ROTATION[0],
        ),
        3.75,
    ),
    "PC and CDELT": (header(PC1_1=1.0, PC2_2=1.0, CDELT=3.75, CUNIT="arcmin"), 3.75),
    "PC with CDELT of 1": (header(PC1_1=-0.0625, PC2_2=0.0625, CDELT=1.0, CUNIT="deg"), 3.75),
    "ANGLE": (header(ANGLE=1.0), 3.75),
    "ANGLE and CDELT": (header(ANGLE=1.0, CDELT=0.0625), 3.75),
    "RA and DEC": (
        header(CDELT1=-225.0, CDELT2=225.0, CUNIT="arcsec", CTYPE1="RA---TAN", CTYPE2="DEC--TAN"),
        3.75,
    ),
}


@pytest.mark.parametrize("name", GOOD)
def test_headers_are_read_in_their_units(tmp_path, name):
    cards, expected = GOOD[name]
    fits.PrimaryHDU(kappa(), cards).writeto(tmp_path / "a.fits")
    # Headers hold decimal numbers of double precision.
    assert read_maps(tmp_path / "a.fits").pixel_arcmin == pytest.approx(expected, rel=1e-12)
    with pytest.raises(InputError, match=rf"a.fits: .*{expected:g} arcmin .* gives 18.8 arcmin"):
        read_maps(tmp_path / "a.fits", pixel_arcmin=18.8)


BAD = {
    "no angle": (
        header(CDELT=3.75, CUNIT="Mpc"),
        "CUNIT1 is 'Mpc', which is no unit of angle.* give",
    ),
    "pixels": (header(CDELT=3.75, CUNIT="pixel"), "CUNIT1 is 'pix'"),
    "no unit": (header(CDELT=3.75, CUNIT="bananas"), "CUNIT1 is 'bananas'"),
    "oblong": (header(CDELT1=3.0, CDELT2=4.0), "pixels are not square: 180 x 240 arcmin"),
    "one axis": (header(CDELT1=3.0), "pixels are not square"),
    "sheared": (header(CD1_1=1.0, CD1_2=0.5, CD2_1=0.5, CD2_2=1.0), "not square"),
    "zero": (header(CDELT=0.0), "cannot be read"),
    "text": (header(CDELT="wide"), "CDELT1 must be a number. Received: 'wide'"),
    "negative ANGLE": (header(ANGLE=-1.0), "ANGLE must be positive. Received: -1"),
    "ANGLE of zero": (header(ANGLE=0.0), "ANGLE must be positive"),
    "logical ANGLE": (header(ANGLE=True), "ANGLE must be a number"),
    "two sizes": (header(ANGLE=1.0, CDELT=0.1), "pixels of 3.75 arcmin, .* pixels of 6 arcmin"),
    "default": (header(CDELT=1.0), "does not say how large its pixels are"),
    "nothing": (header(CRVAL1=3.0), "does not say how large its pixels are"),
}


@pytest.mark.parametrize("name", BAD)
def test_headers_without_one_size_are_refused(tmp_path, name):
    cards, cause = BAD[name]
    fits.PrimaryHDU(kappa(), cards).writeto(tmp_path / "a.fits")
    with pytest.raises(InputError, match=f"a.fits: .*{cause}"):
        read_maps(tmp_path / "a.fits")


@pytest.mark.parametrize("name", ["no angle", "no unit", "default", "nothing"])
def test_a_given_size_fills_what_a_header_does_not_say(tmp_path, name):
    fits.PrimaryHDU(kappa(), BAD[name][0]).writeto(tmp_path / "a.fits")
    assert read_maps(tmp_path / "a.fits", pixel_arcmin=3.75).pixel_arcmin == 3.75


def test_every_image_counts(tmp_path):
    images = [fits.ImageHDU(k, header(ANGLE=a)) for k, a in zip(kappa(), (1, 1, 2), strict=True)]
    fits.HDUList([fits.PrimaryHDU(), *images]).writeto(tmp_path / "a.fits")
    with pytest.raises(InputError, match=r"first image has pixels of 3.75 .* unit 3 .* 7.5 arcmin"):
        read_maps(tmp_path / "a.fits")


@pytest.mark.parametrize("ending", ["npz", "fits", "h5"])
def test_a_given_size_must_be_that_of_the_file(tmp_path, ending):
    path = tmp_path / f"a.{ending}"
    write_maps(path, MapSet(kappa(), 4.6875))
    # Rounded values of users mean the file's value; 0.1 % is far from any other pixel size.
    assert read_maps(path, pixel_arcmin=4.69).pixel_arcmin == pytest.approx(4.6875, rel=1e-12)
    with pytest.raises(InputError, match=r"4.6875 arcmin .* gives 18.8 arcmin") as error:
        read_maps(path, pixel_arcmin=18.8)
    assert error.value.parameter == "pixel_arcmin"


@pytest.mark.parametrize("size", [0.0, -1.0, np.nan, np.inf])
def test_sizes_that_are_not_positive_are_refused(tmp_path, size):
    np.savez(tmp_path / "a.npz", kappa=kappa(), pixel_arcmin=size)
    for given in (None, 2.0):  # a file that says nonsense is not mended by an option
        with pytest.raises(InputError, match=r"a.npz: .*positive pixel size. Received"):
            read_maps(tmp_path / "a.npz", pixel_arcmin=given)
    np.save(tmp_path / "b.npy", kappa())
    with pytest.raises(InputError, match="positive pixel size"):
        read_maps(tmp_path / "b.npy", pixel_arcmin=size)


@pytest.mark.parametrize("size", [True, 1 + 2j])
def test_sizes_that_are_no_real_numbers_are_refused(tmp_path, size):
    np.savez(tmp_path / "a.npz", kappa=kappa(), pixel_arcmin=size)
    with pytest.raises(InputError, match=r"a.npz: .*expected a real number. Received"):
        read_maps(tmp_path / "a.npz")


def test_files_of_a_folder_must_agree(tmp_path):
    for name, size in (("a", 2.0), ("b", 2.0005), ("c", 3.0)):
        write_maps(tmp_path / f"{name}.npz", MapSet(kappa(), size))
    with pytest.raises(InputError, match=r"c.npz: .* 3 arcmin .*b.npz has 2.0005 arcmin"):
        read_maps(tmp_path)
    (tmp_path / "c.npz").unlink()
    assert read_maps(tmp_path).pixel_arcmin == pytest.approx(2, rel=1e-3)


def test_hdf5_attributes_of_one_element_and_of_groups_count(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["bins/kappa"] = kappa()
        file["bins"].attrs["pixel_arcmin"] = [3.75]
    assert read_maps(tmp_path / "a.h5").pixel_arcmin == 3.75
    with h5py.File(tmp_path / "a.h5", "a") as file:
        file.attrs["pixel_arcmin"] = 2.0
    with pytest.raises(InputError, match=r"different values of pixel_arcmin: \[2.0, 3.75\]"):
        read_maps(tmp_path / "a.h5")
