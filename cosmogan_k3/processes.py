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


def is_chief():
    """Whether this is the process that writes checkpoints, talks to MLflow and prints."""
    return backend.process_index() == 0


def from_chief(function):
    """What ``function()`` returns on the chief, who alone calls it, on every process.

    Args:
        function: returns plain values; between processes they travel as JSON.

    Example:
        >>> from_chief(lambda: {"stop": False})
        {'stop': False}
    """
    if backend.process_count() == 1:
        return function()
    return json.loads(backend.broadcast(json.dumps(function() if is_chief() else None)))


@contextlib.contextmanager
def in_company():
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
