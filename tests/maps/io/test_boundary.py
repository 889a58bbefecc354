"""What the readers open, how much they take, and what they say of everything else."""

import contextlib
import gzip
import io
import os
import pickle
import threading
import time
import tracemalloc
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from astropy.io import fits

from cosmogan_k3.errors import InputError
from cosmogan_k3.maps import MapSet, read_maps, read_mask, write_maps
from cosmogan_k3.maps.io import npz
from cosmogan_k3.maps.io.guard import input_errors

N = 8
ENDINGS = ("npy", "npz", "fits", "fits.gz", "h5")


def kappa(n=3):
    return np.random.default_rng(0).normal(0, 0.02, (n, N, N)).astype("float32")


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("kind", ["pipe", "link to a device", "folder"])
def test_only_regular_files_are_opened(tmp_path, ending, kind):
    path = tmp_path / f"a.{ending}"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero")
    for read in (read_maps, lambda path: read_mask(path, pixels=N)):
        with pytest.raises(InputError, match=r"no regular file|no maps in this folder"):
            read(path)


def test_a_pipe_in_a_folder_of_maps_is_refused(tmp_path):
    write_maps(tmp_path / "a.npz", MapSet(kappa(), 2.0))
    os.mkfifo(tmp_path / "b.npz")
    with pytest.raises(InputError, match=r"b.npz: is no regular file"):
        read_maps(tmp_path)


@pytest.mark.parametrize("error", [RuntimeError("x\ny"), MemoryError(), OSError(), KeyError(3)])
def test_every_exception_becomes_one_line_with_file_and_cause(error):
    cause = r"a.h5: cannot be read \(.+\)"
    with pytest.raises(InputError, match=cause) as caught, input_errors("a.h5"):
        raise error
    assert "\n" not in str(caught.value)


def test_an_archive_behind_another_one_is_refused(tmp_path):
    content = io.BytesIO()
    np.savez(content, kappa=np.zeros((2, 8, 8), "f4"), pixel_arcmin=1.0)
    (tmp_path / "two.npz").write_bytes(2 * content.getvalue())  # cat one.npz one.npz
    with pytest.raises(InputError, match=r"two.npz: .*two files in one"):
        read_maps(tmp_path / "two.npz")


def test_a_data_set_without_values_is_refused(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["kappa"] = h5py.Empty("f4")
    with pytest.raises(InputError, match=r"a.h5: kappa: holds no maps"):
        read_maps(tmp_path / "a.h5", pixel_arcmin=1.0)


@pytest.mark.parametrize("text", ["\0", "x" * 300, "a/b/c"])
def test_paths_that_cannot_exist_are_refused(tmp_path, text):
    with pytest.raises(InputError, match=r"cannot be read|no such file"):
        read_maps(tmp_path / f"{text}.npz")


def npy_of_shape(shape, dtype="<f4"):
    """Return an npy file whose header describes more than it holds."""
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}"
    header = text.ljust(117).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(256)


def fits_of_cards(*cards):
    """Return a FITS file with these cards and one record of data."""
    lines = ["SIMPLE  =                    T", "BITPIX  =                  -32", *cards, "END"]
    header = "".join(line.ljust(80) for line in lines)
    return header.ljust(-(-len(header) // 2880) * 2880).encode() + bytes(2880)


def axes(*lengths):
    cards = [f"NAXIS   = {len(lengths):>20}"]
    return cards + [f"NAXIS{i + 1:<3}= {length:>20}" for i, length in enumerate(lengths)]


HUGE = {
    "a.npy": npy_of_shape((10**6, 4096, 4096)),
    "negative.npy": npy_of_shape((-1, 8, 8)),
    "objects.npy": npy_of_shape((8,), "|O"),
    "a.fits": fits_of_cards(*axes(4096, 4096, 10**6)),
    "axes.fits": fits_of_cards("NAXIS   =            999999999", "NAXIS1  =                    8"),
    "negative.fits": fits_of_cards(*axes(-8, 8)),
    "logical.fits": fits_of_cards(*axes("T", 8)),
    "bits.fits": fits_of_cards(*axes(8, 8)).replace(b"-32", b" 33"),
    "endless.fits": fits_of_cards(*axes(8, 8))[:2880].replace(b"END", b"   ") * 40,
    "groups.fits": fits_of_cards(*axes(8, 8), "GCOUNT  =              2000000000"),
}


@pytest.mark.parametrize("name", HUGE)
def test_sizes_are_checked_before_anything_is_allocated(tmp_path, name):
    (tmp_path / name).write_bytes(HUGE[name])
    tracemalloc.start()
    start = time.monotonic()
    with pytest.raises(InputError, match=rf"{name}: cannot be read"):
        read_maps(tmp_path / name, pixel_arcmin=2.0)
    assert time.monotonic() - start < 5  # the limit of the issue; it takes milliseconds
    assert tracemalloc.get_traced_memory()[1] < 2**26  # libraries that are imported, and the file
    tracemalloc.stop()


def test_npy_headers_in_archives_are_checked(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("kappa.npy", npy_of_shape((10**6, 4096, 4096)))
    with pytest.raises(InputError, match=r"a.npz: cannot be read \(the header describes an array"):
        read_maps(tmp_path / "a.npz", pixel_arcmin=2.0)


@pytest.mark.slow
def test_small_files_do_not_become_gigabytes(tmp_path):
    zeros = np.zeros((300, 512, 512), "float32")  # 300 MiB
    np.savez_compressed(tmp_path / "a.npz", kappa=zeros)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("kappa", data=zeros, compression="gzip", chunks=(100, 512, 512))
    with gzip.open(tmp_path / "a.fits.gz", "wb", compresslevel=1) as file:
        for _ in range(300):
            file.write(bytes(2**20))
    for ending in ("npz", "h5", "fits.gz"):
        with pytest.raises(InputError, match=rf"a.{ending}: .*MiB of data are packed into"):
            read_maps(tmp_path / f"a.{ending}", pixel_arcmin=2.0)


def test_members_that_are_not_needed_are_not_read(tmp_path, monkeypatch):
    np.savez_compressed(tmp_path / "a.npz", kappa=kappa(), pixel_arcmin=2.0, gamma1=kappa())
    inflated = []

    def inflate(path, version, name):
        inflated.append(name)
        return original(path, version, name)

    original = npz._inflate
    monkeypatch.setattr(npz, "_inflate", inflate)
    np.testing.assert_array_equal(np.asarray(read_maps(tmp_path / "a.npz").kappa), kappa())
    assert sorted(inflated) == ["kappa.npy", "pixel_arcmin.npy"]


@pytest.mark.parametrize("compress", [np.savez, np.savez_compressed])
def test_a_flipped_bit_of_an_archive_is_refused(tmp_path, compress):
    compress(tmp_path / "a.npz", kappa=kappa(), pixel_arcmin=2.0)
    data = bytearray((tmp_path / "a.npz").read_bytes())
    data[600] ^= 1
    (tmp_path / "a.npz").write_bytes(data)
    with pytest.raises(InputError, match=r"a.npz: cannot be read"):
        np.asarray(read_maps(tmp_path / "a.npz").kappa)


@pytest.mark.parametrize("change", ["replaced", "rewritten", "removed"])
@pytest.mark.parametrize("ending", ENDINGS[:3] + ENDINGS[4:])
def test_a_file_that_changes_while_it_is_used_is_refused(tmp_path, ending, change):
    """No mixture of old and new maps: not of a set, and not in another process."""
    path = tmp_path / f"a.{ending}"
    write_maps(path, MapSet(kappa(), 2.0))
    maps = read_maps(path, pixel_arcmin=2.0)
    elsewhere = pickle.dumps(maps)
    np.testing.assert_array_equal(maps.kappa[0], kappa()[0])
    if change == "replaced":
        write_maps(path, MapSet(-kappa(), 2.0))
    elif change == "removed":
        path.unlink()
    else:
        with path.open("r+b") as file:
            file.write(file.read(1)[:0] + path.read_bytes())
        os.utime(path, ns=(0, 0))
    for held in (maps, pickle.loads(elsewhere)):
        with pytest.raises(InputError, match=rf"a.{ending}: (was changed|no such file)"):
            held.kappa[1]


def test_no_file_stays_open(tmp_path):
    folder = Path("/proc/self/fd")
    if not folder.is_dir():
        pytest.skip("open files are counted on Linux only")
    sets = []
    for ending in ("npy", "npz", "fits", "h5"):
        write_maps(tmp_path / f"a.{ending}", MapSet(kappa(), 2.0))
        sets.append(read_maps(tmp_path / f"a.{ending}", pixel_arcmin=2.0))
        sets[-1].kappa[0]
    held = [str(link.resolve()) for link in folder.iterdir()]
    assert not [path for path in held if str(tmp_path) in path]


def test_threads_read_the_same_maps(tmp_path):
    """As the threads of a measurement do."""
    write_maps(tmp_path / "a.h5", MapSet(kappa(40), 2.0))
    maps, wrong = read_maps(tmp_path / "a.h5"), []

    def read(seed):
        chosen = np.random.default_rng(seed).integers(40, size=30)
        wrong.extend(i for i in chosen if not np.array_equal(maps.kappa[i], kappa(40)[i]))

    threads = [threading.Thread(target=read, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_cut_fits_file_is_refused_wherever_it_is_cut(tmp_path):
    """In each header and each image; the number of maps tells of cuts between two units."""
    whole, path = tmp_path / "whole.fits", tmp_path / "a.fits"
    write_maps(whole, MapSet(kappa(4), 2.0))
    data = whole.read_bytes()
    for length in range(0, len(data), 480):
        path.write_bytes(data[:length])
        with pytest.raises(InputError, match=r"a.fits: "):
            read_maps(path)


def test_flipped_bits_of_a_fits_header_change_no_maps_in_silence(tmp_path):
    """A damaged keyword that still is one can hide what it says, but no image and no map."""
    write_maps(tmp_path / "whole.fits", MapSet(kappa(3), 2.0))
    data = (tmp_path / "whole.fits").read_bytes()
    with fits.open(tmp_path / "whole.fits") as file:
        start = file[1]._header_offset
    for place in range(start, start + 560, 7):
        damaged = bytearray(data)
        damaged[place] ^= 1 << (place % 8)
        (tmp_path / "a.fits").write_bytes(damaged)
        with contextlib.suppress(InputError):
            read = read_maps(tmp_path / "a.fits")
            np.testing.assert_array_equal(np.asarray(read.kappa), kappa(3))
            assert read.pixel_arcmin == pytest.approx(2.0, rel=1e-3)
