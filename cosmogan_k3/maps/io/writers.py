"""Writers of npy, npz, FITS and HDF5 files."""

import contextlib
import os
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from cosmogan_k3.errors import InputError

_FITS_RECORD = 2880
"""Bytes of which every part of a FITS file is a multiple."""


PARTIAL = ".partial-"
"""What the names of files begin with that are still being written."""


@contextlib.contextmanager
def replacing(path):
    """Yield a temporary path beside ``path``; it takes the final name only if nothing failed.

    Raises:
        InputError: the folder cannot be written to.
    """
    path = Path(path)
    check_writable(path.parent)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=PARTIAL, suffix=path.suffix, dir=path.parent)
    os.close(handle)
    try:
        yield Path(name)
        Path(name).chmod(0o666 & ~_umask())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def check_writable(folder):
    """Refuse a folder that could not be written to, without making it.

    Raises:
        InputError
    """
    folder = Path(folder)
    existing = next(
        path for path in (folder.absolute(), *folder.absolute().parents) if path.exists()
    )
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        raise InputError(f"{folder}: cannot be written to ({error.strerror or error})") from error


def _write_npy(path, maps):
    with path.open("wb") as file:
        _npy_array(file, maps)


def _npy_array(file, maps):
    """The maps as an npy array, block after block."""
    header = {
        "descr": "<f4",
        "fortran_order": False,
        "shape": (len(maps), maps.pixels, maps.pixels),
    }
    np.lib.format.write_array_header_1_0(file, header)
    for block in maps.blocks():
        file.write(np.ascontiguousarray(block, dtype="<f4").data)


def _write_npz(path, maps):
    rest = {"pixel_arcmin": maps.pixel_arcmin, "map_id": maps.map_id}
    rest |= {f"parameter_{name}": values for name, values in maps.parameters.items()}
    with zipfile.ZipFile(path, "w") as archive:
        with archive.open("kappa.npy", "w", force_zip64=True) as file:
            _npy_array(file, maps)
        for name, values in rest.items():
            with archive.open(f"{name}.npy", "w") as file:
                np.lib.format.write_array(file, np.asanyarray(values), allow_pickle=False)


def _write_hdf5(path, maps):
    import h5py

    with h5py.File(path, "w") as file:
        kappa = file.create_dataset(
            "kappa", shape=(len(maps), maps.pixels, maps.pixels), dtype=np.float32
        )
        kappa.attrs["pixel_arcmin"] = maps.pixel_arcmin
        written = 0
        for block in maps.blocks():
            kappa[written : written + len(block)] = block
            written += len(block)
        file["map_id"] = maps.map_id
        for name, values in maps.parameters.items():
            file[f"parameters/{name}"] = values


def _write_fits(path, maps):
    with path.open("wb") as file:
        for number, kappa in enumerate(kappa for block in maps.blocks() for kappa in block):
            _fits_image(file, maps, number, kappa)


def _fits_image(file, maps, number, kappa):
    """One header and data unit, as astropy would write it; its own files want all units in memory at once."""
    from astropy.io import fits

    hdu = (fits.ImageHDU if number else fits.PrimaryHDU)(kappa)
    if not number:
        hdu.header["EXTEND"] = True
    hdu.header["ANGLE"] = (maps.field_deg, "side of the map in degrees (LensTools)")
    hdu.header["ITYPE"] = ("ConvergenceMap", "Image type")
    hdu.header["MAPID"] = int(maps.map_id[number])
    for axis in (1, 2):
        hdu.header[f"CDELT{axis}"] = (maps.pixel_arcmin / 60, "side of a pixel in degrees")
    data = kappa.astype(">f4").tobytes()
    file.write(hdu.header.tostring().encode("ascii"))
    file.write(data + bytes(-len(data) % _FITS_RECORD))


WRITERS = {
    ".npy": _write_npy,
    ".npz": _write_npz,
    ".h5": _write_hdf5,
    ".hdf5": _write_hdf5,
    ".fits": _write_fits,
    ".fit": _write_fits,
}


def check_output(path):
    """Refuse, before any work, an output that could not be written.

    Raises:
        InputError: unknown ending, or a folder that cannot be written to.
    """
    path = Path(path)
    if path.suffix.lower() not in WRITERS:
        raise InputError(f"{path}: unknown kind of file; expected one of {', '.join(WRITERS)}")
    if path.is_dir():
        raise InputError(f"{path}: is a folder")
    check_writable(path.parent)


def write_maps(path, maps):
    """Write maps in the format that the file's ending names, whole or not at all, a block at a time.

    npz and HDF5 hold everything; FITS one image a map, the first in the primary unit, with ``ANGLE`` as LensTools reads
    it and ``CDELT``; npy the pixels alone.

    Args:
        path: file ending in npy, npz, fits, fit, h5 or hdf5.
        maps: ``MapSet``, or ``MapStream``, whose maps need not fit in memory.

    Raises:
        InputError: unknown ending, or a folder that cannot be written to.
        OSError: a full disk, say; no file is left behind.

    Example:
        >>> import tempfile, numpy as np
        >>> from cosmogan_k3.maps import MapSet, read_maps
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_maps(folder + "/maps.fits", MapSet(np.ones((2, 8, 8), "float32"), pixel_arcmin=1.5))
        ...     read_maps(folder + "/maps.fits").pixel_arcmin
        1.5
    """
    check_output(path)
    with replacing(path) as partial:
        WRITERS[Path(path).suffix.lower()](partial, maps)
