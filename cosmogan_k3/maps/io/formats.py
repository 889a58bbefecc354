"""The known file formats, by ending."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from cosmogan_k3.errors import InputError
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
        From the path of a file to its ``MapFile``.
    write : callable
        Writes a ``MapSet`` or ``MapStream`` to a path.

    Examples
    --------
    >>> Format(open_npy, write_npy).open.__name__
    'open_npy'
    """

    open: Callable[[Path], MapFile]
    write: Callable[[Path, WritableMaps], None]


_FITS = Format(open_fits, write_fits)
_HDF5 = Format(open_hdf5, write_hdf5)

FORMATS = {
    ".npy": Format(open_npy, write_npy),
    ".npz": Format(open_npz, write_npz),
    ".fits": _FITS,
    ".fit": _FITS,
    ".h5": _HDF5,
    ".hdf5": _HDF5,
}


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
    known = FORMATS.get(path.suffix.lower())
    if known is None:
        raise InputError(f"{path}: unknown kind of file; expected one of {', '.join(FORMATS)}")
    return known
