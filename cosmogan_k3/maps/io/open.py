"""Open one file of any known format, and check it."""

import functools
from pathlib import Path

from cosmogan_k3._typing import PathLike
from cosmogan_k3.errors import InputError, one_line
from cosmogan_k3.maps.io.formats import format_of
from cosmogan_k3.maps.io.map_file import MapFile

_OPEN_FILES = 64  # largest number of files that stay open


def open_maps(path: PathLike) -> MapFile:
    """Open a file of maps and check everything that needs no pixels.

    At most 64 files stay open; a file that was rewritten is opened again.

    Parameters
    ----------
    path : str or Path

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
    ...     open_maps(folder + "/maps.npy").array.shape
    (3, 16, 16)
    """
    if not Path(path).exists():
        raise InputError(f"{path}: no such file")
    status = Path(path).stat()
    return _open_version(str(path), status.st_mtime_ns, status.st_size, status.st_ino)


@functools.lru_cache(maxsize=_OPEN_FILES)
def _open_version(path: str, *version: int) -> MapFile:
    """Open a file; ``version`` differs once it was rewritten."""
    opened = open_file(Path(path))
    array = opened.array
    if array.dtype.kind != "f":
        raise InputError(
            f"{path}: expected real floating-point maps. Received: dtype {array.dtype}"
        )
    if array.ndim not in (2, 3) or array.shape[-1] != array.shape[-2]:
        raise InputError(
            f"{path}: expected maps of shape (N, N) or (n, N, N). Received: shape {array.shape}"
        )
    if 0 in array.shape:
        raise InputError(f"{path}: holds no maps. Received: shape {array.shape}")
    return opened


def open_file(path: Path) -> MapFile:
    """Open a file of any known format, whatever array it holds.

    Parameters
    ----------
    path : Path

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
    if not path.exists():
        raise InputError(f"{path}: no such file")
    try:
        return known.open(path)
    except InputError:
        raise
    except Exception as error:  # NumPy, zipfile, h5py and astropy raise any kind for damaged files
        reason = one_line(error) or type(error).__name__
        raise InputError(f"{path}: cannot be read ({reason})") from error
