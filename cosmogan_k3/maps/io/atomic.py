"""Write files whole or not at all."""

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from cosmogan_k3._typing import PathLike
from cosmogan_k3.errors import InputError
from cosmogan_k3.maps.io.disk import full_disk_as_input_error

PARTIAL = ".partial-"  # prefix of the names of files that are still being written

# What file systems answer that cannot write a folder to the disk on demand.
_NO_SYNC = (errno.EINVAL, errno.ENOTSUP)


@contextlib.contextmanager
def replacing(path: PathLike) -> Iterator[Path]:
    """Yield a temporary path beside ``path``, which is renamed to ``path`` if nothing failed.

    File and folder are flushed to the disk: a crash of the machine leaves the old file or the new.

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
        The folder cannot be written to, or the disk is full.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with replacing(folder + "/notes.txt") as partial:
    ...         _ = partial.write_text("done")
    ...     [path.name for path in Path(folder).iterdir()]
    ['notes.txt']
    """
    path = Path(path)
    with _partial(path) as partial:
        yield partial
        _settle(partial)
        partial.replace(path)


@contextlib.contextmanager
def creating(path: PathLike) -> Iterator[Path]:
    """Yield a temporary path as ``replacing`` does, for a file that must not exist yet.

    Of several processes that create the same file, one succeeds.

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
    FileExistsError
        There is such a file.
    InputError
        The folder cannot be written to, or the disk is full.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for text in ("first", "second"):
    ...         with contextlib.suppress(FileExistsError), creating(folder + "/notes") as partial:
    ...             _ = partial.write_text(text)
    ...     Path(folder, "notes").read_text()
    'first'
    """
    path = Path(path)
    with _partial(path) as partial:
        yield partial
        _settle(partial)
        try:
            path.hardlink_to(partial)
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links
            with path.open("xb") as file:
                file.write(partial.read_bytes())


@contextlib.contextmanager
def _partial(path: Path) -> Iterator[Path]:
    """Yield a temporary file beside ``path``, and remove it if it is still there at the end."""
    folder = path.parent
    check_writable(folder)
    folder.mkdir(parents=True, exist_ok=True)
    prefix = f"{PARTIAL}{path.name}-"
    handle, name = tempfile.mkstemp(prefix=prefix, suffix=path.suffix, dir=folder)
    os.close(handle)
    partial = Path(name)
    try:
        with full_disk_as_input_error(path, partial):
            yield partial
        sync(folder)
    finally:
        partial.unlink(missing_ok=True)


def _settle(partial: Path) -> None:
    """Give a complete file its final permissions, and flush it to the disk."""
    partial.chmod(0o666 & ~_umask())  # mkstemp gives read access to the owner alone
    sync(partial)


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


def remove_partials(path: PathLike, *, folder: bool = False, spared: Iterable[str] = ()) -> None:
    """Remove what dead processes left of an output; the caller holds its lock.

    Parameters
    ----------
    path : str or Path
        The output.
    folder : bool, default False
        Whether the output is a folder.
    spared : iterable of str
        Names of files in the folder that other processes may be writing.
    """
    path = Path(path)
    where, start = (path, PARTIAL) if folder else (path.parent, f"{PARTIAL}{path.name}-")
    kept = tuple(f"{PARTIAL}{name}-" for name in spared)
    for partial in where.iterdir():
        if partial.name.startswith(start) and not (kept and partial.name.startswith(kept)):
            partial.unlink(missing_ok=True)


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
