"""What libraries print of themselves, and how a command keeps it from its user."""

import contextlib
import logging
import os
import sys
import tempfile
from collections.abc import Iterator

# The user's values come first. Errors are shown all the same: they are raised.
_QUIET = {
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "GRPC_VERBOSITY": "ERROR",
}
_LOGGERS = ("alembic", "absl", "jax._src.xla_bridge")


def hush() -> None:
    """Keep libraries from printing what is no warning; call it before they are imported.

    Examples
    --------
    >>> hush()
    >>> os.environ["MLFLOW_LOGGING_LEVEL"]
    'WARNING'
    """
    for variable, value in _QUIET.items():
        os.environ.setdefault(variable, value)
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)


@contextlib.contextmanager
def silenced() -> Iterator[None]:
    """Keep what C++ libraries write to standard error, and show it only if an error is raised.

    TensorFlow and CUDA write before they can be told not to.

    Examples
    --------
    >>> with silenced():
    ...     _ = os.write(2, b"TensorFlow says hello")
    """
    try:
        sys.stderr.flush()
        number = os.dup(2)
    except OSError:  # the process has no standard error
        yield
        return
    with tempfile.TemporaryFile() as kept:
        os.dup2(kept.fileno(), 2)
        try:
            yield
        except BaseException:
            kept.seek(0)
            os.write(number, kept.read())
            raise
        finally:
            os.dup2(number, 2)
            os.close(number)
