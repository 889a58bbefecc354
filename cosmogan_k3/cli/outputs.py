"""Outputs of commands: one command at a time writes to each, and none is overwritten by chance."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from cosmogan_k3._typing import PathLike
from cosmogan_k3.errors import InputError
from cosmogan_k3.maps.io.lock import exclusive
from cosmogan_k3.maps.io.write import check_output


@contextlib.contextmanager
def output_file(
    path: PathLike, *, overwrite: int, check: Callable[[PathLike], None] = check_output
) -> Iterator[None]:
    """Hold the lock of a file that a command writes.

    Parameters
    ----------
    path : str or Path
    overwrite : int
        Whether the file may be there.
    check : callable, default check_output
        Raises an error if the command cannot write this file; by default one of maps.

    Raises
    ------
    InputError
        If the file cannot be written, another process does so, or the file is there.

    Examples
    --------
    >>> with output_file(__file__, overwrite=0):
    ...     pass
    Traceback (most recent call last):
    cosmogan_k3.errors.InputError: ...
    """
    check(path)
    with exclusive(path):
        _refuse_existing([Path(path)], overwrite)
        yield


@contextlib.contextmanager
def output_folder(
    path: PathLike, names: Sequence[str] = (), *, overwrite: int = 0
) -> Iterator[None]:
    """Hold the lock of a folder that a command writes to.

    Parameters
    ----------
    path : str or Path
    names : sequence of str
        Files that the command writes. Default none.
    overwrite : int
        Whether these files may be there. Default 0.

    Raises
    ------
    InputError
        If the folder is a file or cannot be written to, another process does so, or a file is
        there.

    Examples
    --------
    >>> with output_folder(Path(__file__).parent, ["outputs.py"], overwrite=0):
    ...     pass
    Traceback (most recent call last):
    cosmogan_k3.errors.InputError: .../outputs.py: is there already; ...
    """
    if Path(path).is_file():
        raise InputError(f"{path}: is a file; name a folder", parameter="out")
    with exclusive(path, folder=True):
        _refuse_existing([Path(path) / name for name in names], overwrite)
        yield


def _refuse_existing(paths: Sequence[Path], overwrite: int) -> None:
    for path in paths:
        if path.exists() and not overwrite:
            raise InputError(
                f"{path}: is there already; name another output, or replace it",
                parameter="out, overwrite",
            )
