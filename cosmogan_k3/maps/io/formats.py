"""The known file formats, by ending."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from cosmogan_k3.errors import InputError
from cosmogan_k3.maps.io.choice import Request
from cosmogan_k3.maps.io.dat import open_dat
from cosmogan_k3.maps.io.fits import open_fits, write_fits
from cosmogan_k3.maps.io.hdf5 import open_hdf5, write_hdf5
from cosmogan_k3.maps.io.map_file import MapFile, WritableMaps
from cosmogan_k3.maps.io.npy import open_npy, write_npy
from cosmogan_k3.maps.io.npz import open_npz, write_npz


class Format(NamedTuple):
    """Reader and writer of a file format.

    Parameters
    ----------
    open : callable
        From the path of a file, and what is asked of it, to its ``MapFile``.
    write : callable, optional
        Writes a ``MapSet`` or ``MapStream`` to a path; None if the format is only read.

    Examples
    --------
    >>> Format(open_npy, write_npy).open.__name__
    'open_npy'
    """

    open: Callable[[Path, Request], MapFile]
    write: Callable[[Path, WritableMaps], None] | None


_FITS = Format(open_fits, write_fits)
_FITS_GZ = Format(open_fits, None)
_HDF5 = Format(open_hdf5, write_hdf5)

FORMATS = {
    ".npy": Format(open_npy, write_npy),
    ".npz": Format(open_npz, write_npz),
    ".fits": _FITS,
    ".fit": _FITS,
    ".fits.gz": _FITS_GZ,
    ".fit.gz": _FITS_GZ,
    ".h5": _HDF5,
    ".hdf5": _HDF5,
    ".dat": Format(open_dat, None),
}


def ending_of(path: Path) -> str:
    """Return the ending of a path in lower case, with the one before ".gz".

    Parameters
    ----------
    path : Path

    Returns
    -------
    str

    Examples
    --------
    >>> ending_of(Path("maps.FITS.gz")), ending_of(Path("maps.npy"))
    ('.fits.gz', '.npy')
    """
    ending = path.suffix.lower()
    return path.with_suffix("").suffix.lower() + ending if ending == ".gz" else ending


def format_of(path: Path) -> Format:
    """Return the format that the ending of a path names.

    Parameters
    ----------
    path : Path

    Returns
    -------
    Format

    Raises
    ------
    InputError
        Unknown ending.

    Examples
    --------
    >>> format_of(Path("maps.FITS")) is FORMATS[".fits"]
    True
    """
    known = FORMATS.get(ending_of(path))
    if known is None:
        raise InputError(f"{path}: unknown kind of file; expected one of {', '.join(FORMATS)}")
    return known


def writer_of(path: Path) -> Callable[[Path, WritableMaps], None]:
    """Return the writer of the format that the ending of a path names.

    Parameters
    ----------
    path : Path

    Returns
    -------
    callable

    Raises
    ------
    InputError
        Unknown ending, or a format that is only read.

    Examples
    --------
    >>> writer_of(Path("maps.npy")) is write_npy
    True
    """
    writers = {ending: each.write for ending, each in FORMATS.items() if each.write}
    ending = ending_of(path)
    if ending not in writers:
        reason = "files of this kind are read only" if ending in FORMATS else "unknown kind of file"
        raise InputError(f"{path}: {reason}; write one of {', '.join(writers)}")
    return writers[ending]
