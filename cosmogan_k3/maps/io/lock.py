"""Locks: only one process at a time writes to a file or to a folder."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import filelock

from cosmogan_k3._typing import PathLike
from cosmogan_k3.errors import InputError, one_line
from cosmogan_k3.maps.io.atomic import check_writable, remove_partials

_LOCK = ".lock"
_POLL_SECONDS = 0.5


@contextlib.contextmanager
def exclusive(
    path: PathLike, *, folder: bool = False, on_wait: Callable[[], None] | None = None
) -> Iterator[None]:
    """Hold the lock of an output file or folder, and remove what dead processes left of it.

    The operating system releases the lock of a process that ends, however it ends.

    Parameters
    ----------
    path : str or Path
        The output. Folders above it are created, and removed at the end if they are empty.
    folder : bool, default False
        Whether the output is a folder, which is created.
    on_wait : callable, optional
        Called if another process holds the lock, before waiting for it. By default nobody waits.

    Raises
    ------
    InputError
        If another process holds the lock and nobody waits, or the folder cannot be written to.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as home, exclusive(home + "/maps.npz"):
    ...     with exclusive(home + "/maps.npz"):
    ...         pass
    Traceback (most recent call last):
    cosmogan_k3.errors.InputError: ...maps.npz: another process is writing to it; ...
    """
    path = Path(path)
    file = path / _LOCK if folder else path.with_name(f".{path.name}{_LOCK}")
    check_writable(file.parent)
    made = [each for each in (file.parent, *file.parent.parents) if not each.exists()]
    file.parent.mkdir(parents=True, exist_ok=True)
    # Not a singleton and not local to a thread: two threads exclude each other as processes do.
    lock = filelock.FileLock(file)
    try:
        _acquire(lock, path, on_wait)
    except OSError as error:
        raise InputError(f"{file}: no lock ({one_line(error)})", parameter="out") from error
    try:
        spared = [name[1 : -len(_LOCK)] for name in _locks(path)] if folder else ()
        remove_partials(path, folder=folder, spared=spared)
        yield
    finally:
        # A process that opened the file before this line finds it removed and tries again.
        file.unlink(missing_ok=True)
        lock.release()
        with contextlib.suppress(OSError):  # a folder that holds something stays
            for each in made:
                each.rmdir()


def _acquire(lock: filelock.BaseFileLock, path: Path, on_wait: Callable[[], None] | None) -> None:
    try:
        lock.acquire(blocking=False)
    except filelock.Timeout as error:
        if on_wait is None:
            raise InputError(
                f"{path}: another process is writing to it; wait for it, or name another output",
                parameter="out",
            ) from error
        on_wait()
        lock.acquire(blocking=True, poll_interval=_POLL_SECONDS)


def _locks(folder: Path) -> list[str]:
    """Return the names of the locks of files in a folder."""
    return [found.name for found in folder.glob(f".?*{_LOCK}")]
