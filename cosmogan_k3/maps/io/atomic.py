"""Write files whole or not at all."""

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from cosmogan_k3._typing import PathLike
from cosmogan_k3.errors import InputError

PARTIAL = ".partial-"  # prefix of the names of files that are still being written

# What file systems answer that cannot write a folder to the disk on demand.
_NO_SYNC = (errno.EINVAL, errno.ENOTSUP)


@contextlib.contextmanager
def replacing(path: PathLike) -> Iterator[Path]:
    """Yield a temporary path beside ``path``, which is renamed to ``path`` if nothing failed.

    Parameters
    ----------
    path : str or Path
        The final file; folders above it are created.

    Yields
    ------
    Path
        An empty file to write to, with the same ending.

    Raises
    ------
    InputError
        The folder cannot be written to.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with replacing(folder + "/notes.txt") as partial:
    ...         _ = partial.write_text("done")
    ...     [path.name for path in Path(folder).iterdir()]
    ['notes.txt']
    """
    path = Path(path)
    check_writable(path.parent)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=PARTIAL, suffix=path.suffix, dir=path.parent)
    os.close(handle)
    partial = Path(name)
    try:
        yield partial
        partial.chmod(0o666 & ~_umask())  # mkstemp gives read access to the owner alone
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def sync(path: PathLike) -> None:
    """Wait until a file, or the names in a folder, are on the disk.

    Parameters
    ----------
    path : str or Path
        File or folder.

    Raises
    ------
    OSError
        If the disk is full or fails.

    Examples
    --------
    >>> sync(tempfile.gettempdir())
    """
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise
    finally:
        os.close(handle)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def check_writable(folder: PathLike) -> None:
    """Raise an error if a folder cannot be written to; the folder is not created.

    Parameters
    ----------
    folder : str or Path
        It need not exist; then the nearest existing folder above it is checked.

    Raises
    ------
    InputError
        The folder cannot be written to.

    Examples
    --------
    >>> check_writable(tempfile.gettempdir() + "/new/folder")
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
