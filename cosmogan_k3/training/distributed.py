"""What several processes of one training do together."""

import atexit
import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

from cosmogan_k3 import backend
from cosmogan_k3.errors import InputError, one_line

# A framework's message that another process is gone contains one of these words.
_LOSS_WORDS = ("gloo", "nccl", "connection", "coordination")


def is_main_process() -> bool:
    """Return whether this process writes checkpoints, talks to MLflow and prints."""
    return backend.process_index() == 0


def broadcast_from_main(function: Callable[[], Any]) -> Any:
    """Return on every process what ``function()`` returns on the main process.

    Parameters
    ----------
    function : callable
        Only the main process calls it. It returns plain values, which travel as JSON.

    Examples
    --------
    >>> broadcast_from_main(lambda: {"stop": False})
    {'stop': False}
    """
    if backend.process_count() == 1:
        return function()
    return json.loads(backend.broadcast(json.dumps(function() if is_main_process() else None)))


@contextlib.contextmanager
def distributed_errors() -> Iterator[None]:
    """Report in one line that another process is gone, and exit without waiting for the others.

    Raises
    ------
    InputError
        If another process ended or cannot be reached.

    Examples
    --------
    >>> with distributed_errors():
    ...     print("one process")
    one process
    """
    try:
        yield
    except BaseException as error:
        if backend.process_count() == 1:
            raise
        atexit.register(_end_at_once, _exit_code(error))
        lost = any(word in str(error).lower() for word in _LOSS_WORDS)
        if not isinstance(error, Exception) or isinstance(error, InputError) or not lost:
            raise
        raise InputError(
            f"Another process of this training ended or cannot be reached ({one_line(error, 120)});"
            " start all of them again to resume the training",
            parameter="resume",
        ) from error


def _exit_code(error: BaseException) -> int:
    """Return the exit code of a command that ends with an error."""
    if isinstance(error, SystemExit) and isinstance(error.code, int):
        return error.code
    return 130 if isinstance(error, KeyboardInterrupt) else 2


def _end_at_once(code: int) -> None:
    """Exit before the framework's own shutdown, which would wait for every process."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
