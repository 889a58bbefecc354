"""Readers and writers: round trips, and every kind of bad file."""

import os
import weakref

import h5py
import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cosmogan_k3.errors import InputError
from cosmogan_k3.maps import MapSet, MapStream, read_maps, read_mask, write_maps

ENDINGS = ("npz", "h5", "hdf5", "fits", "fit", "npy")


@settings(max_examples=25, deadline=None)
@given(
    kappa=hnp.arrays(
        np.float32,
        st.tuples(st.integers(1, 4), st.just(6), st.just(6)),
        elements=st.floats(-1, 1, width=32, allow_subnormal=False),
    ),
    pixel_arcmin=st.floats(0.01, 100),
    ending=st.sampled_from(ENDINGS),
)
def test_what_is_written_is_read_back(tmp_path_factory, kappa, pixel_arcmin, ending):
    path = tmp_path_factory.mktemp("roundtrip") / f"maps.{ending}"
    write_maps(path, MapSet(kappa, pixel_arcmin))
    again = read_maps(path, pixel_arcmin=pixel_arcmin if ending == "npy" else None)
    np.testing.assert_array_equal(np.asarray(again.kappa), kappa)
    assert again.pixel_arcmin == pytest.approx(pixel_arcmin, rel=1e-12)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_stream_is_written_as_it_is_drawn(tmp_path, ending, rng):
    """Block after block, each forgotten before the next is drawn; what is read back are all of them in order."""
    kappa = rng.normal(size=(7, 6, 6)).astype("float32")
    blocks = []

    def drawn():
        for start in range(0, 7, 2):
            block = kappa[start : start + 2].copy()
            blocks.append(weakref.ref(block))
            yield block
            del block
            assert sum(known() is not None for known in blocks) <= 1

    path = tmp_path / f"maps.{ending}"
    write_maps(path, MapStream(7, 6, 2.0, drawn()))
    again = read_maps(path, pixel_arcmin=2.0 if ending == "npy" else None)
    np.testing.assert_array_equal(np.asarray(again.kappa), kappa)
    assert again.pixel_arcmin == 2.0


def test_fits_of_ours_is_what_astropy_would_have_written(tmp_path, rng):
    kappa = rng.normal(size=(3, 6, 6)).astype("float32")
    write_maps(tmp_path / "maps.fits", MapSet(kappa, 2.0))
    with fits.open(tmp_path / "maps.fits") as ours:
        ours.verify("exception")
        ours.writeto(tmp_path / "again.fits")
    assert (tmp_path / "maps.fits").read_bytes() == (tmp_path / "again.fits").read_bytes()


@pytest.mark.parametrize("ending", ["npz", "h5"])
def test_identities_and_parameters_survive(tmp_path, ending):
    maps = MapSet(
        np.zeros((3, 4, 4), "float32"),
        1.0,
        np.array([7, 7, 9]),
        {"omega_m": np.array([0.2, 0.2, 0.4])},
    )
    write_maps(tmp_path / f"maps.{ending}", maps)
    again = read_maps(tmp_path / f"maps.{ending}")
    assert again.map_id.tolist() == [0, 0, 1]
    assert again.parameters["omega_m"].tolist() == [0.2, 0.2, 0.4]


def test_patches_are_the_windows_of_the_maps(rng, tmp_path):
    kappa = rng.normal(size=(2, 10, 10)).astype("float32")
    np.save(tmp_path / "a.npy", kappa)
    patches = read_maps(tmp_path / "a.npy", pixels=4, pixel_arcmin=1.0)
    expected = np.stack([k[r : r + 4, c : c + 4] for k in kappa for r in (0, 4) for c in (0, 4)])
    np.testing.assert_array_equal(np.asarray(patches.kappa), expected)
    order = [5, 0, 3]
    np.testing.assert_array_equal(patches.kappa[np.array(order)], expected[order])
    np.testing.assert_array_equal(patches.kappa[2], expected[2])
    np.testing.assert_array_equal(np.asarray(patches.take(order).kappa), expected[order])
    assert patches.map_id.tolist() == [0] * 4 + [1] * 4


def test_a_file_that_was_rewritten_is_read_anew(tmp_path):
    for value in (1.0, 2.0):
        write_maps(tmp_path / "maps.npy", MapSet(np.full((2, 4, 4), value, "float32"), 1.0))
        assert np.asarray(read_maps(tmp_path / "maps.npy", pixel_arcmin=1.0).kappa).max() == value


def test_a_folder_is_read_in_the_order_of_names(tmp_path):
    for name, value in (("b.npy", 2), ("a.npz", 1), ("c.fits", 3)):
        write_maps(tmp_path / name, MapSet(np.full((1, 4, 4), value, "float32"), 2.0))
    (tmp_path / "readme.txt").write_text("not a map")
    maps = read_maps(tmp_path, pixel_arcmin=2.0)
    assert [float(k.mean()) for k in np.asarray(maps.kappa)] == [1, 2, 3]
    assert maps.map_id.tolist() == [0, 1, 2]


def test_npy_files_are_memory_mapped(tmp_path):
    from cosmogan_k3.maps.io.readers import open_maps

    np.save(tmp_path / "a.npy", np.zeros((3, 4, 4), "float32"))
    assert isinstance(open_maps(str(tmp_path / "a.npy")).array, np.memmap)


def test_fits_files_are_what_astropy_and_lenstools_expect(tmp_path):
    kappa = np.arange(32, dtype="float32").reshape(2, 4, 4)
    write_maps(tmp_path / "a.fits", MapSet(kappa, 1.5))
    with fits.open(tmp_path / "a.fits") as file:
        assert file[0].data.shape == (4, 4)
        assert file[0].header["ANGLE"] == pytest.approx(4 * 1.5 / 60)  # LensTools: side in degrees
        assert file[0].header["CDELT1"] == pytest.approx(1.5 / 60)
        np.testing.assert_array_equal(file[1].data, kappa[1])


def test_real_maps_are_read_with_their_pixel_size(real_maps):
    maps = read_maps(real_maps / "lenstools_z150.fit", pixels=64)
    assert len(maps) == 64
    assert maps.pixel_arcmin == pytest.approx(3.5 * 60 / 512)
    with fits.open(real_maps / "lenstools_z150.fit") as file:
        np.testing.assert_array_equal(maps.kappa[9], file[0].data[64:128, 64:128])


def test_the_fingerprint_sees_every_pixel(rng):
    kappa = rng.normal(size=(300, 4, 4)).astype("float32")
    maps = MapSet(kappa, 1.0)
    other = kappa.copy()
    other[299, 3, 3] = np.nextafter(other[299, 3, 3], np.float32(9))
    assert maps.fingerprint() == MapSet(kappa.copy(), 1.0).fingerprint()
    assert maps.fingerprint() != MapSet(other, 1.0).fingerprint()
    assert maps.fingerprint() != MapSet(kappa, 2.0).fingerprint()


def good(shape=(2, 4, 4), dtype="float32"):
    return np.zeros(shape, dtype)


def save_npy(array):
    return lambda path: np.save(path, array, allow_pickle=True)


def save_hdf5(path):
    with h5py.File(path, "w") as file:
        file["kappa"] = np.random.default_rng(0).normal(size=(50, 16, 16))


def truncated(writer):
    def write(path):
        writer(path)
        os.truncate(path, path.stat().st_size * 2 // 3)

    return write


def write_text(path):
    path.write_text("these are not maps")


def save_fits(path):
    fits.PrimaryHDU(np.zeros((64, 64), "float32")).writeto(path)


BAD_FILES = {
    "missing.npy": (lambda path: None, "no such file"),
    "text.npy": (write_text, "cannot be read"),
    "text.npz": (write_text, "cannot be read"),
    "text.fits": (write_text, "cannot be read"),
    "text.h5": (write_text, "cannot be read"),
    "maps.txt": (write_text, "unknown kind of file"),
    "truncated.npy": (truncated(save_npy(np.ones((50, 8, 8)))), "cannot be read"),
    "truncated.npz": (
        truncated(lambda path: np.savez(path, kappa=np.ones((50, 8, 8)))),
        "cannot be read",
    ),
    "truncated.fits": (truncated(save_fits), "cannot be read"),
    "truncated.h5": (truncated(save_hdf5), "cannot be read"),
    "pickled.npy": (save_npy(np.array([{}, {}], dtype=object)), "cannot be read"),
    "pickled.npz": (
        lambda path: np.savez(path, kappa=np.array([{}], dtype=object)),
        "cannot be read",
    ),
    "complex.npy": (save_npy(good(dtype="complex64")), "real floating-point"),
    "integer.npy": (save_npy(good(dtype="int32")), "real floating-point"),
    "oblong.npy": (save_npy(good((2, 4, 5))), "expected maps of shape"),
    "line.npy": (save_npy(good((16,))), "expected maps of shape"),
    "four_axes.npy": (save_npy(good((2, 4, 4, 1))), "expected maps of shape"),
    "none.npy": (save_npy(good((0, 4, 4))), "holds no maps"),
    "two_arrays.npz": (lambda path: np.savez(path, a=good(), b=good()), "named 'kappa'"),
    "nothing.npz": (lambda path: np.savez(path), "named 'kappa'"),
    "table.fits": (lambda path: fits.HDUList([fits.PrimaryHDU()]).writeto(path), "no image"),
    "no_scale.npy": (save_npy(good()), "how large its pixels are"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_files_are_refused_by_name(tmp_path, name):
    write, cause = BAD_FILES[name]
    write(tmp_path / name)
    with pytest.raises(InputError, match=cause) as caught:
        read_maps(tmp_path / name)
    assert name in str(caught.value)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_pixels_that_are_not_finite_are_refused_by_name(tmp_path, value):
    kappa = good((3, 4, 4))
    kappa[1, 2, 3] = value
    np.save(tmp_path / "holes.npy", kappa)
    with pytest.raises(InputError, match=r"holes.npy: map 1.* NaN or infinite"):
        read_maps(tmp_path / "holes.npy", pixel_arcmin=1.0).fingerprint()


def test_patches_larger_than_maps_and_mixed_files_are_refused(tmp_path):
    np.save(tmp_path / "a.npy", good((1, 4, 4)))
    with pytest.raises(InputError, match="a patch of 8 pixels is larger"):
        read_maps(tmp_path, pixels=8, pixel_arcmin=1.0)
    with pytest.raises(InputError, match="pixels must be positive"):
        read_maps(tmp_path, pixels=-1)
    np.save(tmp_path / "b.npy", good((1, 8, 8)))
    with pytest.raises(InputError, match="beside maps of 4"):
        read_maps(tmp_path, pixel_arcmin=1.0)
    assert len(read_maps(tmp_path, pixels=4, pixel_arcmin=1.0)) == 5
    write_maps(tmp_path / "c.npz", MapSet(good(), 3.0))
    with pytest.raises(InputError, match="different pixel sizes"):
        read_maps(tmp_path, pixels=4)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no maps in this folder"):
        read_maps(tmp_path / "empty")


def test_a_failed_write_leaves_nothing_behind(tmp_path, monkeypatch):
    from cosmogan_k3.maps import writers

    def full_disk(path, maps):
        path.write_bytes(b"half of it")
        raise OSError(28, "No space left on device")

    old = tmp_path / "maps.npz"
    old.write_bytes(b"the previous file")
    monkeypatch.setitem(writers.WRITERS, ".npz", full_disk)
    with pytest.raises(OSError, match="No space"):
        write_maps(old, MapSet(good(), 1.0))
    assert old.read_bytes() == b"the previous file"
    assert list(tmp_path.iterdir()) == [old]


def test_outputs_that_cannot_be_written_are_refused_first(tmp_path):
    with pytest.raises(InputError, match="unknown kind of file"):
        write_maps(tmp_path / "maps.csv", MapSet(good(), 1.0))
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written to"):
        write_maps(tmp_path / "file" / "maps.npz", MapSet(good(), 1.0))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((good((2, 4, 5)), 1.0), "shape"),
        ((good((0, 4, 4)), 1.0), "n > 0"),
        ((good(), 0.0), "pixel_arcmin must be positive"),
        ((good(), float("nan")), "pixel_arcmin must be positive"),
        ((good(), 1.0, np.arange(3)), "map_id needs one value a map"),
        ((good(), 1.0, None, {"h": np.zeros(5)}), "h needs one value a map"),
    ],
)
def test_a_set_of_maps_checks_its_shapes(arguments, message):
    with pytest.raises(InputError, match=message):
        MapSet(*arguments)


def write_mask(path, mask):
    """Write an array as anyone would, without our conventions."""
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
def test_what_is_no_mask_is_refused_by_name(tmp_path, mask, cause):
    np.save(tmp_path / "mask.npy", mask)
    with pytest.raises(InputError) as error:
        read_mask(tmp_path / "mask.npy", pixels=6)
    assert cause in str(error.value)
    assert "mask.npy" in str(error.value)


def test_a_mask_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_mask(tmp_path / "none.npy", pixels=6)
