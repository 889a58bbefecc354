"""Disks that are full: found before the work if the size is known, and named if not."""

import contextlib
import errno
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from cosmogan_k3._typing import PathLike
from cosmogan_k3.errors import InputError

# A full disk, a used-up quota, a limit on the size of files.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# HDF5 gives the number in its text alone; NumPy gives neither number nor text.
_FULL_TEXT = re.compile(
    rf"errno = ({'|'.join(map(str, _FULL))})\b|requested and \d+ written|"
    + "|".join(map(os.strerror, _FULL))
)
_UNITS = ("bytes", "kB", "MB", "GB", "TB")


def check_space(path: PathLike, size: int) -> None:
    """Raise an error, before any work is done, if the disk has no room for a file.

    Parameters
    ----------
    path : str or Path
        The file; the nearest existing folder above it is asked.
    size : int
        Bytes that will be written.

    Raises
    ------
    InputError
        The disk has less free space.

    Examples
    --------
    >>> check_space("maps.npz", 10**18)
    Traceback (most recent call last):
    cosmogan_k3.errors.InputError: maps.npz: needs 1e+06 TB, and ... are free on its disk; ...
    """
    free = _free(Path(path))
    if size > free:
        raise InputError(
            f"{path}: needs {in_words(size)}, and {in_words(free)} are free on its disk; free "
            f"{in_words(size - free)}, or name an output on another disk",
            parameter="out",
        )


@contextlib.contextmanager
def full_disk_as_input_error(path: PathLike, partial: Path) -> Iterator[None]:
    """Raise ``InputError`` for any error of a library that says that the disk is full.

    Parameters
    ----------
    path : str or Path
        The output, for the message.
    partial : Path
        The file that is written, whose size is named.

    Raises
    ------
    InputError
        The disk is full.

    Examples
    --------
    >>> with full_disk_as_input_error("maps.h5", Path("maps.h5")):
    ...     raise RuntimeError("Unable to flush file (errno = 28)")
    Traceback (most recent call last):
    cosmogan_k3.errors.InputError: maps.h5: cannot be written in full (No space left on device...
    """
    try:
        yield
    except Exception as error:
        if not (reason := _full(error)):
            raise
        written = partial.stat().st_size if partial.exists() else 0
        raise InputError(
            f"{path}: cannot be written in full ({reason} after {in_words(written)}; "
            f"{in_words(_free(Path(path)))} are free); free space on its disk, or name an output "
            "on another one. What was there before is unchanged"
        ) from error


def _free(path: Path) -> int:
    """Return the bytes that are free for this user where a file is to be written."""
    existing = next(folder for folder in path.absolute().parents if folder.exists())
    return shutil.disk_usage(existing).free


def _full(error: BaseException | None) -> str:
    """Return how an error, or one that it follows from, says that the disk is full; or nothing."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _FULL:
            return os.strerror(error.errno)
        if found := _FULL_TEXT.search(str(error)):
            return os.strerror(int(found[1]) if found[1] else errno.ENOSPC)
        error = error.__cause__ or error.__context__
    return ""


def in_words(size: int) -> str:
    """Return a number of bytes with its unit.

    Examples
    --------
    >>> in_words(812), in_words(16_400_000_000)
    ('812 bytes', '16.4 GB')
    """
    power = min(max(len(str(size)) - 1, 0) // 3, len(_UNITS) - 1)
    return f"{size / 1000**power:.3g} {_UNITS[power]}"
