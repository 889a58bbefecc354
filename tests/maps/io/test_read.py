"""Reading of files and folders, and every kind of unusable file."""

import os
import zipfile

import h5py
import numpy as np
import pytest
from astropy.io import fits

from cosmogan_k3.errors import InputError
from cosmogan_k3.maps import MapSet, read_maps, write_maps


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


def test_real_maps_are_read_with_their_pixel_size(real_maps):
    maps = read_maps(real_maps / "lenstools_z150.fit", pixels=64)
    assert len(maps) == 64
    assert maps.pixel_arcmin == pytest.approx(3.5 * 60 / 512)
    with fits.open(real_maps / "lenstools_z150.fit") as file:
        np.testing.assert_array_equal(maps.kappa[9], file[0].data[64:128, 64:128])


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
    with pytest.raises(InputError, match=r"a.npy: does not say how large its pixels are"):
        read_maps(tmp_path, pixels=4)
    with pytest.raises(InputError, match="3 arcmin in the file, and pixel_arcmin gives 1 arcmin"):
        read_maps(tmp_path, pixels=4, pixel_arcmin=1.0)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no maps in this folder"):
        read_maps(tmp_path / "empty")


def save_npz(**arrays):
    return lambda path: np.savez(path, **{"kappa": good(), "pixel_arcmin": 1.0, **arrays})


@pytest.mark.parametrize(
    ("arrays", "cause"),
    [
        ({"map_id": np.arange(3)}, r"map_id needs one value a map, 2. Received: shape \(3,\)"),
        ({"map_id": np.zeros((2, 2))}, "map_id needs one value a map"),
        ({"map_id": np.array(1)}, "map_id needs one value a map"),
        ({"parameter_h": np.array(["a", "b"])}, "parameter 'h' must be numbers"),
        ({"parameter_h": np.array([1j, 2])}, "parameter 'h' must be numbers"),
        ({"pixel_arcmin": "two"}, "cannot be read .*two"),
        ({"pixel_arcmin": np.ones(2)}, "cannot be read"),
        ({"pixel_arcmin": -1.0}, "positive pixel size.*Received: -1.0"),
        ({"pixel_arcmin": np.inf}, "positive pixel size.*Received: inf"),
        ({"kappa": good((0, 0, 0))}, "holds no maps"),
        ({"kappa": np.float32(1)}, "expected maps of shape"),
    ],
)
def test_odd_arrays_of_an_archive_are_refused_by_name(tmp_path, arrays, cause):
    save_npz(**arrays)(tmp_path / "odd.npz")
    with pytest.raises(InputError, match=f"odd.npz: .*{cause}"):
        read_maps(tmp_path / "odd.npz")


def test_arrays_that_are_not_of_each_map_are_no_parameters(tmp_path):
    save_npz(parameter_seed=3, parameter_note="text", parameter_h=np.ones(2))(tmp_path / "a.npz")
    assert list(read_maps(tmp_path / "a.npz").parameters) == ["h"]


def test_text_files_in_an_archive_are_ignored(tmp_path):
    save_npz()(tmp_path / "a.npz")
    with zipfile.ZipFile(tmp_path / "a.npz", "a") as archive:
        archive.writestr("readme.txt", "maps")
    assert len(read_maps(tmp_path / "a.npz")) == 2


def test_a_data_set_named_parameters_is_ignored(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["kappa"], file["parameters"], file.attrs["pixel_arcmin"] = good(), np.ones(2), 1.0
    assert not read_maps(tmp_path / "a.h5").parameters


def test_identities_of_several_files_do_not_collide(tmp_path):
    for name, map_id in (("a", [5, 5]), ("b", [9, 5])):
        write_maps(tmp_path / f"{name}.npz", MapSet(good(), 1.0, np.array(map_id)))
    assert read_maps(tmp_path, pixels=2).map_id.tolist() == [0] * 8 + [2] * 4 + [1] * 4
