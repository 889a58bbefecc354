"""What libraries print of themselves, and how a command keeps it from its user."""

import contextlib
import logging
import os
import re
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


# Lines of the logs of C++ libraries, such as "I0000 00:00:1795 port.cc:153] oneDNN is on".
_LOG_LINE = re.compile(
    rb"[IWE]\d{4} \d\d:\d\d:|WARNING: All log messages before absl|To enable the following instr"
)


@contextlib.contextmanager
def silenced() -> Iterator[None]:
    """Leave the logs of C++ libraries out of standard error, unless an error is raised.

    TensorFlow and CUDA write before they can be told not to. Other lines are written at the end.

    Examples
    --------
    >>> with silenced():
    ...     _ = os.write(2, b"I0000 00:00:17958 port.cc:153] oneDNN is on")
    """
    try:
        sys.stderr.flush()
        number = os.dup(2)
    except OSError:  # the process has no standard error
        yield
        return
    with tempfile.TemporaryFile() as kept:
        os.dup2(kept.fileno(), 2)
        failed = True
        try:
            yield
            failed = False
        finally:
            os.dup2(number, 2)
            kept.seek(0)
            lines = (line for line in kept if failed or not _LOG_LINE.match(line))
            os.write(number, b"".join(lines))
            os.close(number)
