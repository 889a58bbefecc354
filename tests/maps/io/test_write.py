"""Writing of files, whole or not at all."""

import contextlib
import resource
import shutil
from pathlib import Path

import numpy as np
import pytest

from cosmogan_k3.errors import InputError
from cosmogan_k3.maps import MapSet, MapStream, read_maps, write_maps
from cosmogan_k3.maps.io import formats
from cosmogan_k3.maps.io.atomic import creating, replacing


def good(shape=(2, 4, 4), dtype="float32"):
    return np.zeros(shape, dtype)


@contextlib.contextmanager
def files_of_at_most(size):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_failed_write_leaves_nothing_behind(tmp_path, monkeypatch):
    def full_disk(path, maps):
        path.write_bytes(b"half of it")
        raise OSError(28, "No space left on device")

    old = tmp_path / "maps.npz"
    old.write_bytes(b"the previous file")
    known = formats.FORMATS[".npz"]
    monkeypatch.setitem(formats.FORMATS, ".npz", known._replace(write=full_disk))
    with pytest.raises(InputError, match=r"written in full \(No space left .* after 10 bytes"):
        write_maps(old, MapSet(good(), 1.0))
    assert old.read_bytes() == b"the previous file"
    assert list(tmp_path.iterdir()) == [old]


@pytest.mark.parametrize("ending", ["npy", "npz", "h5", "fits"])
def test_a_disk_that_ends_in_a_file_is_one_line_in_every_format(tmp_path, rng, ending):
    # A limit on the size of files fails in the same calls as a full disk does.
    path = tmp_path / f"maps.{ending}"
    path.write_bytes(b"the previous file")
    maps = MapSet(rng.normal(size=(8, 64, 64)).astype("float32"), 1.0)
    with files_of_at_most(40_000), pytest.raises(InputError, match="written in full") as caught:
        write_maps(path, maps)
    assert len(str(caught.value)) < 350
    assert "File too large after" in str(caught.value)
    assert path.read_bytes() == b"the previous file"
    assert list(tmp_path.iterdir()) == [path]


def test_a_figure_that_does_not_fit_is_named(tmp_path, rng):
    from matplotlib.figure import Figure

    figure = Figure()
    figure.add_subplot().imshow(rng.normal(size=(200, 200)))
    path = tmp_path / "maps.png"
    with (
        files_of_at_most(5_000),
        pytest.raises(InputError, match=r"maps\.png: cannot be written in full"),
        replacing(path) as partial,
    ):
        figure.savefig(partial)
    assert not list(tmp_path.iterdir())


def test_maps_that_do_not_fit_are_refused_before_the_first_is_drawn(tmp_path, monkeypatch):
    def drawn():
        pytest.fail("a map was drawn")
        yield

    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=4 * 64**2))
    stream = MapStream(10, 64, 1.0, drawn())
    message = r"needs 164 kB, and 16\.4 kB are free on its disk; free 147 kB"
    with pytest.raises(InputError, match=message):
        write_maps(tmp_path / "maps.npy", stream)


def test_other_errors_are_not_taken_for_a_full_disk(tmp_path):
    with pytest.raises(ZeroDivisionError), replacing(tmp_path / "notes.txt"):
        _ = 1 / 0


def test_a_file_is_created_once(tmp_path, monkeypatch):
    path = tmp_path / "notes.txt"
    with creating(path) as partial:
        partial.write_text("first")
    with pytest.raises(FileExistsError), creating(path) as partial:
        partial.write_text("second")

    def no_links(self, target):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", no_links)
    with pytest.raises(FileExistsError), creating(path) as partial:
        partial.write_text("third")
    with creating(tmp_path / "others.txt") as partial:
        partial.write_text("fourth")
    assert {each.name: each.read_text() for each in tmp_path.iterdir()} == {
        "notes.txt": "first",
        "others.txt": "fourth",
    }


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


def test_what_would_not_be_read_is_not_written(tmp_path):
    path = tmp_path / "maps.npz"
    with pytest.raises(
        InputError, match=r"180\.033 degrees wide; flat maps have 180 degrees at most"
    ):
        write_maps(path, MapSet(np.zeros((1, 2, 2), "float32"), 5401.0))
    assert not path.exists()
