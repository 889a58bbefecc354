"""The boundary of the readers: what may be opened, how much it may hold, what an error says."""

import contextlib
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

from cosmogan_k3._typing import PathLike
from cosmogan_k3.errors import InputError, one_line

Version: TypeAlias = tuple[int, int, int]  # inode, time of the last change in ns, size in bytes

# Compressed data may grow to 256 MiB, and beyond that to 20 times the size of their file. Maps of
# floats are hardly compressed; a few megabytes that become gigabytes are an accident or an attack.
_INFLATED_BYTES = 2**28
_INFLATION = 20


@contextlib.contextmanager
def input_errors(path: PathLike) -> Iterator[None]:
    """Turn every exception into an ``InputError`` that names the file and the cause.

    Readers of damaged files raise exceptions of any kind.

    Parameters
    ----------
    path : str or Path
        The file that is read.

    Raises
    ------
    InputError

    Examples
    --------
    >>> with input_errors("maps.npz"):
    ...     raise NotImplementedError("compression type 9")
    Traceback (most recent call last):
    cosmogan_k3.errors.InputError: maps.npz: cannot be read (compression type 9)
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        cause = error.strerror if isinstance(error, OSError) and error.strerror else error
        reason = one_line(cause, 300) or type(error).__name__  # a MemoryError has no text
        raise InputError(f"{path}: cannot be read ({reason})") from error


def version_of(path: PathLike) -> Version:
    """Return what changes when a file is written again.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    tuple of int
        Inode, time of the last change in ns, size in bytes.

    Raises
    ------
    InputError
        If there is no such file, or if it is a folder, a pipe or a device. None of them is opened:
        to open a pipe can wait for ever.

    Examples
    --------
    >>> version_of("/dev/null")
    Traceback (most recent call last):
    cosmogan_k3.errors.InputError: /dev/null: is no regular file
    """
    with input_errors(path):
        try:
            status = Path(path).stat()
        except FileNotFoundError as error:
            raise InputError(f"{path}: no such file") from error
        if not stat.S_ISREG(status.st_mode):
            raise InputError(f"{path}: is no regular file")
        return status.st_ino, status.st_mtime_ns, status.st_size


def check_version(path: PathLike, version: Version) -> None:
    """Raise an error if a file is not the one that was read before.

    Parameters
    ----------
    path : str or Path
    version : tuple of int
        What ``version_of`` returned.

    Raises
    ------
    InputError

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     check_version(file.name, version_of(file.name))
    """
    if version_of(path) != version:
        raise InputError(
            f"{path}: was changed while it was in use; run the command again, or read it again"
        )


def check_inflated(path: PathLike, size: int, stored: int) -> None:
    """Raise an error if compressed data would become too large.

    Parameters
    ----------
    path : str or Path
        The file, for the message.
    size : int
        Bytes once they are inflated.
    stored : int
        Bytes of the file.

    Raises
    ------
    InputError

    Examples
    --------
    >>> check_inflated("maps.npz", 10**9, 10**8)
    >>> check_inflated("bomb.npz", 10**9, 10**6)
    Traceback (most recent call last):
    cosmogan_k3.errors.InputError: bomb.npz: 954 MiB of data are packed into 1 MiB; ...
    """
    if size > inflated_limit(stored):
        raise InputError(
            f"{path}: {size / 2**20:.0f} MiB of data are packed into {stored / 2**20:.0f} MiB; "
            "no file of maps is as small as that. Unpack it if you trust it"
        )


def inflated_limit(stored: int) -> int:
    """Return to how many bytes the data of a file may be inflated.

    Parameters
    ----------
    stored : int
        Bytes of the file.

    Returns
    -------
    int

    Examples
    --------
    >>> inflated_limit(10) // 2**20
    256
    """
    return max(_INFLATED_BYTES, _INFLATION * stored)
