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

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(folder + "/maps.npy", np.zeros((2, 8, 8), "float32"))
    ...     open_npy(Path(folder) / "maps.npy").array.shape
    (2, 8, 8)
    """
    return MapFile(np.load(path, mmap_mode="r", allow_pickle=False))


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
