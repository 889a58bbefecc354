"""Which array of a file is read."""

import bz2
import gzip

import h5py
import numpy as np
import pytest
from astropy.io import fits

from cosmogan_k3.errors import InputError
from cosmogan_k3.maps import MapSet, read_maps, read_mask, write_maps

N = 8


def maps(seed, n=3):
    return np.random.default_rng(seed).normal(0, 0.02, (n, N, N)).astype("float32")


def write(path, arrays):
    """Write named arrays to a file of any format; None is an array of FITS without a name."""
    if path.suffix == ".npz":
        np.savez(path, **arrays)
    elif path.suffix == ".h5":
        with h5py.File(path, "w") as file:
            for name, array in arrays.items():
                file[name] = array
    else:
        units = [fits.PrimaryHDU()]
        for name, array in arrays.items():
            for image in array if array.ndim == 3 else [array]:
                units.append(fits.ImageHDU(image, name=name))
        fits.HDUList(units).writeto(path)


TAKEN = {
    "kappa beside shear and mask": (["gamma1", "kappa", "gamma2", "mask"], "kappa"),
    "convergence": (["gamma1", "convergence"], "convergence"),
    "a longer name": (["kappa_map", "kappa_mask", "kappa_err"], "kappa_map"),
    "E and B modes": (["kappa_E", "kappa_B"], "kappa_E"),
    "exact before longer": (["kappa_smoothed", "kappa"], "kappa"),
    "only one": (["data"], "data"),
}


@pytest.mark.parametrize("ending", ["npz", "h5", "fits"])
@pytest.mark.parametrize("case", TAKEN)
def test_convergence_is_taken_by_name(tmp_path, case, ending):
    names, taken = TAKEN[case]
    path = tmp_path / f"a.{ending}"
    write(path, {name: maps(i) for i, name in enumerate(names)})
    read = read_maps(path, pixel_arcmin=2.0)
    np.testing.assert_array_equal(np.asarray(read.kappa), maps(names.index(taken)))
    assert read.kappa.files[0].field.lower() == taken.lower()
    assert f"{read.kappa.files[0].field} of {path}" in read.describe()


REFUSED = {
    "bins": ["kappa_z1", "kappa_z2"],
    "two names": ["kappa", "convergence"],
    "shear alone": ["gamma1"],
    "mask alone": ["mask"],
    "error of kappa": ["kappa_err"],
    "B modes alone": ["kappa_B"],
    "unknown names": ["one", "two"],
}


@pytest.mark.parametrize("ending", ["npz", "h5", "fits"])
@pytest.mark.parametrize("case", REFUSED)
def test_what_names_do_not_tell_is_asked_for(tmp_path, case, ending):
    names = REFUSED[case]
    path = tmp_path / f"a.{ending}"
    write(path, {name: maps(i) for i, name in enumerate(names)})
    with pytest.raises(InputError, match=f"a.{ending}: .*name") as error:
        read_maps(path, pixel_arcmin=2.0)
    assert error.value.parameter == "field"
    assert all(name.lower() in str(error.value).lower() for name in names)
    chosen = read_maps(path, pixel_arcmin=2.0, field=names[-1])
    np.testing.assert_array_equal(np.asarray(chosen.kappa), maps(len(names) - 1))


def test_an_array_that_is_not_there_is_refused_with_those_that_are(tmp_path):
    write(tmp_path / "a.npz", {"kappa": maps(0)})
    with pytest.raises(InputError, match=r"holds no array 'zs1'. Received: kappa"):
        read_maps(tmp_path / "a.npz", pixel_arcmin=2.0, field="zs1")


def test_data_sets_in_groups_are_read(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["kappa/zs1"], file["kappa/zs2"] = maps(1), maps(2)
        file["loop"] = file["kappa"]  # a group can be in two places
        file["soft"] = h5py.SoftLink("/kappa/zs1")
    with pytest.raises(InputError, match="kappa/zs1"):
        read_maps(tmp_path / "a.h5", pixel_arcmin=2.0)
    read = read_maps(tmp_path / "a.h5", pixel_arcmin=2.0, field="kappa/zs2")
    np.testing.assert_array_equal(np.asarray(read.kappa), maps(2))
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["kappa/zs1"] = maps(1)
    assert read_maps(tmp_path / "b.h5", pixel_arcmin=2.0).kappa.files[0].field == "kappa/zs1"


def test_fits_images_are_chosen_by_name_type_or_number(tmp_path):
    first = fits.PrimaryHDU(maps(0)[0], fits.Header({"ITYPE": "ConvergenceMap"}))
    fits.HDUList([first, fits.ImageHDU(maps(1)[0])]).writeto(tmp_path / "a.fits")
    read = read_maps(tmp_path / "a.fits", pixel_arcmin=2.0)
    np.testing.assert_array_equal(read.kappa[0], maps(0)[0])
    read = read_maps(tmp_path / "a.fits", pixel_arcmin=2.0, field="1")
    np.testing.assert_array_equal(read.kappa[0], maps(1)[0])


def test_a_table_is_no_image(tmp_path):
    table = fits.BinTableHDU.from_columns([fits.Column("kappa", "E", array=np.zeros(4, "f4"))])
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(tmp_path / "a.fits")
    with pytest.raises(InputError, match="no image in this FITS file; tables are not read"):
        read_maps(tmp_path / "a.fits", pixel_arcmin=2.0)


@pytest.mark.parametrize("name", ["mask.npy", "gamma1.npy", "survey_mask.fits"])
def test_files_named_as_something_else_are_refused(tmp_path, name):
    write_maps(tmp_path / "a.npy", MapSet(maps(0), 2.0))
    if name.endswith("npy"):
        np.save(tmp_path / name, maps(1))
    else:
        fits.PrimaryHDU(maps(1)[0]).writeto(tmp_path / name)
    for path in (tmp_path, tmp_path / name):
        with pytest.raises(InputError, match=rf"{name}: by its name it holds no convergence"):
            read_maps(path, pixel_arcmin=2.0)


@pytest.mark.parametrize("shape", [(N, N), (2, N, N)])
@pytest.mark.parametrize("ending", ["npy", "npz", "fits", "h5"])
def test_a_mask_is_no_map_whatever_it_is_named(tmp_path, ending, shape):
    mask = np.ones(shape, "float32")
    mask[..., 3:6, 3:6] = 0
    if ending == "npy":
        np.save(tmp_path / "field.npy", mask)
    else:
        write(tmp_path / f"field.{ending}", {"data": mask})
    with pytest.raises(InputError, match="holds only 0 and 1, as a mask does"):
        read_maps(tmp_path, pixel_arcmin=2.0)


def test_a_mask_is_taken_by_name(tmp_path):
    mask = np.tri(N)
    for ending in ("npz", "h5", "fits"):
        write(tmp_path / f"a.{ending}", {"kappa": maps(0)[0], "mask": mask})
        np.testing.assert_array_equal(read_mask(tmp_path / f"a.{ending}", pixels=N), mask)
    write(tmp_path / "two.npz", {"one": mask, "two": mask})
    with pytest.raises(InputError, match=r"expected one array with a mask. Received: one, two"):
        read_mask(tmp_path / "two.npz", pixels=N)


@pytest.mark.parametrize(
    "dtype", ["uint8", "int8", "uint16", "int16", "int32", "uint32", "int64", "uint64"]
)
def test_masks_of_any_integers_are_read_from_fits(tmp_path, dtype):
    fits.PrimaryHDU(np.tri(N).astype(dtype)).writeto(tmp_path / "mask.fits")
    np.testing.assert_array_equal(read_mask(tmp_path / "mask.fits", pixels=N), np.tri(N))


@pytest.mark.parametrize("blank", [False, True])
@pytest.mark.parametrize("dtype", ["int16", "uint16", "int8", "uint8", "int32", "uint64"])
def test_images_of_integers_without_a_scale_are_no_maps(tmp_path, dtype, blank):
    counts = np.random.default_rng(0).integers(0, 100, (N, N)).astype(dtype)
    image = fits.PrimaryHDU(counts, fits.Header({"ANGLE": 1.0}))
    if blank:  # no value of a real number makes counts real numbers
        image.header["BLANK"] = 0
    image.writeto(tmp_path / "a.fits")
    with pytest.raises(InputError, match=r"a.fits: .*floating-point maps. Received: dtype"):
        read_maps(tmp_path / "a.fits")


@pytest.mark.parametrize(
    ("bits", "zero"), [("uint8", 0.0), ("int16", 0.0), ("int16", 0.01), ("int32", 0.0)]
)
def test_scaled_integers_have_their_values(tmp_path, bits, zero):
    step = {"uint8": 1e-3}.get(bits, 1e-5)
    values = np.abs(maps(0)) if bits == "uint8" else maps(0)
    image = fits.PrimaryHDU(values.copy(), fits.Header({"ANGLE": 1.0}))
    image.scale(bits, bscale=step, bzero=zero)
    image.writeto(tmp_path / "a.fits")
    read = np.asarray(read_maps(tmp_path / "a.fits").kappa)
    # Half a step, and the rounding of float32.
    np.testing.assert_allclose(read, values, atol=0.5 * step + 1e-8)


def test_blank_pixels_are_refused_with_their_number(tmp_path):
    stored = np.random.default_rng(0).integers(-100, 100, (2, N, N)).astype("int16")
    stored[1, 2, 3:5] = -32768
    image = fits.PrimaryHDU(stored, fits.Header({"ANGLE": 1.0}))
    image.header["BSCALE"], image.header["BLANK"] = 1e-4, -32768
    image.writeto(tmp_path / "a.fits")
    read = read_maps(tmp_path / "a.fits")
    np.testing.assert_allclose(read.kappa[0], stored[0] * 1e-4, rtol=1e-6)  # float32
    with pytest.raises(InputError, match=r"a.fits: map 1.*: 2 of 64 pixels .*BLANK"):
        read.fingerprint()
    mask = np.ones((N, N), bool)
    mask[2, 3:5] = False
    read.fingerprint(mask)


@pytest.mark.parametrize("ending", ["npy", "npz", "h5", "fits"])
def test_unseen_pixels_are_refused_with_their_number(tmp_path, ending):
    kappa = maps(0)
    kappa[2, 0, :3] = -1.6375e30
    write_maps(tmp_path / f"a.{ending}", MapSet(kappa, 2.0))
    read = read_maps(tmp_path / f"a.{ending}", pixel_arcmin=2.0)
    with pytest.raises(InputError, match=rf"a.{ending}: map 2.*: 3 of 64 pixels .*-1.6375e\+30"):
        read.fingerprint()


@pytest.mark.parametrize("dtype", [">f4", "<f8", ">f8", "float16"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_layouts_and_types_have_their_values(tmp_path, dtype, order):
    kappa = np.asarray(maps(0), dtype, order=order)
    np.save(tmp_path / "a.npy", kappa)
    np.savez(tmp_path / "a.npz", kappa=kappa)
    np.savez_compressed(tmp_path / "packed.npz", kappa=kappa)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["kappa"] = kappa
    for name in ("a.npy", "a.npz", "packed.npz", "a.h5"):
        read = read_maps(tmp_path / name, pixel_arcmin=2.0)
        np.testing.assert_array_equal(np.asarray(read.kappa), kappa.astype("float32"))
        np.testing.assert_array_equal(read.kappa[np.array([2, 0])], kappa[[2, 0]].astype("float32"))


def test_compressed_fits_files_are_read(tmp_path):
    write_maps(tmp_path / "a.fits", MapSet(maps(0), 2.0))
    content = (tmp_path / "a.fits").read_bytes()
    (tmp_path / "b.fits.gz").write_bytes(gzip.compress(content))
    read = read_maps(tmp_path / "b.fits.gz")
    np.testing.assert_array_equal(np.asarray(read.kappa), maps(0))
    assert read.pixel_arcmin == pytest.approx(2.0)
    tiles = fits.CompImageHDU(
        maps(0)[0], fits.Header({"ANGLE": 1.0}), compression_type="GZIP_1", quantize_level=0
    )
    fits.HDUList([fits.PrimaryHDU(), tiles]).writeto(tmp_path / "c.fits")
    np.testing.assert_array_equal(read_maps(tmp_path / "c.fits").kappa[0], maps(0)[0])
    (tmp_path / "d.fits.gz").write_bytes(bz2.compress(content))
    with pytest.raises(InputError, match=r"d.fits.gz: cannot be read"):
        read_maps(tmp_path / "d.fits.gz")
    with pytest.raises(InputError, match="read only; write one of"):
        write_maps(tmp_path / "e.fits.gz", MapSet(maps(0), 2.0))


def test_identities_of_single_images_are_those_of_the_folder(tmp_path):
    for i, identity in enumerate((7, 7, 3)):
        header = fits.Header({"ANGLE": 1.0, "MAPID": identity})
        fits.PrimaryHDU(maps(i)[0], header).writeto(tmp_path / f"{i}.fits")
    assert read_maps(tmp_path).map_id.tolist() == [0, 0, 1]


def test_single_maps_that_are_written_are_different_maps(tmp_path):
    """Each is number 0 of its own set."""
    for i in range(3):
        write_maps(tmp_path / f"{i}.fits", MapSet(maps(i, 1), 2.0))
    assert read_maps(tmp_path).map_id.tolist() == [0, 1, 2]


def test_identities_of_some_images_only_are_refused(tmp_path):
    first = fits.PrimaryHDU(maps(0)[0], fits.Header({"MAPID": 4}))
    fits.HDUList([first, fits.ImageHDU(maps(1)[0])]).writeto(tmp_path / "a.fits")
    with pytest.raises(InputError, match="MAPID must be an integer in every image"):
        read_maps(tmp_path / "a.fits", pixel_arcmin=2.0)
