"""Open one file of any known format, and check it: the boundary that every reading goes through."""

import contextlib
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cosmogan_k3._typing import MapArray, PathLike
from cosmogan_k3.errors import InputError
from cosmogan_k3.maps.io.choice import BY_NAME, Request
from cosmogan_k3.maps.io.formats import format_of
from cosmogan_k3.maps.io.guard import Version, check_version, input_errors, version_of
from cosmogan_k3.maps.io.map_file import MapFile

_REMEMBERED = 256  # files whose structure is remembered; none of them stays open


@dataclass(frozen=True)
class MapSource:
    """A file at the time when it was first read, and the array that is taken from it.

    Parameters
    ----------
    path : str
        Absolute, so that processes with another working directory find the file.
    version : tuple of int
        As ``version_of`` returns it.
    field : str, default ""
        Name of the array; empty if it is chosen by name, or has none.
    external : bool, default False
        Whether an HDF5 file may take data from other files.

    Examples
    --------
    >>> MapSource("/maps.h5", (1, 2, 3), "kappa").field
    'kappa'
    """

    path: str
    version: Version
    field: str = ""
    external: bool = False

    @classmethod
    def of(cls, path: PathLike, *, field: str = "", external: bool = False) -> "MapSource":
        """Return the source for a file as it is now.

        Parameters
        ----------
        path : str or Path
        field : str, default ""
        external : bool, default False

        Returns
        -------
        MapSource

        Raises
        ------
        InputError
            No such file, or no regular file.
        """
        return cls(str(Path(path).absolute()), version_of(path), field, external)


@contextlib.contextmanager
def reading(source: MapSource) -> Iterator[MapArray]:
    """Open the maps of a file for reading, and close it.

    Parameters
    ----------
    source : MapSource

    Yields
    ------
    array_like, shape (N, N) or (n, N, N)

    Raises
    ------
    InputError
        For every error of the reading, and if the file is not the one that it was.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(folder + "/maps.npy", np.ones((3, 16, 16), "float32"))
    ...     with reading(MapSource.of(folder + "/maps.npy")) as maps:
    ...         maps.shape
    (3, 16, 16)
    """
    check_version(source.path, source.version)
    array = open_maps(source).array
    with input_errors(source.path), array.opened() as opened:
        yield opened
    check_version(source.path, source.version)  # nor was it changed while it was read


@functools.lru_cache(maxsize=_REMEMBERED)
def open_maps(source: MapSource) -> MapFile:
    """Open a file of maps and check everything that needs no pixels.

    Parameters
    ----------
    source : MapSource

    Returns
    -------
    MapFile

    Raises
    ------
    InputError
        Missing, damaged or unknown file, pickled objects, or an array that is not (N, N) or
        (n, N, N) of floats. The message names the file.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(folder + "/maps.npy", np.zeros((3, 16, 16), "float32"))
    ...     open_maps(MapSource.of(folder + "/maps.npy")).array.shape
    (3, 16, 16)
    """
    path = Path(source.path)
    opened = open_file(path, Request(source.field, source.external))
    array, name = opened.array, f"{opened.name}: " if opened.name else ""
    if array.dtype.kind != "f":
        raise InputError(
            f"{path}: {name}expected real floating-point maps. Received: dtype {array.dtype}"
        )
    if array.shape is None:  # an HDF5 data set without a dataspace
        raise InputError(f"{path}: {name}holds no maps. Received: an empty data set")
    if len(array.shape) not in (2, 3) or array.shape[-1] != array.shape[-2]:
        raise InputError(
            f"{path}: {name}expected maps of shape (N, N) or (n, N, N). "
            f"Received: shape {array.shape}"
        )
    if 0 in array.shape:
        raise InputError(f"{path}: {name}holds no maps. Received: shape {array.shape}")
    return opened


def open_file(path: Path, request: Request = BY_NAME) -> MapFile:
    """Open a file of any known format, whatever array it holds.

    Parameters
    ----------
    path : Path
    request : Request, optional
        Which array to read.

    Returns
    -------
    MapFile
        Its array may have any dtype and shape.

    Raises
    ------
    InputError
        Missing, damaged or unknown file, or pickled objects. The message names the file.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(folder + "/mask.npy", np.ones((16, 16), bool))
    ...     open_file(Path(folder) / "mask.npy").array.dtype
    dtype('bool')
    """
    known = format_of(path)
    version_of(path)  # a regular file
    with input_errors(path):
        return known.open(path, request)
