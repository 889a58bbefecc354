"""Writing of files, whole or not at all."""

import numpy as np
import pytest

from cosmogan_k3.errors import InputError
from cosmogan_k3.maps import MapSet, MapStream, read_maps, write_maps
from cosmogan_k3.maps.io import formats


def good(shape=(2, 4, 4), dtype="float32"):
    return np.zeros(shape, dtype)


def test_a_failed_write_leaves_nothing_behind(tmp_path, monkeypatch):
    def full_disk(path, maps):
        path.write_bytes(b"half of it")
        raise OSError(28, "No space left on device")

    old = tmp_path / "maps.npz"
    old.write_bytes(b"the previous file")
    known = formats.FORMATS[".npz"]
    monkeypatch.setitem(formats.FORMATS, ".npz", known._replace(write=full_disk))
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


@pytest.mark.parametrize("name", ["", ".", "a/b", "a\x00b"])
def test_names_that_a_file_cannot_hold_are_refused(tmp_path, name):
    maps = MapSet(good(), 1.0, parameters={name: np.zeros(2)})
    with pytest.raises(InputError, match=r"maps\.npz: a file cannot hold a parameter"):
        write_maps(tmp_path / "maps.npz", maps)


@pytest.mark.parametrize("count", [1, 3])
def test_a_stream_with_another_number_of_maps_is_refused(tmp_path, count):
    with pytest.raises(ValueError, match=f"stream of {count} maps was expected. Received: 2"):
        write_maps(tmp_path / "maps.npy", MapStream(count, 4, 1.0, [good()]))
    assert not list(tmp_path.iterdir())


def test_a_stream_of_doubles_is_written_in_single_precision(tmp_path):
    kappa = np.arange(32.0).reshape(2, 4, 4)
    write_maps(tmp_path / "maps.fits", MapStream(2, 4, 1.0, [kappa]))
    np.testing.assert_array_equal(np.asarray(read_maps(tmp_path / "maps.fits").kappa), kappa)
