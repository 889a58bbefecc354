"""HDF5 data that are missing, or that lie in other files."""

import h5py
import numpy as np
import pytest

from cosmogan_k3.errors import InputError
from cosmogan_k3.maps import read_maps

N = 8
SHAPE = (4, N, N)


def kappa():
    return np.random.default_rng(0).normal(0, 0.02, SHAPE).astype("float32")


def refusal(path, **options):
    with pytest.raises(InputError) as error:
        np.asarray(read_maps(path, pixel_arcmin=2.0, **options).kappa)
    assert path.name in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("fill", [None, 0.01])
def test_data_that_were_never_written_are_refused(tmp_path, fill):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("kappa", SHAPE, "f4", fillvalue=fill)
    assert "'kappa' was never written" in refusal(tmp_path / "a.h5")


def test_half_written_data_are_refused(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        dataset = file.create_dataset("kappa", SHAPE, "f4", chunks=(1, N, N), maxshape=(None, N, N))
        dataset[:2] = kappa()[:2]
    assert "'kappa' is not complete: 2 of 4 parts written" in refusal(tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5", "a") as file:
        file["kappa"].resize(10**12, axis=0)  # 233 TiB
    assert "2 of 1000000000000 parts" in refusal(tmp_path / "a.h5")


@pytest.mark.parametrize("layout", ["contiguous", "chunked", "packed", "compact"])
def test_whole_data_of_every_layout_are_read(tmp_path, layout):
    options = {"chunked": {"chunks": (3, 5, 5)}, "packed": {"compression": "gzip"}}
    with h5py.File(tmp_path / "a.h5", "w") as file:
        if layout == "compact":
            properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            properties.set_layout(h5py.h5d.COMPACT)
            space = h5py.h5s.create_simple(SHAPE)
            made = h5py.h5d.create(file.id, b"kappa", h5py.h5t.IEEE_F32LE, space, properties)
            h5py.Dataset(made)[...] = kappa()
        else:
            file.create_dataset("kappa", data=kappa(), **options.get(layout, {}))
    read = np.asarray(read_maps(tmp_path / "a.h5", pixel_arcmin=2.0).kappa)
    np.testing.assert_array_equal(read, kappa())


def virtual(path, *sources):
    """Write a virtual data set with one source for each map."""
    layout = h5py.VirtualLayout((len(sources), N, N), "f4")
    for i, (name, dataset) in enumerate(sources):
        layout[i] = h5py.VirtualSource(name, dataset, SHAPE)[i]
    with h5py.File(path, "w") as file:
        file.create_virtual_dataset("kappa", layout, fillvalue=0.01)


def test_virtual_data_sets_are_refused_unless_asked_for(tmp_path):
    with h5py.File(tmp_path / "part.h5", "w") as file:
        file["kappa"] = kappa()
    path = tmp_path / "a.h5"
    virtual(path, *[("part.h5", "kappa")] * 4)
    assert "lie in other files" in refusal(path)
    read = np.asarray(read_maps(path, pixel_arcmin=2.0, external=True).kappa)
    np.testing.assert_array_equal(read, kappa())


def test_virtual_data_sets_with_missing_sources_are_refused(tmp_path):
    with h5py.File(tmp_path / "part.h5", "w") as file:
        file["kappa"] = kappa()
        file["short"] = kappa()[:1]
        file.create_dataset("never", SHAPE, "f4")
    path = tmp_path / "a.h5"
    for source, cause in {
        ("gone.h5", "kappa"): "gone.h5: no such file",
        ("part.h5", "gone"): "holds no data set 'gone'",
        ("part.h5", "short"): "'short' of",
        ("part.h5", "never"): "'never' was never written",
    }.items():
        virtual(path, ("part.h5", "kappa"), source)
        with pytest.raises(InputError) as error:
            read_maps(path, pixel_arcmin=2.0, external=True)
        assert cause in str(error.value)
    with h5py.File(path, "w") as file:
        layout = h5py.VirtualLayout(SHAPE, "f4")
        layout[:3] = h5py.VirtualSource("part.h5", "kappa", SHAPE)[:3]
        file.create_virtual_dataset("kappa", layout)
    assert "hold 192 of 256 pixels" in refusal(path, external=True)


def test_external_storage_is_refused_unless_asked_for(tmp_path, monkeypatch):
    (tmp_path / "pixels.bin").write_bytes(kappa().tobytes())
    path = tmp_path / "a.h5"
    storage = [(str(tmp_path / "pixels.bin"), 0, h5py.h5f.UNLIMITED)]
    with h5py.File(path, "w") as file:
        file.create_dataset("kappa", SHAPE, "f4", external=storage)
    assert "lie in other files" in refusal(path)
    read = np.asarray(read_maps(path, pixel_arcmin=2.0, external=True).kappa)
    np.testing.assert_array_equal(read, kappa())
    (tmp_path / "pixels.bin").write_bytes(kappa().tobytes()[:-4])
    assert "too short" in refusal(path, external=True)
    (tmp_path / "pixels.bin").unlink()
    with pytest.raises(InputError, match=r"pixels.bin: no such file"):
        read_maps(path, pixel_arcmin=2.0, external=True)


def test_external_links_are_refused_unless_asked_for(tmp_path):
    with h5py.File(tmp_path / "part.h5", "w") as file:
        file["kappa"] = kappa()
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["kappa"] = h5py.ExternalLink("part.h5", "/kappa")
        file["data"] = -kappa()
    assert "'kappa' is a link to another file, part.h5" in refusal(path)
    read = np.asarray(read_maps(path, pixel_arcmin=2.0, external=True).kappa)
    np.testing.assert_array_equal(read, kappa())
    np.testing.assert_array_equal(
        np.asarray(read_maps(path, pixel_arcmin=2.0, field="data").kappa), -kappa()
    )
    (tmp_path / "part.h5").unlink()
    refusal(path, external=True)
