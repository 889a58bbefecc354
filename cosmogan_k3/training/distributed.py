"""What the processes of one training do together: one decides, writes and speaks, none waits for one that is gone."""

import atexit
import contextlib
import json
import os
import sys

from cosmogan_k3 import backend
from cosmogan_k3.errors import InputError, one_line

_SIGNS = ("gloo", "nccl", "connection", "coordination")
"""One of these words is in what a framework says when another process is gone."""


def is_main_process():
    """Whether this is the process that writes checkpoints, talks to MLflow and prints."""
    return backend.process_index() == 0


def broadcast_from_main(function):
    """What ``function()`` returns on the chief, who alone calls it, on every process.

    Args:
        function: returns plain values; between processes they travel as JSON.

    Example:
        >>> broadcast_from_main(lambda: {"stop": False})
        {'stop': False}
    """
    if backend.process_count() == 1:
        return function()
    return json.loads(backend.broadcast(json.dumps(function() if is_main_process() else None)))


@contextlib.contextmanager
def distributed_errors():
    """Say in one line that another process is gone, and after any error end without waiting for the others.

    Raises:
        InputError: another process ended or cannot be reached.
    """
    try:
        yield
    except Exception as error:
        if backend.process_count() == 1:
            raise
        atexit.register(_end_at_once)
        if isinstance(error, InputError) or not any(sign in str(error).lower() for sign in _SIGNS):
            raise
        raise InputError(
            f"Another process of this training ended or cannot be reached ({one_line(error, 120)}); "
            "start all of them again, with --resume"
        ) from error


def _end_at_once():
    """Leave before a framework's own farewell, which would wait for every process."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(2)
