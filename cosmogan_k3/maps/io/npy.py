"""NumPy files (``.npy``), which hold the pixels alone."""

import functools
from pathlib import Path
from typing import IO

import numpy as np

from cosmogan_k3.maps.io.choice import BY_NAME, Request
from cosmogan_k3.maps.io.guard import version_of
from cosmogan_k3.maps.io.map_file import MapFile, WritableMaps
from cosmogan_k3.maps.io.stored import Buffer, RawArray, mapped


def open_npy(path: Path, request: Request = BY_NAME) -> MapFile:
    """Open an npy file, which is memory-mapped when pixels are read.

    Parameters
    ----------
    path : Path
    request : Request, optional
        Not used: the file has one array, without a name.

    Returns
    -------
    MapFile
        Without pixel size, identities and parameters, which the format cannot hold.

    Raises
    ------
    ValueError
        Pickled objects, or another length than the header says.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(folder + "/maps.npy", np.zeros((2, 8, 8), "float32"))
    ...     open_npy(Path(folder) / "maps.npy").array.shape
    (2, 8, 8)
    """
    size = version_of(path)[2]
    with path.open("rb") as file:
        return MapFile(npy_array(file, 0, size, functools.partial(mapped, path)))


def npy_array(file: IO[bytes], start: int, size: int, buffer: Buffer) -> RawArray:
    """Read the header of an array in npy format, and check its length before any use.

    Parameters
    ----------
    file : binary file
        At the first byte of the array's header.
    start : int
        Offset of this byte in ``buffer``.
    size : int
        Bytes of header and numbers.
    buffer : callable
        Opens the bytes that hold the array.

    Returns
    -------
    RawArray

    Raises
    ------
    ValueError
        Pickled objects, an unknown version, or another length than the header says.

    Examples
    --------
    >>> import contextlib, io
    >>> file = io.BytesIO()
    >>> np.save(file, np.arange(3.0))
    >>> _ = file.seek(0)
    >>> npy_array(file, 0, len(file.getvalue()), contextlib.nullcontext).shape
    (3,)
    """
    first = file.tell()
    readers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    magic = np.lib.format.read_magic(file)
    if magic not in readers:
        raise ValueError(f"unknown version {magic} of the npy format")
    shape, fortran, dtype = readers[magic](file)
    if dtype.hasobject:
        raise ValueError("holds Python objects, which are never unpickled")
    header = file.tell() - first
    array = RawArray(buffer, start + header, shape, dtype, "F" if fortran else "C")
    if min(shape, default=0) < 0 or header + array.size != size:
        raise ValueError(
            f"the header describes an array of shape {shape} and type {dtype}, "
            f"{array.size} bytes. Received: {size - header} bytes"
        )
    return array


def write_npy(path: Path, maps: WritableMaps) -> None:
    """Write the pixels of maps to an npy file, one block at a time.

    Parameters
    ----------
    path : Path
    maps : MapSet or MapStream

    Examples
    --------
    >>> import tempfile
    >>> from cosmogan_k3.maps import MapSet
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "maps.npy"
    ...     write_npy(path, MapSet(np.zeros((2, 8, 8), "float32"), pixel_arcmin=1.5))
    ...     open_npy(path).array.shape
    (2, 8, 8)
    """
    with path.open("wb") as file:
        write_npy_array(file, maps)


def write_npy_array(file: IO[bytes], maps: WritableMaps) -> None:
    """Write the pixels of maps in npy format to an open file, one block at a time.

    Parameters
    ----------
    file : binary file
    maps : MapSet or MapStream

    Examples
    --------
    >>> import io
    >>> from cosmogan_k3.maps import MapSet
    >>> file = io.BytesIO()
    >>> write_npy_array(file, MapSet(np.zeros((2, 8, 8), "float32"), pixel_arcmin=1.5))
    >>> len(file.getvalue())  # 128 bytes of header
    640
    """
    header = {
        "descr": "<f4",
        "fortran_order": False,
        "shape": (len(maps), maps.pixels, maps.pixels),
    }
    np.lib.format.write_array_header_1_0(file, header)
    for block in maps.blocks():
        file.write(np.ascontiguousarray(block, dtype="<f4").data)
