"""NumPy files (``.npy``), which hold the pixels alone."""

from pathlib import Path
from typing import IO

import numpy as np

from cosmogan_k3.maps.io.map_file import MapFile, WritableMaps


def open_npy(path: Path) -> MapFile:
    """Open an npy file, memory-mapped.

    Parameters
    ----------
    path : Path

    Returns
    -------
    MapFile
        Without pixel size, identities and parameters, which the format cannot hold.
    """
    return MapFile(np.load(path, mmap_mode="r", allow_pickle=False))


def write_npy(path: Path, maps: WritableMaps) -> None:
    """Write the pixels of maps to an npy file, one block at a time.

    Parameters
    ----------
    path : Path
    maps : MapSet or MapStream
    """
    with path.open("wb") as file:
        write_npy_array(file, maps)


def write_npy_array(file: IO[bytes], maps: WritableMaps) -> None:
    """Write the pixels of maps in npy format to an open file, one block at a time.

    Parameters
    ----------
    file : binary file
    maps : MapSet or MapStream
    """
    header = {
        "descr": "<f4",
        "fortran_order": False,
        "shape": (len(maps), maps.pixels, maps.pixels),
    }
    np.lib.format.write_array_header_1_0(file, header)
    for block in maps.blocks():
        file.write(np.ascontiguousarray(block, dtype="<f4").data)
