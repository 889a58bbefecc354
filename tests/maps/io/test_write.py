"""Writing of files, whole or not at all."""

import numpy as np
import pytest

from cosmogan_k3.errors import InputError
from cosmogan_k3.maps import MapSet, write_maps
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
